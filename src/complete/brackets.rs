//! Which brackets and quotes a piece of code opens and closes, without a parser: generated text is unfinished most of
//! the time, and a tree of unfinished text says little. Strings and comments are skipped by the language's rules.

use crate::text::Language;

/// What a piece of text leaves open and what it closes that it did not open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Brackets {
    /// Opening brackets without a closing one, with their byte positions.
    pub open: Vec<(char, usize)>,
    /// Closing brackets and quotes of what was opened before the text, with their byte positions.
    pub closing: Vec<(char, usize)>,
    /// The quote of the string in which the text ends.
    pub string: Option<char>,
}

impl Brackets {
    /// Reads `text`, which begins inside a string with the quote `string` if there is one.
    pub fn of(text: &str, language: Language, string: Option<char>) -> Self {
        let mut brackets = Self { string, ..Self::default() };
        let mut skip_to = 0;
        let outer = string.is_some();
        let mut from_before = outer;
        for (at, c) in text.char_indices() {
            if at < skip_to {
                continue;
            }
            if let Some(quote) = brackets.string {
                if c == '\\' {
                    skip_to = at + 1 + text[at + 1..].chars().next().map_or(0, char::len_utf8);
                } else if c == quote {
                    brackets.string = None;
                    if std::mem::take(&mut from_before) {
                        brackets.closing.push((quote, at));
                    }
                } else if c == '\n' && quote != '`' {
                    // A string that its line does not close is a mistake or not a string; the damage ends here.
                    brackets.string = None;
                    from_before = false;
                }
                continue;
            }
            skip_to = brackets.read(text, at, c, language);
        }
        brackets
    }

    /// Returns the byte position of the first closing bracket in `text` that closes nothing, neither in the text nor in
    /// what stands before it and has these brackets open.
    pub fn stray_closer(&self, text: &str, language: Language) -> Option<usize> {
        let mut open: Vec<char> =
            self.open.iter().map(|&(bracket, _)| closer(bracket)).chain(self.string).collect();
        let closing = Self::of(text, language, self.string).closing;
        closing.into_iter().find(|&(bracket, _)| open.pop() != Some(bracket)).map(|(_, at)| at)
    }

    /// Reads one character outside strings; returns the byte position to go on at.
    fn read(&mut self, text: &str, at: usize, c: char, language: Language) -> usize {
        let here = &text[at..];
        if let Some(length) = comment(here, language) {
            return at + length;
        }
        if let Some(length) = triple_quoted(here) {
            return at + length;
        }
        match c {
            '"' => self.string = Some(c),
            '`' if has_backtick_strings(language) => self.string = Some(c),
            '\'' if has_single_quoted_strings(language) => self.string = Some(c),
            '\'' => return at + char_literal(here),
            '(' | '[' | '{' => self.open.push((c, at)),
            ')' | ']' | '}' => match self.open.last() {
                Some(&(open, _)) if closer(open) == c => drop(self.open.pop()),
                _ => self.closing.push((c, at)),
            },
            _ => {}
        }
        at + c.len_utf8()
    }
}

/// Returns the bracket that closes `open`; other characters close themselves.
pub(super) fn closer(open: char) -> char {
    match open {
        '(' => ')',
        '[' => ']',
        '{' => '}',
        other => other,
    }
}

/// Returns whether a character is what an editor closes by itself.
pub(super) fn is_closer(c: char) -> bool {
    matches!(c, ')' | ']' | '}' | '"' | '\'' | '`')
}

fn comment(here: &str, language: Language) -> Option<usize> {
    let to_line_end = || here.find('\n').unwrap_or(here.len());
    if language.line_comment().is_some_and(|marker| here.starts_with(marker)) {
        return Some(to_line_end());
    }
    let (open, close) = language.block_comment()?;
    // Python's "block comments" are strings, and read as such.
    if open.starts_with('"') || !here.starts_with(open) {
        return None;
    }
    Some(here[open.len()..].find(close).map_or(here.len(), |end| open.len() + end + close.len()))
}

fn triple_quoted(here: &str) -> Option<usize> {
    let quotes = ["\"\"\"", "'''"].into_iter().find(|quotes| here.starts_with(quotes))?;
    Some(here[3..].find(quotes).map_or(here.len(), |end| end + 6))
}

fn has_backtick_strings(language: Language) -> bool {
    matches!(language.id(), "javascript" | "typescript" | "javascriptreact" | "typescriptreact" | "go")
}

/// Languages in which a single quote is a character, a lifetime or an apostrophe instead.
fn has_single_quoted_strings(language: Language) -> bool {
    !matches!(
        language.id(),
        "rust"
            | "c"
            | "cpp"
            | "csharp"
            | "java"
            | "go"
            | "scala"
            | "kotlin"
            | "swift"
            | "haskell"
            | "ocaml"
            | "markdown"
            | "plaintext"
    )
}

/// Returns the bytes of a character literal, or of the lone quote if it is none.
fn char_literal(here: &str) -> usize {
    let mut chars = here.char_indices().skip(1);
    let Some((_, first)) = chars.next() else { return 1 };
    let second = if first == '\\' { chars.nth(1) } else { chars.next() };
    match second {
        Some((at, '\'')) => at + 1,
        _ => 1,
    }
}
