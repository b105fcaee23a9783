//! Whether lines fit between what is above the cursor and what is below: no head without its body, no bracket left open,
//! and the next line at an indentation that can follow. Read by indentation and brackets, which say more about a text
//! that is half written than a tree does: to Python's grammar a head without a body is no error.

use crate::complete::brackets::{Brackets, is_closer};
use crate::complete::mode::{continues, is_made_of_indentation, is_prose, opens};
use crate::complete::surroundings::Surroundings;

/// Returns whether the code goes on well below the cursor when `text` stands there.
pub(super) fn fits(text: &str, around: &Surroundings) -> bool {
    if is_prose(around.language) || around.is_in_long_string() {
        return true;
    }
    let whole = format!("{}{text}", around.head);
    let lines: Vec<&str> = whole.split('\n').filter(|line| !line.trim().is_empty()).collect();
    let Some(last) = lines.last() else { return false };
    let open = open_at(text, around);
    if !around.rest.trim().is_empty() {
        return open.is_none() || around.rest.trim_start().starts_with(is_closer);
    }
    let Some(below) = around.next_lines().next() else {
        return open.is_none() && !opens(last, around.language);
    };
    let (last_width, width) = (around.width(last), around.width(below));
    if let Some(line) = open {
        return width > last_width
            || (width == around.width(line) && below.trim_start().starts_with(is_closer));
    }
    if opens(last, around.language) {
        return last_width < width;
    }
    if last_width < width && wants_a_head(last, below, around) {
        return false;
    }
    !is_made_of_indentation(around.language) || follows(below, &lines, around)
}

/// Returns the line of `text`, or of the cursor, that opens a bracket which nothing in the text closes.
fn open_at<'a>(text: &'a str, around: &'a Surroundings) -> Option<&'a str> {
    let string = Brackets::of(&around.head, around.language, None).string;
    let (_, at) = *Brackets::of(text, around.language, string).open.last()?;
    let start = text[..at].rfind('\n');
    Some(start.map_or(&around.head, |start| text[start + 1..].split('\n').next().unwrap_or_default()))
}

/// Returns whether a line that is indented below `last` must have a head: it is no continuation of a statement.
fn wants_a_head(last: &str, below: &str, around: &Surroundings) -> bool {
    let is_statement =
        below.trim_start().starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '"' | '\'' | '@'));
    let ends = last.trim_end().ends_with([';', '}']) || is_made_of_indentation(around.language);
    let inside_brackets =
        around.open_brackets().is_none_or(|before| before.open.last().is_some_and(|(c, _)| *c != '{'));
    is_statement && ends && !inside_brackets
}

/// Returns whether a line can come next where blocks are made of indentation: it goes on with the block of one of the lines
/// above it, and an `else` with one that can have it.
fn follows(below: &str, lines: &[&str], around: &Surroundings) -> bool {
    let width = around.width(below);
    let above = around.above.iter().map(String::as_str).filter(|line| !line.trim().is_empty());
    let Some(sibling) = lines.iter().rev().copied().chain(above).find(|line| around.width(line) <= width)
    else {
        return true;
    };
    around.width(sibling) == width && (!continues(below) || opens(sibling, around.language))
}
