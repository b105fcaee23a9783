//! "Document": a docstring or a documentation comment, as the language has it, for a function or a type that has none.
//! What is there already stays as it is.

use super::chat::{self, Draw, FENCE, Question, SYSTEM};
use super::check;
use super::focus::Focus;
use super::layout;
use super::order::{AssistError, Order};
use crate::source::{Source, SourceError};
use crate::syntax::{self, Item};
use crate::text::{Language, Snapshot, TextEdit};

/// How a language documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// A string below the head.
    Docstring,
    /// Lines that begin with this.
    Lines(&'static str),
    /// `/** … */` above.
    Block,
}

/// A function or type that could be documented.
#[derive(Debug, Clone)]
pub struct Undocumented {
    focus: Focus,
    item: Item,
    style: Style,
}

/// Documentation, as an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Documented {
    /// The insertion.
    pub edit: TextEdit,
    /// Tokens generated.
    pub tokens: usize,
}

/// Returns what is at an offset, if it has no documentation.
pub fn undocumented(snapshot: &Snapshot, offset: usize) -> Option<Undocumented> {
    let style = style(snapshot.language())?;
    let item = syntax::item_at(snapshot, offset).filter(|item| !item.is_documented)?;
    let focus = Focus::of_lines(snapshot, item.range.clone(), Some(item.name.clone()))?;
    // A docstring goes on a line of its own below the head; a body on the head's line leaves no place for one.
    let below = snapshot.line(snapshot.line_of(item.head.end));
    let has_room = style != Style::Docstring || below.trim_end().ends_with(':');
    has_room.then_some(Undocumented { focus, item, style })
}

fn style(language: Language) -> Option<Style> {
    Some(match language.id() {
        "python" => Style::Docstring,
        "rust" => Style::Lines("///"),
        "go" => Style::Lines("//"),
        "javascript" | "javascriptreact" | "typescript" | "typescriptreact" | "java" | "c" | "cpp" => {
            Style::Block
        }
        _ => return None,
    })
}

/// Writes the documentation.
///
/// # Errors
/// When the source fails or is stopped, the code is too long, or nothing came.
pub async fn document(
    undocumented: &Undocumented,
    source: &dyn Source,
    order: &Order,
) -> Result<Documented, AssistError> {
    let counter = source.counter().ok_or(SourceError::Loading)?;
    let focus = &undocumented.focus;
    focus.must_fit(&*counter)?;
    let style = undocumented.style;
    let done = move |answer: &str| end(answer, style).is_some();
    let said = chat::ask(source, order, undocumented.question(), Draw::default(), done).await?;
    let text = &said.text[..end(&said.text, style).unwrap_or(said.text.len())];
    let lines = undocumented.lines(text);
    let nothing = || AssistError::NoUse("the model wrote no documentation for this; try again".into());
    if lines.is_empty() {
        return Err(nothing());
    }
    let edit = undocumented.edit(&lines);
    match check::parses(focus.language(), &focus.snapshot.text(), std::slice::from_ref(&edit)) {
        true => Ok(Documented { edit, tokens: said.usage.decoded_tokens }),
        false => Err(nothing()),
    }
}

/// Returns where documentation that was begun for the model ends in its answer.
fn end(answer: &str, style: Style) -> Option<usize> {
    let fence = answer.find(FENCE);
    let closed = match style {
        Style::Docstring => answer.find("\"\"\""),
        Style::Block => answer.find("*/"),
        // The first line that is no comment.
        Style::Lines(marker) => {
            let lines = answer.match_indices('\n');
            let mut starts = lines.map(|(at, _)| at + 1).filter(|&at| at < answer.len());
            starts.find(|&at| {
                let line = &answer[at..];
                // A line that has only begun may still become a comment.
                !line.starts_with(marker) && !marker.starts_with(line)
            })
        }
    };
    [fence, closed].into_iter().flatten().min()
}

