//! What a task is about: the lines selected, or the function or type around the cursor, as code moved to the margin.

use std::ops::Range;

use super::order::AssistError;
use crate::complete::TokenCount;
use crate::syntax;
use crate::text::{Language, Snapshot};

/// Tokens of code that a task about code reads at most. The answer may be as long again.
pub(super) const MOST_TOKENS: usize = 1400;

/// The code that a task is about.
#[derive(Debug, Clone)]
pub struct Focus {
    pub(super) snapshot: Snapshot,
    /// Whole lines, the last line ending left out.
    pub(super) range: Range<usize>,
    /// The lines without the blanks that all of them begin with.
    pub(super) code: String,
    /// Those blanks.
    pub(super) indentation: String,
    /// What it is called in titles: a function's name, or "the selection".
    pub(super) what: String,
    /// The name of the function or type, where it is one.
    pub(super) name: Option<String>,
}

impl Focus {
    /// Returns what a task at a cursor or on a selection is about; `None` where there is no code to be about.
    pub fn at(snapshot: &Snapshot, selected: Range<usize>) -> Option<Self> {
        if !selected.is_empty() {
            return Self::of_lines(snapshot, selected, None);
        }
        let item = syntax::item_at(snapshot, selected.start)?;
        Self::of_lines(snapshot, item.range, Some(item.name))
    }

    /// Returns the whole document as what a task is about, with the name that it has.
    pub fn file(snapshot: &Snapshot, name: Option<&str>) -> Option<Self> {
        let all = Self::of_lines(snapshot, 0..snapshot.len(), None)?;
        let what = name.map_or_else(|| "the file".into(), |name| format!("`{name}`"));
        Some(Self { what, ..all })
    }

    /// Returns whole lines.
    pub(super) fn of_lines(snapshot: &Snapshot, range: Range<usize>, name: Option<String>) -> Option<Self> {
        let first = snapshot.line_of(range.start);
        // A selection that ends at a line's start does not hold that line.
        let last = snapshot.line_of(range.end);
        let is_before = range.end == snapshot.line_start(last) && first < last;
        let last = if is_before { last - 1 } else { last };
        let range = snapshot.line_start(first)..snapshot.line_end(last);
        let text = snapshot.slice(range.clone());
        let lines: Vec<&str> = text.lines().collect();
        let written = lines.iter().filter(|line| !line.trim().is_empty());
        let blanks = |line: &&str| line.len() - line.trim_start_matches([' ', '\t']).len();
        let cut = written.clone().map(blanks).min()?;
        let indentation = written.clone().next()?.get(..cut)?.to_owned();
        let dedented = lines.iter().map(|line| line.get(cut..).unwrap_or_default().trim_end());
        let what = match name.as_deref() {
            Some(name) if !name.is_empty() => format!("`{name}`"),
            _ => "the selection".into(),
        };
        Some(Self {
            code: dedented.collect::<Vec<_>>().join("\n"),
            snapshot: snapshot.clone(),
            range,
            indentation,
            what,
            name: name.filter(|name| !name.is_empty()),
        })
    }

    /// Returns the language.
    pub(super) fn language(&self) -> Language {
        self.snapshot.language()
    }

    /// Checks that the code can be read whole, for tasks that write it anew.
    pub(super) fn must_fit(&self, counter: &dyn TokenCount) -> Result<(), AssistError> {
        let lines = self.code.lines().count();
        match self.lines_that_fit(counter) {
            most if most < lines => Err(AssistError::TooLong { lines, most }),
            _ => Ok(()),
        }
    }

    /// Returns how many lines from the first on fit.
    pub(super) fn lines_that_fit(&self, counter: &dyn TokenCount) -> usize {
        let (mut tokens, mut lines) = (0, 0);
        for line in self.code.lines() {
            tokens += counter.count(line) + 1;
            if MOST_TOKENS < tokens {
                break;
            }
            lines += 1;
        }
        lines
    }

    /// Returns code at the margin as it stands in the document, with its line endings.
    pub(super) fn placed(&self, code: &str) -> String {
        let placed = code.trim_end().lines().map(|line| match line.trim_end() {
            "" => String::new(),
            line => format!("{}{line}", self.indentation),
        });
        placed.collect::<Vec<_>>().join(self.snapshot.line_ending())
    }
}
