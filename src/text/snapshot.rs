//! A document's text at one version: cheap to clone, never changes, and every lookup clamps instead of failing.
//! Changing the text is [`super::Document`]'s work.

use std::ops::Range;

use ropey::Rope;
use sha2::{Digest, Sha256};

use super::position::{char_at, line_chars, line_count, position_of};
use super::{Language, Position, PositionEncoding, TextEdit};

/// Bytes at the head of a document that are enough to tell which line ending it uses.
///
/// Counting all of them would make each request on a 50 MB document read all of it.
const LINE_ENDING_SAMPLE: usize = 64 * 1024;

/// A document's text, language and version at one moment. A clone shares the text.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub(super) rope: Rope,
    pub(super) version: i32,
    pub(super) language: Language,
}

impl Snapshot {
    /// Returns a snapshot of a text that no editor has open, at version 0.
    pub fn new(language: Language, text: &str) -> Self {
        Self { rope: Rope::from_str(text), version: 0, language }
    }

    /// Returns the text as it would be after an edit, at the same version: what nobody has typed yet. A range that does
    /// not fit is clamped to the text and its characters.
    pub fn edited(&self, edit: &TextEdit) -> Self {
        let mut rope = self.rope.clone();
        let start = rope.byte_to_char(edit.range.start.min(rope.len_bytes()));
        let end = rope.byte_to_char(edit.range.end.min(rope.len_bytes())).max(start);
        rope.remove(start..end);
        rope.insert(start, &edit.text);
        Self { rope, ..*self }
    }

    /// Returns the language of the document.
    pub fn language(&self) -> Language {
        self.language
    }

    /// Returns the version that the client gave this text.
    pub fn version(&self) -> i32 {
        self.version
    }

    /// Returns the length in bytes.
    pub fn len(&self) -> usize {
        self.rope.len_bytes()
    }

    /// Returns whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of lines; a text that ends with a line end has an empty last line.
    pub fn line_count(&self) -> usize {
        line_count(&self.rope)
    }

    /// Returns the byte offset of a position.
    ///
    /// Clamps: a column beyond the line is the line's end, one inside a character is the character's start, and a line
    /// beyond the document is the document's end.
    pub fn offset(&self, position: Position, encoding: PositionEncoding) -> usize {
        if position.line as usize >= self.line_count() {
            return self.len();
        }
        self.rope.char_to_byte(char_at(&self.rope, position, encoding))
    }

    /// Returns the position of a byte offset; an offset inside a character is the character's start.
    pub fn position(&self, offset: usize, encoding: PositionEncoding) -> Position {
        position_of(&self.rope, self.char_of(offset), encoding)
    }

    /// Returns a part of the text, in bytes, clamped to the text and to the starts of its characters.
    pub fn slice(&self, range: Range<usize>) -> String {
        let start = self.char_of(range.start);
        let end = self.char_of(range.end).max(start);
        self.rope.slice(start..end).to_string()
    }

    /// Returns the whole text.
    pub fn text(&self) -> String {
        self.rope.to_string()
    }

    /// Returns the SHA-256 of the text as UTF-8, in hexadecimal. Reads all of it: not for a handler.
    pub fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        for chunk in self.rope.chunks() {
            hash.update(chunk);
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Returns the line, from zero, that a byte offset is in.
    pub fn line_of(&self, offset: usize) -> usize {
        self.rope.byte_to_line(offset.min(self.len()))
    }

    /// Returns the byte offset of a line's start; the document's end for a line beyond it.
    pub fn line_start(&self, line: usize) -> usize {
        self.rope.line_to_byte(line.min(self.line_count()))
    }

    /// Returns the byte offset of a line's end, before its line ending; the document's end for a line beyond it.
    pub fn line_end(&self, line: usize) -> usize {
        if line >= self.line_count() {
            return self.len();
        }
        self.rope.char_to_byte(line_chars(&self.rope, line).end)
    }

    /// Returns a line without its ending; nothing for a line beyond the document.
    pub fn line(&self, line: usize) -> String {
        self.slice(self.line_start(line)..self.line_end(line))
    }

    /// Returns the line ending that the document's head uses most, `\n` where there is none.
    pub fn line_ending(&self) -> &'static str {
        let mut counts = EndingCounts::default();
        let mut read = 0;
        for chunk in self.rope.chunks() {
            counts.read(chunk);
            read += chunk.len();
            if LINE_ENDING_SAMPLE < read {
                break;
            }
        }
        counts.dominant()
    }

    fn char_of(&self, offset: usize) -> usize {
        self.rope.byte_to_char(offset.min(self.len()))
    }
}

/// How often each line ending was seen; a `\r\n` may lie across two chunks.
#[derive(Default)]
struct EndingCounts {
    lf: usize,
    cr: usize,
    crlf: usize,
    after_cr: bool,
}

impl EndingCounts {
    fn read(&mut self, chunk: &str) {
        for byte in chunk.bytes() {
            match byte {
                b'\n' if self.after_cr => {
                    self.cr -= 1;
                    self.crlf += 1;
                }
                b'\n' => self.lf += 1,
                b'\r' => self.cr += 1,
                _ => {}
            }
            self.after_cr = byte == b'\r';
        }
    }

    fn dominant(&self) -> &'static str {
        if self.lf.max(self.cr) < self.crlf {
            "\r\n"
        } else if self.lf < self.cr {
            "\r"
        } else {
            "\n"
        }
    }
}
