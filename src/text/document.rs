//! An open document: applies what the client says has changed, or refuses it and stays as it was.
//! What becomes of a document that has fallen out of step is the server's decision, not this module's.

use ropey::Rope;
use thiserror::Error;

use super::position::{char_at, line_count};
use super::{Language, Position, PositionEncoding, Snapshot, TextEdit};

/// One change of a document, as the client reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What is replaced, start and end; `None` for the whole text.
    pub range: Option<(Position, Position)>,
    /// What comes in its place.
    pub text: String,
}

/// Why a change does not apply: client and server no longer hold the same text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ChangeError {
    /// The change is not newer than what is here.
    #[error("the change to version {change} came after version {current}; close the file and open it again")]
    OutOfOrder {
        /// The version of the document as it is here.
        current: i32,
        /// The version that the change leads to.
        change: i32,
    },
    /// The change names a line that the document does not have.
    #[error(
        "the change is on line {line}, but the document has {lines} lines; close the file and open it again"
    )]
    BeyondEnd {
        /// The line named, counted from 1 as editors show it.
        line: u64,
        /// The number of lines there are.
        lines: usize,
    },
    /// The range of the change ends before it starts.
    #[error(
        "the change ends at {}, before its start at {}; close the file and open it again",
        shown(end),
        shown(start)
    )]
    Reversed {
        /// Where the range starts.
        start: Position,
        /// Where the range ends.
        end: Position,
    },
}

/// A document that an editor has open.
#[derive(Debug)]
pub struct Document {
    current: Snapshot,
}

impl Document {
    /// Returns the document as the editor opened it.
    pub fn open(language: Language, version: i32, text: &str) -> Self {
        Self { current: Snapshot { rope: Rope::from_str(text), version, language } }
    }

    /// Applies changes in their order, each to the text that the one before it left, and returns them as edits. A change
    /// of the whole text comes back as what it really changed.
    ///
    /// # Errors
    /// When one of them does not apply; then none is applied, and the document is what it was.
    pub fn apply(
        &mut self,
        version: i32,
        changes: &[Change],
        encoding: PositionEncoding,
    ) -> Result<Vec<TextEdit>, ChangeError> {
        let current = self.current.version;
        if version <= current {
            return Err(ChangeError::OutOfOrder { current, change: version });
        }
        // A clone shares the text, so that a failure half-way costs nothing to undo.
        let mut rope = self.current.rope.clone();
        let mut edits = Vec::with_capacity(changes.len());
        for change in changes {
            edits.push(apply_one(&mut rope, change, encoding)?);
        }
        self.current.rope = rope;
        self.current.version = version;
        Ok(edits)
    }

    /// Returns the text, version and language of this moment.
    pub fn snapshot(&self) -> Snapshot {
        self.current.clone()
    }

    /// Returns the version of the last change applied.
    pub fn version(&self) -> i32 {
        self.current.version
    }

    /// Returns the language that the editor named.
    pub fn language(&self) -> Language {
        self.current.language
    }
}

/// Returns a position as editors show it, both numbers counted from 1.
fn shown(position: &Position) -> String {
    format!("{}:{}", u64::from(position.line) + 1, u64::from(position.character) + 1)
}

fn apply_one(rope: &mut Rope, change: &Change, encoding: PositionEncoding) -> Result<TextEdit, ChangeError> {
    let Some((start, end)) = change.range else {
        let edit = difference(rope, &change.text);
        *rope = Rope::from_str(&change.text);
        return Ok(edit);
    };
    if end < start {
        return Err(ChangeError::Reversed { start, end });
    }
    let from = resolve(rope, start, encoding)?;
    let to = resolve_end(rope, end, encoding)?;
    let range = rope.char_to_byte(from)..rope.char_to_byte(to);
    rope.remove(from..to);
    rope.insert(from, &change.text);
    Ok(TextEdit { range, text: change.text.clone() })
}

/// Returns the smallest edit that makes one text of another.
fn difference(old: &Rope, new: &str) -> TextEdit {
    let equal = |(a, b): &(u8, u8)| a == b;
    let both = old.len_bytes().min(new.len());
    let mut head = old.bytes().zip(new.bytes()).take_while(equal).count();
    while !new.is_char_boundary(head) {
        head -= 1;
    }
    let old_back = old.bytes_at(old.len_bytes()).reversed();
    let mut tail = old_back.zip(new.bytes().rev()).take(both - head).take_while(equal).count();
    while !new.is_char_boundary(new.len() - tail) {
        tail -= 1;
    }
    TextEdit { range: head..old.len_bytes() - tail, text: new[head..new.len() - tail].to_owned() }
}

/// Returns the character at a position. A line that is not there is an error, since clamping it would put the text
/// where the user did not; a column beyond its line is the line's end, as the protocol says.
fn resolve(rope: &Rope, position: Position, encoding: PositionEncoding) -> Result<usize, ChangeError> {
    let lines = line_count(rope);
    if lines <= position.line as usize {
        return Err(ChangeError::BeyondEnd { line: u64::from(position.line) + 1, lines });
    }
    Ok(char_at(rope, position, encoding))
}

/// Returns the character at the end of a range. The start of the line after the last one is how some clients write
/// "to the end of the document", and it can mean nothing else.
fn resolve_end(rope: &Rope, position: Position, encoding: PositionEncoding) -> Result<usize, ChangeError> {
    if position.line as usize == line_count(rope) && position.character == 0 {
        return Ok(rope.len_chars());
    }
    resolve(rope, position, encoding)
}
