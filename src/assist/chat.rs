//! Code out of a chat answer that was begun inside a fence: what stands before the fence is closed, and nothing of the
//! prose that follows.

/// What begins and ends a block of code in an answer.
pub(super) const FENCE: &str = "```";

/// Returns the code of an answer, and whether its fence is closed, so that nothing more can come.
///
/// A model that opens the fence again although the prompt did, with a language behind it, is not held to have closed it.
pub(super) fn fenced(answer: &str) -> (&str, bool) {
    let code = match answer.trim_start().strip_prefix(FENCE).map(|rest| rest.split_once('\n')) {
        // The rest of this line decides what the fence is.
        Some(None) => return ("", false),
        Some(Some((language, code))) if !language.trim().is_empty() => code,
        _ => answer,
    };
    match closing(code) {
        Some(end) => (&code[..end], true),
        None => (code, false),
    }
}

/// Returns where the line with the closing fence begins.
fn closing(code: &str) -> Option<usize> {
    let mut start = 0;
    for line in code.split_inclusive('\n') {
        if line.trim_start().starts_with(FENCE) {
            return Some(start);
        }
        start += line.len();
    }
    None
}
