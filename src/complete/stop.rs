//! When to stop: watches text while the model writes it, piece by piece, and keeps what counts. Mending what was kept
//! is `finish`'s work; tokens and end-of-text markers are the engine's.

use std::ops::ControlFlow;

use crate::complete::ablation::is_left_out;
use crate::complete::brackets::Brackets;
use crate::complete::fit::fits;
use crate::complete::layout::{first_lines, leading_blanks};
use crate::complete::marker;
use crate::complete::mode::{Mode, Scope, continues, needs_indentation, opens};
use crate::complete::overlap::says_rest;
use crate::complete::repetition::{lines_before_loop, same_line};
use crate::complete::surroundings::Surroundings;
use crate::text::Snapshot;

/// Blank lines at the beginning that are forgiven before the model counts as having nothing to say.
const LEADING_BLANK_LINES: usize = 3;

/// Lines that may come before the head of a body that stands below the cursor. A text that has not got to it by then goes
/// another way.
const LINES_TO_A_HEAD: usize = 6;

/// Watches generated text and says when enough is written.
#[derive(Debug, Clone)]
pub struct StopCondition {
    around: Surroundings,
    scope: Option<Scope>,
    /// Blanks before the first character that counts, while there is none.
    lead: String,
    /// Bytes of the writing that come before `text`.
    skipped: usize,
    /// What counts so far; its last line is unfinished while `stopped` is false.
    text: String,
    /// Where the unfinished line begins in `text`.
    line: usize,
    /// Whether the unfinished line was found to be inside the block.
    inside: bool,
    stopped: bool,
}

impl StopCondition {
    /// Prepares for text that will be written at byte `offset`.
    pub fn new(mode: Mode, snapshot: &Snapshot, offset: usize) -> Self {
        let around = Surroundings::read(snapshot, offset);
        let scope = match mode {
            Mode::Line => None,
            Mode::Block => Some(Scope::at(&around).unwrap_or(Scope::Item { indent: around.indent() })),
        };
        Self {
            around,
            scope,
            lead: String::new(),
            skipped: 0,
            text: String::new(),
            line: 0,
            inside: true,
            stopped: false,
        }
    }

    /// Takes the next piece, of any size; breaks when nothing that follows can count.
    pub fn push(&mut self, piece: &str) -> ControlFlow<()> {
        if self.stopped {
            return ControlFlow::Break(());
        }
        let piece = self.begin(piece);
        let from = self.text.len().saturating_sub(marker::LONGEST);
        self.text.push_str(&piece);
        let from = (0..=from).rev().find(|&at| self.text.is_char_boundary(at)).unwrap_or(0);
        let marker = marker::chat_marker(&self.text, from, &self.around);
        if let Some(marker) = marker {
            self.text.truncate(marker);
        }
        self.read_lines()?;
        if marker.is_some() { self.stop_at(self.text.len()) } else { ControlFlow::Continue(()) }
    }

    /// Returns the text that counts so far, without the blank lines that it ends in.
    pub fn text(&self) -> &str {
        let line = &self.text[self.line..];
        let undecided = !self.stopped && !self.inside && !line.trim().is_empty();
        let outside = undecided && self.is_outside(line) && !self.closes_body(line);
        self.settled(&self.text[..if outside { self.line } else { self.text.len() }])
    }

    /// Returns how many bytes the model wrote before the text that counts: blanks that the file has already.
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// Returns whether the text has not got beyond its first line.
    pub fn is_in_first_line(&self) -> bool {
        self.line == 0
    }

    /// Returns the text that counts when the writing was cut off by a bound: a block then ends with its last whole line,
    /// because half a statement is no suggestion. A line, and the first line of a block, are given as they are.
    pub fn text_cut_short(&self) -> &str {
        let unfinished = !self.stopped && !self.text[self.line..].trim().is_empty();
        match self.line {
            1.. if unfinished => self.settled(self.text[..self.line].trim_end()),
            _ => self.text(),
        }
    }

