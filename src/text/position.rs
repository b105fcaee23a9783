//! Lines and columns in a rope: the only place where the protocol's units meet ours.
//! It knows nothing of documents or versions, and it never fails on a column: those clamp, as the protocol asks.

use std::ops::Range;

use ropey::Rope;

/// A place in a document, as the protocol writes it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// The line, from zero. Lines end at `\n`, `\r\n` or `\r` and at nothing else.
    pub line: u32,
    /// The column, from zero, in units of the [`PositionEncoding`] in force.
    pub character: u32,
}

/// The unit in which [`Position::character`] counts.
///
/// Ordered by preference, so that the best encoding that both sides speak is the largest one. UTF-16 is the smallest
/// because it is what a client gets that offers nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PositionEncoding {
    /// UTF-16 code units, which every client speaks.
    #[default]
    Utf16,
    /// Characters (Unicode scalar values).
    Utf32,
    /// Bytes of the UTF-8 text, which need no conversion.
    Utf8,
}

/// Returns the number of lines; one more than there are line ends.
pub(super) fn line_count(rope: &Rope) -> usize {
    rope.len_lines()
}

/// Returns the characters of a line without its ending; the last line's for a line beyond the end.
pub(super) fn line_chars(rope: &Rope, line: usize) -> Range<usize> {
    let line = line.min(line_count(rope) - 1);
    let start = rope.line_to_char(line);
    let mut end = rope.line_to_char(line + 1);
    // Looking back from the next line's start costs O(log n); reading the line would cost a million characters.
    if start < end && rope.char(end - 1) == '\n' {
        end -= 1;
    }
    if start < end && rope.char(end - 1) == '\r' {
        end -= 1;
    }
    start..end
}

/// Returns the character at a column of an existing line.
///
/// A column beyond the line's end is the line's end, and one inside a character is that character's start.
pub(super) fn char_at(rope: &Rope, position: Position, encoding: PositionEncoding) -> usize {
    let line = line_chars(rope, position.line as usize);
    let column = position.character as usize;
    match encoding {
        PositionEncoding::Utf32 => line.start.saturating_add(column).min(line.end),
        PositionEncoding::Utf16 => {
            let unit = rope.char_to_utf16_cu(line.start).saturating_add(column);
            rope.utf16_cu_to_char(unit.min(rope.char_to_utf16_cu(line.end)))
        }
        PositionEncoding::Utf8 => {
            let byte = rope.char_to_byte(line.start).saturating_add(column);
            rope.byte_to_char(byte.min(rope.char_to_byte(line.end)))
        }
    }
}

/// Returns the position of a character; between `\r` and `\n` it is the one before both.
pub(super) fn position_of(rope: &Rope, char_index: usize, encoding: PositionEncoding) -> Position {
    let char_index = char_index.min(rope.len_chars());
    let line = rope.char_to_line(char_index);
    let chars = line_chars(rope, line);
    let char_index = char_index.min(chars.end);
    let column = match encoding {
        PositionEncoding::Utf32 => char_index - chars.start,
        PositionEncoding::Utf16 => rope.char_to_utf16_cu(char_index) - rope.char_to_utf16_cu(chars.start),
        PositionEncoding::Utf8 => rope.char_to_byte(char_index) - rope.char_to_byte(chars.start),
    };
    Position { line: saturate(line), character: saturate(column) }
}

fn saturate(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
