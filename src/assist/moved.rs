//! Edits of a text that was changed while they were made: moved along with what they are about, or given up.

use crate::text::TextEdit;

/// Returns edits made for `old` as edits of `new`; `None` if one of them touches what has changed between the two.
pub fn moved(old: &str, new: &str, edits: &[TextEdit]) -> Option<Vec<TextEdit>> {
    let head = old.bytes().zip(new.bytes()).take_while(|(old, new)| old == new).count();
    let most = old.len().min(new.len()) - head;
    let ends = old.bytes().rev().zip(new.bytes().rev());
    let tail = ends.take(most).take_while(|(old, new)| old == new).count();
    let shift = new.len() as isize - old.len() as isize;
    let shifted = |edit: &TextEdit| {
        let range = edit.range.clone();
        if range.end < head {
            return Some(edit.clone());
        }
        let range = range.start.checked_add_signed(shift)?..range.end.checked_add_signed(shift)?;
        (old.len() - tail < edit.range.start).then(|| TextEdit { range, text: edit.text.clone() })
    };
    edits.iter().map(shifted).collect()
}
