//! "Mend this": the smallest change that does away with a fault which a compiler or a linter has found.
//!
//! The model is not asked for the code anew: such a small one changes what it should leave alone. Its answer is begun for
//! it with the code before the fault, and ends as soon as it is back on the lines that follow, so that only the few lines
//! between can change.

use std::ops::Range;

use super::chat::{self, Draw, FENCE, Question, SYSTEM, fenced};
use super::check;
use super::focus::Focus;
use super::hunks::hunks;
use super::order::{AssistError, Order, Step};
use super::rewrite::Rewritten;
use crate::source::{BoxFuture, Source, SourceError};
use crate::syntax;
use crate::text::{Snapshot, TextEdit};

/// Lines of a function up to which all of it is shown.
const WHOLE: usize = 60;

/// Lines before and after the fault that are shown of anything longer.
const AROUND: usize = 20;

/// Lines below the fault on which the answer may be back.
const BACK: usize = 4;

/// How freely an answer is drawn when the likeliest did not hold up.
const TEMPERATURE: f64 = 0.6;

/// A fault, as a compiler or a linter states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What it says.
    pub message: String,
    /// Where, in bytes.
    pub range: Range<usize>,
}

/// Judges edits that parse.
pub type Accepts = dyn Fn(Vec<TextEdit>) -> BoxFuture<bool> + Send + Sync;

/// Where an answer begins, in lines above the fault, and how it is drawn. A missing bracket is often seen only on the line
/// below it.
const TRIES: &[(usize, u64)] = &[(0, 0), (1, 0), (0, 1), (2, 0), (0, 2), (1, 3)];

/// Mends a fault.
///
/// `accepts` judges what parses already: an editor's user sees it, a command line can run a check.
///
/// # Errors
/// When the source fails or is stopped, or no answer holds up.
pub async fn mend(
    snapshot: &Snapshot,
    fault: &Fault,
    source: &dyn Source,
    order: &Order,
    accepts: &Accepts,
) -> Result<Rewritten, AssistError> {
    let counter = source.counter().ok_or(SourceError::Loading)?;
    let (mut tokens, mut seen): (usize, Vec<Vec<TextEdit>>) = (0, Vec::new());
    let mut shown_any = false;
    for fault in places(snapshot, fault) {
        let Some(focus) = focus(snapshot, &fault) else { continue };
        focus.must_fit(&*counter)?;
        shown_any = true;
        let shown = Shown::new(&focus, &fault);
        for &(above, seed) in TRIES {
            (order.heard)(Step::Attempt(seen.len() + 1));
            let from = shown.fault.saturating_sub(above);
            let draw = Draw { temperature: if seed == 0 { 0.0 } else { TEMPERATURE }, seed };
            let (lines, line) = (shown.lines.clone(), shown.fault);
            let done = move |answer: &str| back(&lines, line, from, answer).is_some() || fenced(answer).1;
            let said = chat::ask(source, order, shown.question(&focus, &fault, from), draw, done).await?;
            tokens += said.usage.decoded_tokens;
            let new = shown.mended(from, &said.text, said.cut);
            let old = snapshot.slice(focus.range.clone());
            let edits =
                new.map(|new| hunks(&old, &focus.placed(&new), focus.range.start)).unwrap_or_default();
            let is_new = !edits.is_empty() && !seen.contains(&edits);
            if is_new
                && check::parses(snapshot.language(), &snapshot.text(), &edits)
                && accepts(edits.clone()).await
            {
                return Ok(Rewritten { edits, tokens });
            }
            seen.push(edits);
        }
    }
    Err(match shown_any {
        true => AssistError::NoUse("the model found no change that mends this; it may need a person".into()),
        false => AssistError::NothingToDo("there is no code where the fault is said to be".into()),
    })
}