    /// Returns as many lines of a text as fit to what is below the cursor. A line that did not get as far as that stays
    /// alone: the next suggestion goes on from there.
    fn settled<'a>(&self, text: &'a str) -> &'a str {
        let text = without_blank_end(text);
        if matches!(self.scope, Some(Scope::Body { .. } | Scope::Item { .. })) || !text.contains('\n') {
            return text;
        }
        if self.around.has_telling_rest() {
            return if says_rest(text, &self.around) { text } else { first_lines(text, 1) };
        }
        let prefixes = (1..=text.split('\n').count()).rev().map(|count| first_lines(text, count));
        let fitting = prefixes.into_iter().find(|lines| fits(lines, &self.around));
        without_blank_end(fitting.unwrap_or_else(|| first_lines(text, 1)))
    }

    /// Holds blanks back until something that counts comes, and returns what of `piece` is to be kept then.
    fn begin(&mut self, piece: &str) -> String {
        if !self.text.is_empty() || !self.around.on_blank_line() {
            return piece.to_owned();
        }
        self.lead.push_str(piece);
        let content = self.lead.trim_start();
        if content.is_empty() {
            self.stopped = LEADING_BLANK_LINES < self.lead.matches('\n').count();
            return String::new();
        }
        let blanks = &self.lead[..self.lead.len() - content.len()];
        let kept = kept_indentation(&self.around, self.scope, blanks);
        match kept {
            Some(kept) => {
                self.skipped = blanks.len() - kept.len();
                format!("{kept}{content}")
            }
            None => {
                self.stopped = true;
                String::new()
            }
        }
    }

    fn read_lines(&mut self) -> ControlFlow<()> {
        if self.stopped {
            return ControlFlow::Break(());
        }
        while let Some(length) = self.text[self.line..].find('\n') {
            let end = self.line + length;
            self.begin_line()?;
            self.end_line(end)?;
            self.line = end + 1;
            self.inside = false;
        }
        self.begin_line()
    }

    /// Looks at a line as soon as its first characters are there.
    fn begin_line(&mut self) -> ControlFlow<()> {
        let line = self.text[self.line..].split('\n').next().unwrap_or_default();
        if marker::is_fence(line, &self.around) && !is_left_out("fence") {
            return self.stop_at(self.line);
        }
        if self.inside || line.trim().is_empty() {
            return ControlFlow::Continue(());
        }
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        if self.text.ends_with(line) && line.trim_start().chars().all(is_word) {
            // Half a word may become `else`.
            return ControlFlow::Continue(());
        }
        // A closing bracket that the file lacks is looked at when its line is whole.
        if self.is_outside(line) && !self.closes_body(line) {
            return self.stop_at(self.line);
        }
        self.inside = !self.closes_body(line);
        ControlFlow::Continue(())
    }

    /// Looks at a whole line, which ends at byte `end`.
    fn end_line(&mut self, end: usize) -> ControlFlow<()> {
        let line = self.text[self.line..end].to_owned();
        if self.line == 0
            && self.scope.is_none()
            && (line.trim().is_empty() || self.completes_line(&line, end))
        {
            return self.stop_at(end);
        }
        if line.trim().is_empty() {
            return ControlFlow::Continue(());
        }
        if (0 < self.line || self.scope.is_some()) && self.repeats_suffix(&line) {
            return self.stop_at(self.line);
        }
        if 0 < self.line && self.closes_body(&line) && self.is_outside(&line) {
            let keep = self.line + line.len() - after_closers(&line).len();
            return self.stop_at(keep);
        }
        let lines: Vec<&str> = self.text[..end].split('\n').collect();
        if let Some(count) = lines_before_loop(&lines) {
            return self.stop_at(first_lines(&self.text, count).len());
        }
        let is_complete = match self.scope {
            None => self.completes_line(&line, end),
            Some(_) => self.completes_item(&line, end),
        };
        if is_complete { self.stop_at(end) } else { ControlFlow::Continue(()) }
    }

    /// Returns whether the line that begins at `self.line` stands outside the block that is being written.
    fn is_outside(&self, line: &str) -> bool {
        let written = &self.text[..self.line];
        if !Brackets::of(written, self.around.language, None).open.is_empty() {
            return false;
        }
        let width = self.around.width(line);
        match self.scope {
            Some(Scope::Body { inner, .. }) => width < inner,
            Some(Scope::Item { indent }) if width == indent => {
                !continues(line) && self.item_is_whole(written, indent)
            }
            Some(Scope::Item { indent }) => width < indent,
            Some(Scope::Rest { floor }) => width < floor,
            None => {
                let indent = self.around.indent();
                if self.around.has_telling_rest() {
                    return width < indent;
                }
                width < indent
                    || (width == indent && !continues(line) && fits(written.trim_end(), &self.around))
            }
        }
    }

    /// Returns whether nothing is missing where the rest of a line was asked for: it leaves nothing open, or what it opened
    /// is closed now. Where text follows the cursor on its line, the writing goes on until it says that.
    fn completes_line(&self, line: &str, end: usize) -> bool {
        let text = &self.text[..end];
        if is_left_out("go-on") {
            return true;
        }
        if self.around.has_telling_rest() {
            return says_rest(text, &self.around);
        }
        let (first, is_first) = (first_lines(text, 1), self.line == 0);
        if !is_first && opens(first, self.around.language) {
            let closes = after_closers(line).len() < line.trim_start().len();
            return closes && self.around.width(line) <= self.around.indent() && fits(text, &self.around);
        }
        let is_closed = Brackets::of(text, self.around.language, None).open.is_empty();
        (is_closed && LINES_TO_A_HEAD < text.split('\n').count()) || fits(text, &self.around)
    }

    /// Returns whether an item has its body, or a paragraph its end, so that the next line at its indentation is not
    /// part of it. Decorators and imports come before the item.
    fn item_is_whole(&self, written: &str, indent: usize) -> bool {
        let lines: Vec<&str> = written.trim_end().split('\n').collect();
        let has_body =
            lines.iter().skip(1).any(|line| !line.trim().is_empty() && indent < self.around.width(line));
        let ended = written.ends_with("\n\n") && !lines.iter().all(|line| is_preamble(line));
        has_body || ended
    }

    /// Returns whether `line` is the bracket that ends the body and that the file lacks.
    fn closes_body(&self, line: &str) -> bool {
        let Some(Scope::Body { outer, closer: Some(closer), .. }) = self.scope else { return false };
        let is_closer = line.trim_start().starts_with(closer) && self.around.width(line) == outer;
        let there =
            self.around.next_lines().next().is_some_and(|next| {
                next.trim_start().starts_with(closer) && outer <= self.around.width(next)
            });
        is_closer && !there
    }

    /// Returns whether `line` ends an item by its closing bracket.
    fn completes_item(&self, line: &str, end: usize) -> bool {
        let Some(Scope::Item { indent }) = self.scope else { return false };
        let closes =
            line.trim_start().starts_with(['}', ')', ']']) && line.trim_end().ends_with(['}', ')', ']', ';']);
        closes
            && self.around.width(line) <= indent
            && Brackets::of(&self.text[..end], self.around.language, None).open.is_empty()
    }

    /// Returns whether a line is the next one below the cursor. It must stand in the same column: `return False` deeper
    /// inside is often meant.
    fn repeats_suffix(&self, line: &str) -> bool {
        if is_left_out("suffix") {
            return false;
        }
        let Some(next) = self.around.next_lines().next() else { return false };
        let width = if self.line == 0 { self.around.indent() } else { self.around.width(line) };
        width == self.around.width(next) && same_line(line, next)
    }

    fn stop_at(&mut self, end: usize) -> ControlFlow<()> {
        self.text.truncate(end);
        self.line = self.line.min(end);
        self.stopped = true;
        ControlFlow::Break(())
    }
}