impl Undocumented {
    fn question(&self) -> Question {
        let (focus, language) = (&self.focus, self.focus.language());
        let kind = match self.style {
            Style::Docstring => "docstring",
            _ => "documentation comment",
        };
        let fence = format!("{FENCE}{}\n", language.id());
        let code = &focus.code;
        let user = format!(
            "Write a {kind} for `{}` in the following {} code: say in a sentence what it does, then what goes in and what \
             comes out.\n\n{fence}{code}\n{FENCE}",
            self.item.name,
            language.name()
        );
        let begun = match self.style {
            Style::Docstring => {
                let head: String = focus.snapshot.slice(self.item.head.clone());
                let head = head.lines().map(|line| line.strip_prefix(&focus.indentation).unwrap_or(line));
                format!("{}\n{}\"\"\"", head.collect::<Vec<_>>().join("\n"), self.unit())
            }
            Style::Lines("//") => format!("// {}", self.item.name),
            Style::Lines(marker) => marker.to_owned(),
            Style::Block => "/**\n *".to_owned(),
        };
        Question { system: SYSTEM.into(), user, answer_start: fence + &begun }
    }

    fn unit(&self) -> String {
        layout::unit_of(self.focus.code.lines()).unwrap_or_else(|| "    ".into())
    }

    /// Returns the lines of the documentation, at the margin, as the language has them.
    fn lines(&self, text: &str) -> Vec<String> {
        let said = |line: &str, marker: &str| {
            let line = line.trim();
            line.strip_prefix(marker).map_or(line, str::trim).to_owned()
        };
        let marker = match self.style {
            Style::Docstring => "",
            Style::Lines(marker) => marker,
            Style::Block => "*",
        };
        let mut words: Vec<String> = match self.style {
            Style::Docstring => relative_lines(text),
            _ => text.trim().lines().map(|line| said(line, marker)).collect(),
        };
        while words.last().is_some_and(String::is_empty) {
            words.pop();
        }
        if words.iter().all(String::is_empty) {
            return Vec::new();
        }
        let marked = |marker: &str, words: &[String]| {
            words.iter().map(|line| format!("{marker} {line}").trim_end().to_owned()).collect::<Vec<_>>()
        };
        match self.style {
            Style::Docstring if words.len() == 1 => vec![format!("\"\"\"{}\"\"\"", words[0])],
            Style::Docstring => {
                words[0] = format!("\"\"\"{}", words[0]);
                words.push("\"\"\"".into());
                words
            }
            Style::Lines("//") => {
                words[0] = format!("{} {}", self.item.name, words[0]);
                marked("//", &words)
            }
            Style::Lines(marker) => marked(marker, &words),
            Style::Block => [vec!["/**".to_owned()], marked(" *", &words), vec![" */".to_owned()]].concat(),
        }
    }

    fn edit(&self, lines: &[String]) -> TextEdit {
        let snapshot = &self.focus.snapshot;
        let ending = snapshot.line_ending();
        let indentation = match self.style {
            Style::Docstring => format!("{}{}", self.focus.indentation, self.unit()),
            _ => self.focus.indentation.clone(),
        };
        let placed =
            |line: &String| if line.is_empty() { String::new() } else { format!("{indentation}{line}") };
        let text: String = lines.iter().map(|line| placed(line) + ending).collect();
        let at = match self.style {
            Style::Docstring => snapshot.line_start(snapshot.line_of(self.item.head.end) + 1),
            _ => snapshot.line_start(self.item.first_line),
        };
        TextEdit { range: at..at, text }
    }
}

/// Returns the lines of a docstring, those after the first without the blanks that all of them begin with.
fn relative_lines(text: &str) -> Vec<String> {
    let mut lines = text.trim().lines();
    let first = lines.next().unwrap_or_default().trim().to_owned();
    let rest: Vec<&str> = lines.map(str::trim_end).collect();
    let written = rest.iter().filter(|line| !line.is_empty());
    let cut = written.map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
    let rest = rest.iter().map(|line| line.get(cut..).unwrap_or_default().to_owned());
    std::iter::once(first).chain(rest).collect()
}
