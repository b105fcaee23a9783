//! What begins and ends a comment, and a comment's text without it.
//! Where comments are in a text is `comment`'s matter.

use crate::text::Language;

/// The comment markers to look for.
#[derive(Debug, Clone)]
pub(super) struct Markers {
    line: Vec<&'static str>,
    block: Option<(&'static str, &'static str)>,
    /// The language is not known, so a marker counts only where no word or bracket follows: `#include` is code.
    guessed: bool,
}

/// Markers that comments begin with in most languages, for a language that is not known.
const COMMON: &[&str] = &["//", "#", "--", ";", "%"];

impl Markers {
    /// Returns the markers of a language; the most common ones of all where nothing is known of it.
    pub(super) fn of(language: Language) -> Self {
        if language == Language::PLAIN {
            return Self { line: COMMON.to_vec(), block: Some(("/*", "*/")), guessed: true };
        }
        let line = match language.id() {
            "php" => vec!["//", "#"],
            "ini" => vec![";", "#"],
            _ => language.line_comment().into_iter().collect(),
        };
        Self { line, block: language.block_comment(), guessed: false }
    }

    /// Returns what begins and what ends a comment of any length.
    pub(super) fn block(&self) -> Option<(&'static str, &'static str)> {
        self.block
    }

    /// Returns whether a line, its indentation cut, is a comment that ends with it.
    pub(super) fn begins_line_comment(&self, line: &str) -> bool {
        let after = |marker: &&&str| line.strip_prefix(**marker);
        if self.block.is_some_and(|(opener, _)| line.starts_with(opener)) {
            return false;
        }
        self.line.iter().find(|marker| after(marker).is_some()).is_some_and(|marker| {
            let next = after(&marker).and_then(|rest| rest.chars().next());
            !self.guessed || next.is_none_or(|next| !next.is_alphanumeric() && next != '[')
        })
    }

    /// Returns the text of a comment block without its markers, blank lines at its ends cut.
    pub(super) fn strip(&self, comment: &str) -> String {
        let mut inside = false;
        let lines: Vec<&str> = lines(comment).map(|line| self.strip_line(line.trim(), &mut inside)).collect();
        lines.join("\n").trim_matches('\n').to_owned()
    }

    fn strip_line<'a>(&self, line: &'a str, inside: &mut bool) -> &'a str {
        let opened = self.block.and_then(|(opener, _)| line.strip_prefix(opener)).filter(|_| !*inside);
        if let Some(rest) = opened {
            *inside = true;
            return self.strip_block_end(rest.trim_start_matches(['*', '!']), inside).trim();
        }
        if *inside {
            let rest = self.strip_block_end(line, inside);
            let starred = self.block.is_some_and(|(opener, _)| opener == "/*");
            return one_space(if starred { rest.strip_prefix('*').unwrap_or(rest) } else { rest });
        }
        self.strip_line_marker(line)
    }

    fn strip_block_end<'a>(&self, line: &'a str, inside: &mut bool) -> &'a str {
        let closed = self.block.and_then(|(_, closer)| line.find(closer).map(|at| &line[..at]));
        if let Some(rest) = closed {
            *inside = false;
            return rest.trim_end_matches('*').trim_end();
        }
        line
    }

    /// Cuts `//`, `///`, `//!`, `##`, `---` and the one space that sets the text off.
    fn strip_line_marker<'a>(&self, line: &'a str) -> &'a str {
        let Some(marker) = self.line.iter().find(|marker| line.starts_with(**marker)) else { return line };
        let rest = &line[marker.len()..];
        let rest = marker.chars().last().map_or(rest, |last| rest.trim_start_matches(last));
        one_space(if *marker == "//" { rest.strip_prefix('!').unwrap_or(rest) } else { rest })
    }
}

/// Returns the lines of a text without their endings, of which a lone return is one.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

fn one_space(text: &str) -> &str {
    text.strip_prefix(' ').unwrap_or(text)
}
