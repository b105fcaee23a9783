//! One line or a block: what the text around the cursor says is missing there. Where a block ends while it is being
//! written is the stop condition's matter.

use crate::complete::ablation::is_left_out;
use crate::complete::brackets::{Brackets, closer};
use crate::complete::surroundings::Surroundings;
use crate::text::{Language, Snapshot};

/// How much is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// The rest of the cursor's line.
    Line,
    /// All lines of the block that begins or goes on at the cursor.
    Block,
}

/// Decides what is missing at a cursor: a block where it stands on a blank line as the first of an empty body, below a
/// comment that asks for code with nothing after it, or at the end of what is there of a function; otherwise the rest of
/// the line.
pub fn mode(snapshot: &Snapshot, offset: usize) -> Mode {
    match Scope::at(&Surroundings::read(snapshot, offset)) {
        Some(_) => Mode::Block,
        None => Mode::Line,
    }
}

/// What a block is part of, and so where it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// The body of something that the line above opens.
    Body {
        /// Columns that the opening line is indented by.
        outer: usize,
        /// Columns below which a line is outside the body.
        inner: usize,
        /// The bracket that ends the body.
        closer: Option<char>,
    },
    /// One item, such as a function, or one paragraph, that a comment asks for.
    Item {
        /// Columns that the item is indented by.
        indent: usize,
    },
    /// The lines that a function's body lacks at its end, or one of the blocks in it.
    Rest {
        /// Columns below which a line is outside.
        floor: usize,
    },
}

/// Lines that are climbed in search of the beginning of a comment, a docstring or a head.
const CLIMB: usize = 200;

/// A comment of fewer words is a heading, not a wish.
const WORDS_OF_A_WISH: usize = 3;

impl Scope {
    /// Returns the block that is missing at the cursor, `None` where it is a line.
    pub fn at(around: &Surroundings) -> Option<Self> {
        if !around.on_blank_line() || around.is_in_long_string() {
            return None;
        }
        Self::beginning(around).or_else(|| Self::rest(around).filter(|_| !is_left_out("function-end")))
    }

    /// Returns the block that begins at the cursor.
    fn beginning(around: &Surroundings) -> Option<Self> {
        let above = nearest_above(around)?;
        if opens(&around.above[above], around.language) {
            return Self::body(around, above);
        }
        let comment = documentation_start(around, above)?;
        let before = (comment + 1..around.above.len()).find(|&i| !around.above[i].trim().is_empty());
        let body = before.filter(|&i| i == comment + 1 && opens(&around.above[i], around.language));
        match body {
            Some(opener) => Self::body(around, opener),
            None => Self::item(around, comment, above),
        }
    }

    /// Returns the body that `opener` begins, if it is empty.
    fn body(around: &Surroundings, opener: usize) -> Option<Self> {
        let outer = head_indent(around, opener);
        let indent = around.indent();
        let inner = if outer < indent { indent } else { outer + 1 };
        let bracket =
            Brackets::of(&around.above[opener], around.language, None).open.last().map(|&(c, _)| closer(c));
        let empty = around.next_lines().next().is_none_or(|next| {
            around.width(next) <= outer
                || bracket.is_some_and(|bracket| next.trim_start().starts_with(bracket))
        });
        empty.then_some(Self::Body { outer, inner, closer: bracket })
    }

    /// Returns the item that the comment from line `first` to `last` asks for, if it stands alone.
    fn item(around: &Surroundings, first: usize, last: usize) -> Option<Self> {
        let indent = around.indent();
        let stands_alone = around.above.get(first + 1).is_none_or(|line| line.trim().is_empty());
        let nothing_follows =
            around.below.first().is_none_or(|line| line.trim().is_empty() || around.width(line) < indent);
        let words: usize = around.above[last..=first].iter().map(|line| words(line)).sum();
        let asks = stands_alone
            && nothing_follows
            && last == 0
            && WORDS_OF_A_WISH <= words
            && around.width(&around.above[first]) == indent;
        asks.then_some(Self::Item { indent })
    }
}

