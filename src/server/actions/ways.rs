//! The ways in which a function was written, so that the menu can offer the others after one was taken, without the model.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tower_lsp::lsp_types::Url;

use crate::text::TextEdit;

/// The last function written in each document.
#[derive(Debug, Default)]
pub(in crate::server) struct Ways(Mutex<HashMap<Url, Written>>);

/// A function that was written: the text without it, and with it in each way.
#[derive(Debug, Clone)]
pub(super) struct Written {
    /// The text that it was asked for in.
    pub(super) before: String,
    /// The place that it was asked for at.
    pub(super) range: Range<usize>,
    /// The text with each way of writing it.
    pub(super) after: Vec<String>,
}

impl Ways {
    /// Keeps what was written; where it is another way of what is kept already, beside that.
    pub(super) fn keep(&self, uri: &Url, written: Written) {
        let mut all = self.lock();
        match all.get_mut(uri).filter(|kept| kept.before == written.before) {
            None => drop(all.insert(uri.clone(), written)),
            Some(kept) => {
                let new = written.after.into_iter().filter(|text| !kept.after.contains(text));
                let new: Vec<String> = new.collect();
                kept.after.extend(new);
            }
        }
    }

    /// Returns what is kept, if the document's text is still one of it.
    pub(super) fn of(&self, uri: &Url, text: &str) -> Option<Written> {
        let all = self.lock();
        let kept = all.get(uri)?;
        (kept.before == text || kept.after.iter().any(|after| after == text)).then(|| kept.clone())
    }

    /// Forgets a document.
    pub(in crate::server) fn forget(&self, uri: &Url) {
        self.lock().remove(uri);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Url, Written>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the one edit between two texts, from the first character that differs to the last.
pub(super) fn difference(old: &str, new: &str) -> TextEdit {
    let same = |(old, new): &(char, char)| old == new;
    let head: usize = old.chars().zip(new.chars()).take_while(same).map(|(c, _)| c.len_utf8()).sum();
    let (old_rest, new_rest) = (&old[head..], &new[head..]);
    let ends = old_rest.chars().rev().zip(new_rest.chars().rev());
    let tail: usize = ends.take_while(same).map(|(c, _)| c.len_utf8()).sum();
    TextEdit { range: head..old.len() - tail, text: new_rest[..new_rest.len() - tail].to_owned() }
}
