//! From generated text to what is shown: mended where a rule can mend it, dropped with a reason where none can.
//! The rules stand in the order in which they are applied; each is one that a user would understand.

use std::borrow::Cow;
use std::ops::Range;

use crate::complete::ablation::is_left_out;
use crate::complete::brackets::{Brackets, closer};
use crate::complete::fit::fits;
use crate::complete::layout::{first_lines, leading_blanks, without_trailing_blanks};
use crate::complete::mode::{Scope, empty_body, is_made_of_indentation, needs_indentation, opens};
use crate::complete::overlap::{Joined, with_rest, without_lines_below};
use crate::complete::repetition::{is_telling, lines_before_loop, loops_within_line, same_line};
use crate::complete::surroundings::{Surroundings, with_newlines};
use crate::complete::unclosed::missing_closer;
use crate::complete::{Reason, marker};
use crate::syntax::Insertion;
use crate::text::Snapshot;

/// A suggestion: what replaces what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The bytes replaced; begins at the cursor and never leaves its line.
    pub range: Range<usize>,
    /// The text, with the document's line endings.
    pub text: String,
}

/// Makes a suggestion for byte `offset` of what the model wrote there.
///
/// # Errors
///
/// The reason why there is nothing to show.
pub fn finish(snapshot: &Snapshot, offset: usize, text: &str) -> Result<Completion, Reason> {
    let offset = offset.min(snapshot.len());
    let around = Surroundings::read(snapshot, offset);
    let text = with_newlines(text);
    let text = text[..marker::chat_marker(&text, 0, &around).unwrap_or(text.len())].trim_end_matches('\n');
    if let Some(closer) = missing_closer(text, &around).filter(|_| !text.trim().is_empty()) {
        return Ok(Completion { range: offset..offset, text: closer });
    }
    let text = in_column(text, &around);
    let text = without_loop(without_echo(&text, &around))?;
    let own = without_lines_below(text, &around);
    if own.trim().is_empty() {
        return Err(if text.trim().is_empty() { Reason::Empty } else { Reason::RepeatsSuffix });
    }
    let mut joined = with_rest(&without_stray_closers(own, &around), &around);
    joined.text = laid_out(&joined, &around);
    if let Some(reason) = drop_reason(&joined.text, &joined, &around) {
        return Err(reason);
    }
    let joined = without_errors(joined, snapshot, offset, &around)?;
    let text = joined.text.replace('\n', snapshot.line_ending());
    Ok(Completion { range: offset..offset + joined.replaced, text })
}

/// Says beforehand that no suggestion is wanted at a cursor: inside a word that goes on after it. A person who asks
/// explicitly is answered all the same.
pub fn silence(snapshot: &Snapshot, offset: usize) -> Option<Reason> {
    let around = Surroundings::read(snapshot, offset);
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    (around.head.ends_with(is_word) && around.rest.starts_with(is_word)).then_some(Reason::MidWord)
}

/// Takes away the blanks that the text begins with on a line that is indented already: a model adds them where the
/// indentation was half a token, or where it begins the line anew. If all other lines stand as far to the right, they
/// come along.
fn in_column<'a>(text: &'a str, around: &Surroundings) -> Cow<'a, str> {
    let extra = around.width(text);
    if is_left_out("column")
        || extra == 0
        || !around.on_blank_line()
        || needs_indentation(around, Scope::at(around))
    {
        return Cow::Borrowed(text);
    }
    let (first, others) = text.split_once('\n').unwrap_or((text, ""));
    let column = around.indent() + extra;
    let shifted = others.split('\n').all(|line| line.trim().is_empty() || column <= around.width(line));
    if !shifted || others.is_empty() {
        return Cow::Borrowed(text.trim_start_matches([' ', '\t']));
    }
    let moved = others.split('\n').map(|line| around.indentation.moved_left(line, extra));
    let lines: Vec<String> = std::iter::once(first.trim_start().to_owned()).chain(moved).collect();
    Cow::Owned(lines.join("\n"))
}

/// Takes away the beginning of the cursor's line where the model said it again.
fn without_echo<'a>(text: &'a str, around: &Surroundings) -> &'a str {
    let head = around.head.trim_start();
    if is_left_out("echo") || !is_telling(head) {
        return text;
    }
    text.trim_start_matches([' ', '\t']).strip_prefix(head).unwrap_or(text)
}

