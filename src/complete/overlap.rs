//! Where generated text and the text after the cursor meet: what both say is kept once. Closing brackets and quotes that
//! the editor put there beforehand are replaced; other text there is left alone and cut from the generated text.

use crate::complete::ablation::is_left_out;
use crate::complete::brackets::{Brackets, is_closer};
use crate::complete::layout::{first_lines, leading_blanks};
use crate::complete::repetition::same_line;
use crate::complete::surroundings::Surroundings;

/// Generated text that fits in front of the rest of the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Joined {
    /// The text to insert.
    pub text: String,
    /// Bytes of the rest of the line that it replaces.
    pub replaced: usize,
}

/// Fits `text` in front of the rest of the cursor's line.
pub(super) fn with_rest(text: &str, around: &Surroundings) -> Joined {
    let rest = around.rest.trim_end();
    if rest.is_empty() || is_left_out("rest-of-line") {
        return Joined { text: text.to_owned(), replaced: 0 };
    }
    let text = without_whole_rest(text, rest, around);
    let string = Brackets::of(&around.head, around.language, None).string;
    let brackets = Brackets::of(text, around.language, string);
    let (replaced, after) = closers_in_common(&brackets.closing, rest);
    let left = rest[replaced..].trim_start();
    let mut text = text[..text.len() - common_border(&text[after..], left, around)].to_owned();
    if left.ends_with(';') && left.starts_with(is_closer) && text.ends_with(';') {
        text.pop();
    }
    match unbalancing_border(&text, left, around) {
        0 => Joined { text, replaced },
        border => Joined { replaced: rest.len() - left.len() + border, text: text.trim_end().to_owned() },
    }
}

/// Returns the bytes that `left` begins with and `text` ends with, where saying them twice would close a bracket that
/// nobody opened.
fn unbalancing_border(text: &str, left: &str, around: &Surroundings) -> usize {
    let Some(before) = around.open_brackets() else { return 0 };
    let text = text.trim_end();
    let is_stray = |rest: &str| before.stray_closer(&format!("{text}{rest}"), around.language).is_some();
    if left.is_empty() || !is_stray(left) {
        return 0;
    }
    let ends = left.char_indices().map(|(at, c)| at + c.len_utf8()).collect::<Vec<_>>();
    ends.into_iter().rev().find(|&end| text.ends_with(&left[..end]) && !is_stray(&left[end..])).unwrap_or(0)
}

/// Returns the bytes of `rest` that the closing characters of the text stand for, in order, and where in the text the
/// last of them ends.
pub(super) fn closers_in_common(closing: &[(char, usize)], rest: &str) -> (usize, usize) {
    let (mut replaced, mut after) = (0, 0);
    for &(closer, at) in closing {
        let blanks = rest[replaced..].len() - rest[replaced..].trim_start().len();
        if !rest[replaced + blanks..].starts_with(closer) {
            break;
        }
        replaced += blanks + closer.len_utf8();
        after = at + closer.len_utf8();
    }
    (replaced, after)
}

/// Returns the text without the lines at its end that repeat the next lines below the cursor.
pub(super) fn without_lines_below<'a>(text: &'a str, around: &Surroundings) -> &'a str {
    if is_left_out("lines-below") {
        return text;
    }
    let below: Vec<&str> = around.next_lines().take(8).collect();
    let lines: Vec<&str> = text.split('\n').collect();
    let repeated = (1..=below.len().min(lines.len() - 1))
        .rev()
        .find(|&n| lines[lines.len() - n..].iter().zip(&below).all(|(a, b)| is_same_place(a, b, around)));
    repeated.map_or(text, |n| first_lines(text, lines.len() - n))
}

fn is_same_place(line: &str, below: &str, around: &Surroundings) -> bool {
    around.width(line) == around.width(below) && same_line(line, below)
}

/// Returns whether the last line of a text gets to what follows the cursor on its line.
pub(super) fn says_rest(text: &str, around: &Surroundings) -> bool {
    let line = text.rsplit('\n').next().unwrap_or_default();
    without_whole_rest(line, around.rest.trim_end(), around).len() < line.len()
}

/// Returns the text before the place where it says the whole rest of the line and goes on after it.
fn without_whole_rest<'a>(text: &'a str, rest: &str, around: &Surroundings) -> &'a str {
    let telling = around.has_telling_rest();
    match text.rfind(rest.trim_start()) {
        // At its end the text is the whole line; before that, only whole words are taken for the rest.
        Some(at)
            if telling
                && (at + rest.trim_start().len() == text.trim_end().len()
                    || is_border(&text[..at], rest.trim_start())) =>
        {
            before_rest(text, at, rest)
        }
        _ if telling => end_in_other_blanks(text, rest).map_or(text, |at| before_rest(text, at, rest)),
        _ => text,
    }
}

/// Returns where the last line of a text begins to say the rest in other blanks: `f(a,b)` for `f(a, b)`.
fn end_in_other_blanks(text: &str, rest: &str) -> Option<usize> {
    let line = text.rfind('\n').map_or(0, |newline| newline + 1);
    let starts = text[line..].char_indices().filter(|(_, c)| !c.is_whitespace()).map(|(at, _)| line + at);
    starts.into_iter().find(|&at| same_line(&text[at..], rest))
}

/// Returns the text up to byte `at`, where it says the rest. A rest that brings blanks along is a line of its own or the end
/// of an indentation, and the text has those blanks once too often.
fn before_rest<'a>(text: &'a str, at: usize, rest: &str) -> &'a str {
    let own = leading_blanks(rest).len();
    let line = text[..at].rfind('\n').map_or(at, |newline| newline + 1);
    let is_blank = leading_blanks(&text[line..]).len() == at - line;
    if is_blank { &text[..at - own.min(at - line)] } else { &text[..at] }
}

/// Returns the bytes at the end of `tail` that `rest` begins with, ending at whole words on both sides.
fn common_border(tail: &str, rest: &str, around: &Surroundings) -> usize {
    let ends = rest.char_indices().map(|(at, c)| at + c.len_utf8()).collect::<Vec<_>>();
    let longest = ends.into_iter().rev().find(|&end| {
        let common = &rest[..end];
        tail.ends_with(common)
            && !common.trim().is_empty()
            && is_border(&tail[..tail.len() - end], common)
            && is_border(common, &rest[end..])
            && opens_nothing(common, around)
            && !common.starts_with(is_closer)
    });
    longest.unwrap_or(0)
}

/// Returns whether a piece of code closes nothing that it did not open, so that taking it away cannot unbalance.
fn opens_nothing(code: &str, around: &Surroundings) -> bool {
    let brackets = Brackets::of(code, around.language, None);
    brackets.open.is_empty() && brackets.closing.is_empty() && brackets.string.is_none()
}

/// Returns whether no word runs from the end of `left` into `right`.
fn is_border(left: &str, right: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    !(left.ends_with(is_word) && right.starts_with(is_word))
}
