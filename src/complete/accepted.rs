//! Where somebody goes on who accepts a suggestion: on a new line below it, indented as an editor would. Used to compute
//! the next suggestion before it is asked for; a wrong guess costs idle time and is never seen.

use crate::complete::Completion;
use crate::complete::layout::leading_blanks;
use crate::complete::surroundings::Surroundings;
use crate::text::{Snapshot, TextEdit};

/// Returns the text with a completion accepted and Enter pressed, and the cursor in it. `None` where something is left
/// behind the completion on its line: it is not foreseeable what comes there.
pub fn accepted(snapshot: &Snapshot, completion: &Completion) -> Option<(Snapshot, usize)> {
    let Completion { range, text } = completion;
    let end = range.start + text.len();
    let taken = snapshot.edited(&TextEdit { range: range.clone(), text: text.clone() });
    let around = Surroundings::read(&taken, end);
    if !around.rest.trim().is_empty() || around.head.trim().is_empty() {
        return None;
    }
    let new_line = format!("{}{}", snapshot.line_ending(), indentation(&around));
    let cursor = end + new_line.len();
    Some((taken.edited(&TextEdit { range: end..end, text: new_line }), cursor))
}

/// Returns the indentation of the line below the cursor's: the same, or a step more behind what opens a block.
fn indentation(around: &Surroundings) -> String {
    let mut blanks = leading_blanks(&around.head).to_owned();
    if around.head.trim_end().ends_with(['{', '(', '[', ':']) {
        let tabs = around.indentation.tabs.unwrap_or(false);
        blanks += &if tabs { "\t".to_owned() } else { " ".repeat(around.indentation.unit) };
    }
    blanks
}
