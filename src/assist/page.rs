//! A text to read: what a task answers that is not an edit. Where it opens is the caller's business.

use super::chat::FENCE;

/// A text to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// What it is, in a few words.
    pub title: String,
    /// The text.
    pub text: String,
    /// The extension of a file that holds it: `md`, or that of a language.
    pub extension: &'static str,
    /// Tokens generated.
    pub tokens: usize,
}

/// Returns prose with its fences closed and without blank lines at its ends.
pub(super) fn tidied(prose: &str) -> String {
    let text = prose.trim();
    let fences = text.lines().filter(|line| line.trim_start().starts_with(FENCE)).count();
    if fences % 2 == 1 { format!("{text}\n{FENCE}") } else { text.to_owned() }
}
