//! What the headers of a hub's answer say, and arithmetic on its addresses. Nothing here asks for anything.

use ureq::http::HeaderMap;

/// What the hub says about a file before sending it.
#[derive(Default)]
pub(super) struct Description {
    /// In bytes.
    pub(super) size: Option<u64>,
    /// The sum, where the file lies in the hub's large storage.
    pub(super) sha256: Option<String>,
}

/// Reads `Content-Range: bytes START-END/SIZE`.
pub(super) fn range_start(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get("content-range")?.to_str().ok()?;
    let (start, _) = range.strip_prefix("bytes")?.trim_start().split_once('-')?;
    start.trim().parse().ok()
}

pub(super) fn description(headers: &HeaderMap) -> Description {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::to_owned);
    let sum = text("x-linked-etag").or_else(|| text("etag"));
    let size = text("x-linked-size").or_else(|| text("content-length"));
    Description {
        size: size.and_then(|size| size.trim().parse().ok()).filter(|size| *size > 0),
        sha256: sum.and_then(|tag| sha256_of_tag(&tag)),
    }
}

/// The tag of a file in the hub's large storage is its sum; other files' tags are something shorter.
fn sha256_of_tag(tag: &str) -> Option<String> {
    let tag = tag.trim().trim_start_matches("W/").trim_matches('"');
    let is_sum = tag.len() == 64 && tag.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_sum.then(|| tag.to_ascii_lowercase())
}

/// Returns scheme and host of an address.
pub(super) fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url[host..].find('/').map_or(url.len(), |at| host + at);
    &url[..end]
}

pub(super) fn join(url: &str, location: &str) -> String {
    if location.starts_with('/') { format!("{}{location}", origin(url)) } else { location.to_owned() }
}