impl Scope {
    /// Returns what a function's body lacks at its end, if the cursor stands there.
    fn rest(around: &Surroundings) -> Option<Self> {
        let indent = around.indent();
        let mut bound = indent;
        let head = around.above.iter().filter(|line| !line.trim().is_empty()).find(|line| {
            let is_outside = around.width(line) < bound;
            bound = bound.min(around.width(line));
            is_outside && (bound == 0 || is_function_head(line, around.language))
        })?;
        let floor = bound + 1;
        let next = around.next_lines().next().map_or(0, |next| around.width(next));
        let is_at_end = next < indent && is_function_head(head, around.language);
        is_at_end.then_some(Self::Rest { floor: if next < floor { floor } else { indent } })
    }
}

/// Returns whether a function's body begins below a line.
fn is_function_head(line: &str, language: Language) -> bool {
    #[rustfmt::skip]
    const CONTROL: &[&str] = &[
        "if", "for", "foreach", "while", "until", "unless", "switch", "match", "else", "elif", "elsif", "try", "catch",
        "except", "with", "async", "using", "lock", "synchronized", "class", "return",
    ];
    const WORDS: &[&str] = &["def", "fn", "func", "function", "sub", "fun"];
    let line = line.trim_start().trim_start_matches(['}', ' ']);
    let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default();
    let says_so = std::iter::once(first).chain(words.take(4)).any(|word| WORDS.contains(&word));
    let has_parameters = line.contains(')') && opens(line, language) && !CONTROL.contains(&first);
    !is_prose(language) && (says_so || has_parameters)
}

/// Returns whether a line goes on with the statement above it although it is not indented: `else`, a closing bracket.
pub(super) fn continues(line: &str) -> bool {
    const WORDS: &[&str] =
        &["else", "elif", "elsif", "except", "rescue", "catch", "finally", "ensure", "end", "done", "fi"];
    let line = line.trim_start();
    let word = line.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
    line.starts_with(['}', ')', ']', '{']) || WORDS.contains(&word)
}

/// Returns whether indentation says where a block ends.
pub(super) fn is_made_of_indentation(language: Language) -> bool {
    matches!(language.id(), "python" | "yaml" | "nim" | "gdscript")
}

/// Returns whether the cursor was left at its opener's column, so that the text itself has to bring the indentation.
pub(super) fn needs_indentation(around: &Surroundings, scope: Option<Scope>) -> bool {
    matches!(scope, Some(Scope::Body { outer, .. }) if around.indent() <= outer)
}

/// Returns the index of the line above that the cursor's line belongs to: the next one, or the one over a single blank.
fn nearest_above(around: &Surroundings) -> Option<usize> {
    (0..2.min(around.above.len())).find(|&i| !around.above[i].trim().is_empty())
}

/// Returns whether a line ends with what begins a body.
pub(super) fn opens(line: &str, language: Language) -> bool {
    let code = without_comment(line, language).trim_end();
    if is_prose(language) || code.trim_start().starts_with(language.line_comment().unwrap_or("\n")) {
        return false;
    }
    code.ends_with(['{', '(', '[', ':']) || opens_by_word(code, language)
}

fn opens_by_word(code: &str, language: Language) -> bool {
    let (first, last) = (code.split_whitespace().next(), code.split_whitespace().next_back());
    let last_is = |words: &[&str]| last.is_some_and(|word| words.contains(&word));
    let first_is = |words: &[&str]| first.is_some_and(|word| words.contains(&word));
    match language.id() {
        "lua" => {
            last_is(&["then", "do", "else", "repeat"]) || (code.contains("function") && code.ends_with(')'))
        }
        "ruby" => {
            last_is(&["do", "then", "else", "begin", "ensure"])
                || first_is(&["def", "class", "module", "if", "unless", "while", "elsif", "when"])
        }
        "shellscript" | "elixir" | "julia" => {
            last_is(&["do", "then", "else"]) || (first_is(&["function"]) && code.ends_with(')'))
        }
        _ => code.ends_with("=>"),
    }
}