/// Returns where a fault is looked for: where it is stated, then where the text first does not parse. Of a bracket that is
/// never closed, compilers often say so at the end of the file.
fn places(snapshot: &Snapshot, fault: &Fault) -> Vec<Fault> {
    let parse_faults = syntax::faults(snapshot.language(), &snapshot.text());
    let line = |at: usize| snapshot.line_of(at);
    let other = parse_faults.into_iter().find(|range| line(range.start) != line(fault.range.start));
    let other = other.map(|range| Fault { message: fault.message.clone(), range });
    std::iter::once(fault.clone()).chain(other).collect()
}

/// Returns what the model is shown: the function around the fault, or the lines around it.
fn focus(snapshot: &Snapshot, fault: &Fault) -> Option<Focus> {
    let whole = Focus::at(snapshot, fault.range.start..fault.range.start);
    if let Some(focus) = whole.filter(|focus| focus.code.lines().count() <= WHOLE) {
        return Some(focus);
    }
    let line = snapshot.line_of(fault.range.start);
    let start = snapshot.line_start(line.saturating_sub(AROUND));
    Focus::of_lines(snapshot, start..snapshot.line_end(line + AROUND), None)
}

/// The lines that the model is shown, and which of them is at fault.
struct Shown {
    lines: Vec<String>,
    fault: usize,
}

impl Shown {
    fn new(focus: &Focus, fault: &Fault) -> Self {
        let first = focus.snapshot.line_of(focus.range.start);
        let lines: Vec<String> = focus.code.lines().map(str::to_owned).collect();
        let line = focus.snapshot.line_of(fault.range.start).saturating_sub(first);
        Self { fault: line.min(lines.len().saturating_sub(1)), lines }
    }

    fn question(&self, focus: &Focus, fault: &Fault, from: usize) -> Question {
        let language = focus.language();
        let (code, fence) = (&focus.code, format!("{FENCE}{}\n", language.id()));
        let line = self.lines.get(self.fault).map_or("", |line| line.trim());
        let message = fault.message.trim();
        let user = format!(
            "The following {} code has an error in the line `{line}`:\n\n{message}\n\n{fence}{code}\n{FENCE}\n\n\
             Correct the error and change nothing else.",
            language.name()
        );
        let before: String = self.lines.iter().take(from).map(|line| format!("{line}\n")).collect();
        Question { system: SYSTEM.into(), user, answer_start: fence + &before }
    }

    /// Returns the lines with what an answer has in place of those from `from` on.
    fn mended(&self, from: usize, answer: &str, cut: bool) -> Option<String> {
        let (written, old) = match back(&self.lines, self.fault, from, answer) {
            Some((written, old)) => (written, old),
            // The answer ended by itself: what it did not say is gone, which only the lines shown last may be.
            None if !cut && fenced(answer).1 => (fenced(answer).0.lines().count(), self.lines.len()),
            None => return None,
        };
        let new = answer.lines().take(written).map(str::to_owned);
        let lines =
            self.lines.iter().take(from).cloned().chain(new).chain(self.lines.iter().skip(old).cloned());
        Some(lines.collect::<Vec<_>>().join("\n"))
    }
}

/// Returns where an answer is back on the old lines: how many of its lines are new, and the old line that it goes on with.
///
/// It must have passed the fault, and be on a line that says something: a closing brace is found anywhere. Where nothing
/// below says anything, one line is taken for one line.
fn back(lines: &[String], fault: usize, from: usize, answer: &str) -> Option<(usize, usize)> {
    let written: Vec<&str> = answer.split('\n').collect();
    // The last piece has no line ending yet.
    let (complete, passed) = (written.len() - 1, fault - from.min(fault));
    let says_something = |line: &str| 1 < line.chars().filter(|c| c.is_alphanumeric()).count();
    let below = fault + 1..lines.len().min(fault + 1 + BACK);
    let telling: Vec<usize> = below.filter(|&line| says_something(&lines[line])).collect();
    if telling.is_empty() {
        return (passed < complete).then_some((passed + 1, fault + 1));
    }
    (passed..complete).find_map(|at| {
        let old = telling.iter().find(|&&old| written[at] == lines[old])?;
        Some((at, *old))
    })
}
