//! Builds the prompt: which part of the file the model reads, cut to a budget of tokens. The text as it is sent, its
//! markers and its token ids are the source's work.

use crate::complete::anchor::{self, Anchored};
use crate::complete::surroundings::with_newlines;
use crate::complete::window::{end_within, first_lines_within, start_within};
use crate::complete::{Prompt, Reach, TokenCount};
use crate::syntax;
use crate::text::Snapshot;

/// How many tokens of the file a prompt may hold on each side of the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Tokens before the cursor, the requirement included.
    pub prefix_tokens: usize,
    /// Tokens after the cursor.
    pub suffix_tokens: usize,
}

/// One part in this many of the prefix budget is what requirement comments may take.
const REQUIREMENT_SHARE: usize = 4;

/// Builds the infill prompt for a cursor at byte `offset`. `path` is what the model is shown as the file's name.
///
/// The text is cut at line borders, counting outward from the cursor; the cost follows the budget, not the document.
/// Comments that say what the code at the cursor must do and that the cut would lose are kept as the requirement.
pub fn prompt(
    snapshot: &Snapshot,
    offset: usize,
    path: Option<&str>,
    budget: &Budget,
    count: &dyn TokenCount,
) -> Anchored {
    let offset = offset.min(snapshot.len());
    let anchor = anchor::place(snapshot, offset);
    let whole = start_within(snapshot, offset, budget.prefix_tokens, count);
    let (start, requirement) =
        if whole == 0 { (0, None) } else { cut_prefix(snapshot, offset, whole, budget, count) };
    // Only a line that is longer than the budget can begin after its own anchor.
    let anchor = anchor.max(start);
    let end = end_within(snapshot, offset, budget.suffix_tokens, count);
    let prompt = Prompt {
        context: None,
        path: path.map(str::to_owned),
        requirement,
        prefix: with_newlines(&snapshot.slice(start..anchor)),
        typed: with_newlines(&snapshot.slice(anchor..offset)),
        suffix: with_newlines(&snapshot.slice(offset..end)),
    };
    Anchored::new(prompt, snapshot, [start, anchor, offset, end])
}

impl Anchored {
    /// Returns the same prompt with at most so many tokens after the cursor.
    pub fn with_suffix(&self, snapshot: &Snapshot, tokens: usize, count: &dyn TokenCount) -> Self {
        let [start, anchor, cursor, end] = self.places();
        let end = end_within(snapshot, cursor, tokens, count).min(end);
        let prompt = Prompt { suffix: with_newlines(&snapshot.slice(cursor..end)), ..self.prompt.clone() };
        Self::new(prompt, snapshot, [start, anchor, cursor, end]).reaching(Reach::Before)
    }
}

/// Returns where a prefix that does not fit begins, and the requirement that goes before it.
fn cut_prefix(
    snapshot: &Snapshot,
    offset: usize,
    whole: usize,
    budget: &Budget,
    count: &dyn TokenCount,
) -> (usize, Option<String>) {
    let governing = syntax::requirements(snapshot, offset);
    let share = budget.prefix_tokens / REQUIREMENT_SHARE;
    let start = on_step(snapshot, whole, offset, budget.prefix_tokens);
    if governing.iter().all(|requirement| start <= requirement.range.start) {
        return (start, None);
    }
    // Room for the comments is taken from the far end of the prefix, which may cost it further ones: those are near the
    // cursor, and go first.
    let reduced = start_within(snapshot, offset, budget.prefix_tokens - share, count);
    let start = on_step(snapshot, reduced, offset, budget.prefix_tokens);
    let lost: Vec<_> = governing.into_iter().map(|r| r.range).filter(|range| range.start < start).collect();
    let behind = lost.iter().map(|range| range.end).filter(|&end| start < end && end <= offset).max();
    let start = behind.map_or(start, |end| next_line_start(snapshot, end).min(offset));
    let texts = lost.into_iter().map(|range| with_newlines(&snapshot.slice(range)));
    (start, nearest_within(texts.collect(), share, count))
}

/// Moves a cut forward to a coarse border, so that it stays where it is while somebody types: a cut that moved with
/// every line would change the first token of the prompt, and nothing computed for the last one could be used again.
///
/// A step is half as many bytes as the budget has tokens, a sixth of the text or so: it moves about every thirty lines
/// and costs a twelfth of the prefix on average. Where tokens are short it is halved until most of the text is kept.
fn on_step(snapshot: &Snapshot, start: usize, offset: usize, tokens: usize) -> usize {
    let mut step = tokens.next_power_of_two() / 2;
    while 1 < step {
        let at = next_line_start(snapshot, start.div_ceil(step) * step);
        if at < offset && (offset - start) < 2 * (offset - at) {
            return at;
        }
        step /= 2;
    }
    start
}

/// Returns the first line border at or after `offset`.
fn next_line_start(snapshot: &Snapshot, offset: usize) -> usize {
    let line = snapshot.line_of(offset);
    if snapshot.line_start(line) == offset {
        return offset;
    }
    if line + 1 < snapshot.line_count() { snapshot.line_start(line + 1) } else { snapshot.len() }
}

/// Joins comments, one to a line, the nearest ones first to be kept when there is no room for all; the one that does
/// not fit whole gives its first lines.
fn nearest_within(texts: Vec<String>, tokens: usize, count: &dyn TokenCount) -> Option<String> {
    let mut kept: Vec<String> = Vec::new();
    let mut left = tokens;
    for mut text in texts.into_iter().rev() {
        if !text.ends_with('\n') {
            text.push('\n');
        }
        let fitting = first_lines_within(&text, left, count);
        left -= count.count(fitting).min(left);
        let whole = fitting.len() == text.len();
        if !fitting.is_empty() {
            kept.push(fitting.to_owned());
        }
        if !whole {
            break;
        }
    }
    kept.reverse();
    (!kept.is_empty()).then(|| kept.concat())
}
