//! What subcommands that run a model have measured, kept for `model list`.

use crate::fetch::{Model, Speed, Store};

/// Keeps how fast a model of the catalogue was; a file of the user's own is in no list. Best effort: nobody asked for it.
pub(super) fn keep(model: &str, speed: Speed) {
    let Ok(Model::Entry(entry)) = Model::parse(model) else { return };
    let kept = Store::open().map_err(std::io::Error::other).and_then(|store| store.keep_speed(entry, speed));
    if let Err(error) = kept {
        tracing::info!(%error, "the measured speed could not be kept");
    }
}