/// Returns the part of the blanks at the beginning of an answer that goes beyond the cursor; `None` where the answer
/// leaves the place that it was asked for. Whether that part is an indentation is decided when the text is whole.
fn kept_indentation(around: &Surroundings, scope: Option<Scope>, blanks: &str) -> Option<String> {
    let last = blanks.rsplit(['\n', '\r']).next().unwrap_or_default();
    if last.len() == blanks.len() {
        return Some(last.to_owned());
    }
    let stays = needs_indentation(around, scope) || around.indent() <= around.width(last);
    stays.then(|| last.get(leading_blanks(&around.head).len()..).unwrap_or_default().to_owned())
}

/// Returns `text` without the blank lines that it ends in.
fn without_blank_end(mut text: &str) -> &str {
    while let Some((before, last)) = text.rsplit_once('\n')
        && last.trim().is_empty()
    {
        text = before;
    }
    text
}

fn after_closers(line: &str) -> &str {
    line.trim_start().trim_start_matches([')', ']', '}', ';', ','])
}

/// Returns whether a line comes before an item: an import, a decorator, an attribute, a comment.
fn is_preamble(line: &str) -> bool {
    let line = line.trim_start();
    let word = line.split_whitespace().next().unwrap_or_default();
    line.is_empty()
        || line.starts_with(['@', '#'])
        || line.starts_with("//")
        || matches!(word, "import" | "from" | "use" | "using" | "package" | "require" | "include")
}
