//! Whether edits may be offered: what is inserted must parse where it comes to stand, and must break nothing around it.

use std::ops::Range;

use crate::syntax;
use crate::text::{Language, TextEdit};

/// Returns the text after edits that do not overlap, and where each insertion stands in it, in the order of the edits.
pub fn applied(text: &str, edits: &[TextEdit]) -> (String, Vec<Range<usize>>) {
    let mut order: Vec<usize> = (0..edits.len()).collect();
    order.sort_by_key(|&index| edits[index].range.start);
    let (mut after, mut shift) = (text.to_owned(), 0_isize);
    let mut places = vec![0..0; edits.len()];
    for index in order {
        let edit = &edits[index];
        let moved = |at: usize| at.saturating_add_signed(shift);
        let range = moved(edit.range.start)..moved(edit.range.end);
        places[index] = range.start..range.start + edit.text.len();
        shift += edit.text.len() as isize - edit.range.len() as isize;
        after = TextEdit { range, text: edit.text.clone() }.apply(&after);
    }
    (after, places)
}

/// Returns whether a text parses at least as well with edits as without, and everywhere in what they insert.
///
/// Faults elsewhere are the user's: code that is being written is broken most of the time.
pub(super) fn parses(language: Language, text: &str, edits: &[TextEdit]) -> bool {
    if !syntax::is_parsed(language) {
        return true;
    }
    let (after, places) = applied(text, edits);
    let faults = syntax::faults(language, &after);
    let touches = |fault: &Range<usize>, place: &Range<usize>| {
        fault.start < place.end && place.start < fault.end.max(fault.start + 1)
    };
    let inside = faults.iter().any(|fault| places.iter().any(|place| touches(fault, place)));
    !inside && (faults.is_empty() || faults.len() <= syntax::faults(language, text).len())
}
