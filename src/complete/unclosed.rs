//! A block that nothing closes: where the cursor has gone back to its column, the closing brace comes before anything else.
//! Editors that close brackets by themselves leave nothing to do here; strayed closers are `finish`'s matter.

use crate::complete::ablation::is_left_out;
use crate::complete::brackets::{Brackets, closer, is_closer};
use crate::complete::layout::leading_blanks;
use crate::complete::surroundings::Surroundings;

/// Returns the line that closes the block above a cursor, where `text` would go on without closing it.
pub(super) fn missing_closer(text: &str, around: &Surroundings) -> Option<String> {
    let first = text.trim_start().lines().next().unwrap_or_default().trim_end();
    // `case 1:` and `public:` stand in the column of what they are in; a directive stands anywhere.
    let belongs_inside = first.starts_with(is_closer) || first.ends_with(':') || first.starts_with('#');
    if is_left_out("unclosed") || belongs_inside || !around.on_blank_line() {
        return None;
    }
    let lines: Vec<&str> = around.above.iter().rev().map(String::as_str).collect();
    let before = around.open_brackets().filter(|_| !around.clipped)?;
    let (brace, at) = before.open.last().copied().filter(|(bracket, _)| *bracket == '{')?;
    let opener = lines.join("\n")[..at].matches('\n').count();
    let column = around.width(lines[opener]);
    // A body that is not indented says nothing by its columns.
    let body = lines[opener + 1..].iter().find(|line| !line.trim().is_empty())?;
    if column < around.indent() || around.width(body) <= column {
        return None;
    }
    let below = around.below.join("\n");
    let closing = Brackets::of(&below, around.language, None).closing;
    let first_closes = closing.first().is_some_and(|&(_, at)| {
        let line = below[..at].rfind('\n').map_or(0, |start| start + 1);
        column <= around.width(&below[line..])
    });
    let is_closed = first_closes || before.open.len() <= closing.len();
    let blanks = leading_blanks(lines[opener]).strip_prefix(around.head.as_str())?;
    (!is_closed).then(|| format!("{blanks}{}", closer(brace)))
}
