//! Whether the loaded model can fill in, tried once for each file: the answer is kept in the cache directory, so that only
//! the first start with a model pays for it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant, UNIX_EPOCH};

use crate::fetch::cache_dir;
use crate::model::{Infill, Loaded};

/// The time that it may take.
const BOUND: Duration = Duration::from_secs(1);

/// Answers that are kept; who has tried more models than that can wait a second.
const KEPT: usize = 32;

/// Where answers are kept, by [`key`].
const FILE: &str = "infill.json";

/// Returns what a model makes of infill prompts.
pub(super) fn of(path: &Path, loaded: &Loaded) -> Infill {
    if loaded.markers.fim.is_none() {
        return Infill::NoMarkers;
    }
    let key = key(path);
    let mut known = known();
    match key.as_ref().and_then(|key| known.get(key)) {
        Some(true) => return Infill::Tried,
        Some(false) => return Infill::Untrained,
        None => {}
    }
    let started = Instant::now();
    let tried =
        Infill::of(&loaded.decoder, &loaded.tokenizer, &loaded.markers, &|| started.elapsed() > BOUND);
    let infill = tried.unwrap_or_else(|error| {
        tracing::warn!(%error, "the model could not be tried");
        Infill::Untried
    });
    tracing::debug!(?infill, elapsed = ?started.elapsed(), "tried to fill in");
    if let (Some(key), Infill::Tried | Infill::Untrained) = (key, infill) {
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(key, infill == Infill::Tried);
        keep(&known);
    }
    infill
}

/// Returns what tells a file from all others, and from itself once it has been changed.
fn key(path: &Path) -> Option<String> {
    let path = path.canonicalize().ok()?;
    let data = path.metadata().ok()?;
    let changed = data.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(format!("{} {} {}", path.display(), data.len(), changed.as_secs()))
}

fn known() -> BTreeMap<String, bool> {
    let read = cache_dir().ok().and_then(|dir| std::fs::read(dir.join(FILE)).ok());
    read.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

/// Best effort: what is not kept is tried again.
fn keep(known: &BTreeMap<String, bool>) {
    let write = || -> std::io::Result<()> {
        let dir = cache_dir().map_err(std::io::Error::other)?;
        // Servers of several editors may start at once, and none must read half a file.
        let new = dir.join(format!("{FILE}.{}", std::process::id()));
        std::fs::create_dir_all(&dir)?;
        std::fs::write(&new, serde_json::to_vec(known)?)?;
        std::fs::rename(&new, dir.join(FILE))
    };
    if let Err(error) = write() {
        tracing::debug!(%error, "what the model makes of infill prompts could not be kept");
    }
}