/// Cuts a text that goes round in circles after the first round.
fn without_loop(text: &str) -> Result<&str, Reason> {
    if is_left_out("loop") {
        return Ok(text);
    }
    let lines: Vec<&str> = text.split('\n').collect();
    let kept = lines_before_loop(&lines).map_or(text, |count| first_lines(text, count));
    match kept.rsplit_once('\n') {
        None if loops_within_line(kept) => Err(Reason::Loop),
        Some((before, last)) if loops_within_line(last) => Ok(before),
        _ => Ok(kept),
    }
}

/// Cuts closing brackets from the end that close nothing, neither in the text nor before the cursor.
fn without_stray_closers(text: &str, around: &Surroundings) -> String {
    let stray = around.open_brackets().and_then(|before| before.stray_closer(text, around.language));
    let Some(at) = stray.filter(|_| !is_left_out("stray-closers")) else { return text.to_owned() };
    let (kept, tail) = (text[..at].trim_end_matches([' ', '\t']), text[at..].trim_end());
    // Only at the very end: in the middle, the reading of the code before is more likely to be wrong.
    if kept.trim().is_empty() || !tail.chars().all(|c| matches!(c, ')' | ']' | '}' | ';')) {
        return text.to_owned();
    }
    if tail.ends_with(';') { format!("{kept};") } else { kept.to_owned() }
}

/// Cuts a text that would bring a syntax error into the file to the lines before it, or closes what it leaves open.
fn without_errors(
    joined: Joined,
    snapshot: &Snapshot,
    offset: usize,
    around: &Surroundings,
) -> Result<Joined, Reason> {
    let Some(place) = Insertion::at(snapshot, offset) else { return Ok(joined) };
    let is_good = |text: &str, replaced: usize| {
        if replaced == around.rest.len() && lacks_head(text, around) {
            return false;
        }
        let line = format!("{}{text}{}", around.head, around.rest.get(replaced..).unwrap_or_default());
        let brackets = Brackets::of(&line, around.language, None);
        let is_open = !brackets.open.is_empty() || brackets.string.is_some();
        place.new_errors(text, replaced, is_open).is_none_or(|errors| errors == 0)
    };
    if is_left_out("errors") || is_good(&joined.text, joined.replaced) {
        return Ok(joined);
    }
    let closed = closed(&joined.text, around);
    if is_good(&closed, joined.replaced) {
        return Ok(Joined { text: closed, ..joined });
    }
    // A head whose body is still to be written is no mistake.
    if let Some(body) = body_to_come(&joined, around)
        && is_good(&format!("{}{body}", joined.text.trim_end()), joined.replaced)
    {
        return Ok(joined);
    }
    let lines = joined.text.split('\n').count();
    let beginnings = (1..lines).rev().map(|count| first_lines(&joined.text, count).trim_end());
    let is_shown = |text: &&str| !text.trim().is_empty() && fits(text, around) && is_good(text, 0);
    let good = beginnings.into_iter().find(is_shown);
    good.map(|text| Joined { text: text.to_owned(), replaced: 0 }).ok_or(Reason::SyntaxError)
}

/// Returns whether the lines below stand deeper than the text's last line although that is no head, and stood well before
/// it came: grammars take no offence at that, where indentation makes the blocks.
fn lacks_head(text: &str, around: &Surroundings) -> bool {
    if !is_made_of_indentation(around.language) || around.is_in_long_string() {
        return false;
    }
    let comment = around.language.line_comment().unwrap_or("\n");
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with(comment);
    let Some(next) = around.next_lines().find(is_code).map(|next| around.width(next)) else { return false };
    let carries = |line: &str| next <= around.width(line) || opens(line, around.language);
    let stood_well = around.above.iter().map(String::as_str).find(is_code).is_some_and(|above| {
        let mut block = around.next_lines().map(|line| around.width(line));
        let returns_between =
            block.find(|&width| width < next).is_some_and(|width| around.width(above) < width);
        carries(above) && !returns_between
    });
    let line = completed_line(text, around);
    if !stood_well || carries(line.rsplit('\n').next().unwrap_or_default()) {
        return false;
    }
    let before: Vec<&str> = around.above.iter().rev().map(String::as_str).chain([line.as_str()]).collect();
    let open = Brackets::of(&before.join("\n"), around.language, None);
    let goes_on = line.trim_end().ends_with(['\\', '|', '>', '-', '+']);
    !goes_on && open.open.is_empty() && open.string.is_none()
}