/// Returns the shortest body for a line that is a head and nothing more, where a head alone is an error to the grammar.
pub(super) fn empty_body(line: &str, language: Language) -> Option<&'static str> {
    const HEADS: [&str; 7] = ["if", "for", "while", "switch", "else", "do", "foreach"];
    let code = without_comment(line, language).trim();
    let word = |word: Option<&'_ str>, words: &[&str]| word.is_some_and(|word| words.contains(&word));
    let (first, last) = (code.split([' ', '(']).next(), code.split_whitespace().next_back());
    match language.id() {
        "lua" | "ruby" | "julia" | "elixir" if opens_by_word(code, language) => Some("\nend"),
        "shellscript" if word(last, &["do"]) => Some("\n:\ndone"),
        "shellscript" if word(last, &["then", "else"]) => Some("\n:\nfi"),
        "c" | "cpp" | "java" | "csharp" | "javascript" | "typescript" | "javascriptreact"
        | "typescriptreact" | "php"
            if word(first, &HEADS) && (code.ends_with(')') || word(last, &["else", "do"])) =>
        {
            Some(" {}")
        }
        _ => None,
    }
}

pub(super) fn is_prose(language: Language) -> bool {
    matches!(language.id(), "plaintext" | "markdown")
}

/// Returns a line without the comment at its end. A marker inside a string counts as a comment only after a blank;
/// such a line would have to end in an opener before it to be taken wrongly.
fn without_comment(line: &str, language: Language) -> &str {
    let Some(marker) = language.line_comment() else { return line };
    match line.rfind(marker) {
        Some(at) if line[..at].ends_with([' ', '\t']) && !line[..at].trim().is_empty() => &line[..at],
        _ => line,
    }
}

/// Returns the first line of the comment or docstring that ends on line `last`.
fn documentation_start(around: &Surroundings, last: usize) -> Option<usize> {
    let line = around.above[last].trim();
    let quotes = ["\"\"\"", "'''"].into_iter().find(|quotes| line.ends_with(quotes));
    if let (Some(quotes), "python") = (quotes, around.language.id()) {
        return opening_line(around, last, |line| line.contains(quotes), line.matches(quotes).count() == 1);
    }
    if let Some((open, close)) = around.language.block_comment()
        && line.ends_with(close)
    {
        return opening_line(
            around,
            last,
            |line| line.trim_start().starts_with(open),
            !line.starts_with(open),
        );
    }
    let marker = around.language.line_comment()?;
    let run = around.above[last..]
        .iter()
        .take(CLIMB)
        .take_while(|line| line.trim_start().starts_with(marker))
        .count();
    (0 < run).then(|| last + run - 1)
}

/// Returns the nearest line from `last` upward that `is_opening`; `last` itself counts unless it only closes.
fn opening_line(
    around: &Surroundings,
    last: usize,
    is_opening: impl Fn(&str) -> bool,
    only_closes: bool,
) -> Option<usize> {
    let from = last + usize::from(only_closes);
    (from..around.above.len().min(last + CLIMB)).find(|&i| is_opening(&around.above[i]))
}

/// Returns the indentation of the statement whose last line is `opener`: a head may run over several lines.
fn head_indent(around: &Surroundings, opener: usize) -> usize {
    let mut first = opener;
    let mut code = around.above[opener].clone();
    while !Brackets::of(&code, around.language, None).closing.is_empty()
        && first + 1 < around.above.len()
        && first < opener + 32
    {
        first += 1;
        code = format!("{}\n{code}", around.above[first]);
    }
    around.width(&around.above[first])
}

fn words(line: &str) -> usize {
    line.split_whitespace().filter(|word| 1 < word.chars().filter(|c| c.is_alphanumeric()).count()).count()
}
