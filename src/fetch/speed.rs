//! How fast a model was on this machine, kept beside its file by whoever measured it. Not about measuring.

use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::pull::beside;
use super::{Entry, Store};

/// Tokens that a model has computed in a second on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// Tokens of prompts.
    pub prefill_per_second: f64,
    /// Tokens of answers, where that was measured too.
    pub decode_per_second: Option<f64>,
}

impl Store {
    /// Returns how fast the entry's model was when that was measured last; nothing where it was not, or cannot be read.
    pub fn speed(&self, entry: &Entry) -> Option<Speed> {
        serde_json::from_slice(&fs::read(self.speed_path(entry)).ok()?).ok()
    }

    /// Keeps how fast the entry's model is; what is not measured now stays as it was.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep_speed(&self, entry: &Entry, speed: Speed) -> std::io::Result<()> {
        let before = self.speed(entry).and_then(|speed| speed.decode_per_second);
        let to_tenths = |value: f64| (value * 10.0).round() / 10.0;
        let kept = Speed {
            prefill_per_second: to_tenths(speed.prefill_per_second),
            decode_per_second: speed.decode_per_second.map(to_tenths).or(before),
        };
        let path = self.speed_path(entry);
        // Servers of several editors may end at once, and a reader must not see half a file.
        let new = beside(&path, &std::process::id().to_string());
        fs::write(&new, serde_json::to_vec(&kept)?)?;
        fs::rename(&new, &path)
    }

    /// Forgets how fast the entry's model was.
    pub(super) fn forget_speed(&self, entry: &Entry) {
        // Where there is none there is nothing to forget.
        let _ = fs::remove_file(self.speed_path(entry));
    }

    fn speed_path(&self, entry: &Entry) -> PathBuf {
        beside(&self.path(entry), "speed.json")
    }
}