/// Returns what would make the last line whole, if that is the head of something whose body is still to come.
fn body_to_come(joined: &Joined, around: &Surroundings) -> Option<&'static str> {
    let rest = around.rest.get(joined.replaced..).unwrap_or_default();
    let line = completed_line(&joined.text, around);
    let head = line.rsplit('\n').next().filter(|_| rest.trim().is_empty())?;
    empty_body(head, around.language)
}

/// Returns the text with the brackets closed that it opens at the ends of lines: its writing was ended by a bound.
fn closed(text: &str, around: &Surroundings) -> String {
    let string = Brackets::of(&around.head, around.language, None).string;
    let mut closed = text.to_owned();
    for (bracket, at) in Brackets::of(text, around.language, string).open.into_iter().rev() {
        let line = text[..at].rfind('\n').map_or(around.head.as_str(), |start| &text[start + 1..]);
        if text[at + bracket.len_utf8()..].starts_with('\n') {
            closed.push('\n');
            closed.push_str(leading_blanks(line));
        }
        closed.push(closer(bracket));
    }
    closed
}

/// Brings the text into the file's form: indentation, and no blanks at the ends of lines.
fn laid_out(joined: &Joined, around: &Surroundings) -> String {
    let text = match is_left_out("indentation") {
        true => joined.text.clone(),
        false => around.indentation.apply(&joined.text),
    };
    let rest = around.rest.get(joined.replaced..).unwrap_or_default();
    let goes_on = |text: &str| text.rsplit_once('\n').is_some_and(|(_, last)| last.trim().is_empty());
    let keep_last = !rest.trim().is_empty() && (!rest.starts_with([' ', '\t']) || goes_on(&text));
    let text = without_trailing_blanks(&text, keep_last);
    if keep_last { text } else { text.trim_end().to_owned() }
}

/// Returns why a mended text is not worth showing.
fn drop_reason(text: &str, joined: &Joined, around: &Surroundings) -> Option<Reason> {
    if text.trim().is_empty() || around.rest.get(..joined.replaced) == Some(text) {
        return Some(Reason::Empty);
    }
    if !is_left_out("repeats") && repeats_below(text, around) {
        return Some(Reason::RepeatsSuffix);
    }
    if !is_left_out("repeats") && repeats_above(text, around) {
        return Some(Reason::RepeatsPrefix);
    }
    (!is_left_out("promise") && only_promises(text, around)).then_some(Reason::Promise)
}

/// Returns whether the cursor's line would become the next line below.
fn repeats_below(text: &str, around: &Surroundings) -> bool {
    let Some(next) = around.next_lines().next() else { return false };
    let line = completed_line(text, around);
    let in_place = around.width(next) == around.width(&line);
    same_line(&line, next) && (is_telling(&line) || in_place) && (in_place || !around.on_blank_line())
}

/// Returns whether the text, with the cursor's line, is what stands directly above.
fn repeats_above(text: &str, around: &Surroundings) -> bool {
    let whole = completed_line(text, around);
    let lines: Vec<&str> = whole.split('\n').collect();
    let above: Vec<&str> = around.above.iter().take(lines.len()).rev().map(String::as_str).collect();
    let same = above.len() == lines.len()
        && lines.iter().zip(&above).all(|(a, b)| same_line(a, b) && around.width(a) == around.width(b));
    same && lines.iter().any(|line| is_telling(line))
}

fn completed_line(text: &str, around: &Surroundings) -> String {
    format!("{}{text}", around.head)
}

/// Returns whether all there is to see is a comment or a placeholder that puts the work off.
fn only_promises(text: &str, around: &Surroundings) -> bool {
    const PROMISES: [&str; 6] =
        ["todo", "fixme", "your code here", "your code goes here", "implement this", "add your"];
    let Some(comment) = around.language.line_comment() else { return false };
    let is_comment = |line: &str| line.trim_start().starts_with(comment);
    let text_lines = completed_line(text, around);
    let mut lines = text_lines.split('\n').filter(|line| !line.trim().is_empty() && line.trim() != "pass");
    around.head.trim().is_empty()
        && lines.all(is_comment)
        && PROMISES.iter().any(|promise| text.to_lowercase().contains(promise))
}
