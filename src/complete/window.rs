//! How much of a text fits into a number of tokens. Counts outward from the cursor in pieces of a few hundred bytes, so
//! that the work follows the budget and not the document, and each byte is counted about once.

use std::ops::Range;

use crate::complete::TokenCount;
use crate::complete::surroundings::with_newlines;
use crate::text::Snapshot;

/// Bytes that are counted in one call while there is room. Smaller pieces would cost calls, larger ones overshoot.
const PIECE: usize = 512;

/// A token is hardly ever longer than this many bytes on average; more of the document is never looked at.
const BYTES_PER_TOKEN: usize = 16;

/// Returns where the text before `offset` must begin to hold at most `tokens`: at a line's start, or inside the
/// cursor's line where even that alone is too long.
pub(super) fn start_within(
    snapshot: &Snapshot,
    offset: usize,
    tokens: usize,
    count: &dyn TokenCount,
) -> usize {
    let floor = offset.saturating_sub(tokens.saturating_mul(BYTES_PER_TOKEN));
    let mut start = offset;
    let mut left = tokens;
    let mut piece = PIECE;
    while start > floor {
        let from = line_start_before(snapshot, start, piece, floor);
        let Some(from) = from else { break };
        let used = tokens_in(snapshot, from..start, count);
        if used <= left {
            left -= used;
            start = from;
        } else if piece > 1 {
            piece = if piece > 64 { 64 } else { 1 };
        } else {
            break;
        }
    }
    // A cursor far out on an endless line: no line border fits, so the cut is made near the cursor.
    if start == offset && floor < offset {
        inside_line_before(snapshot, floor, offset, tokens, count)
    } else {
        start
    }
}

/// Returns where the text after `offset` must end to hold at most `tokens`: at a line's end, or inside the cursor's
/// line where even that alone is too long.
pub(super) fn end_within(snapshot: &Snapshot, offset: usize, tokens: usize, count: &dyn TokenCount) -> usize {
    let ceiling = offset.saturating_add(tokens.saturating_mul(BYTES_PER_TOKEN)).min(snapshot.len());
    let mut end = offset;
    let mut left = tokens;
    let mut piece = PIECE;
    while end < ceiling {
        let to = line_end_after(snapshot, end, piece, ceiling);
        let Some(to) = to else { break };
        let used = tokens_in(snapshot, end..to, count);
        if used <= left {
            left -= used;
            end = to;
        } else if piece > 1 {
            piece = if piece > 64 { 64 } else { 1 };
        } else {
            break;
        }
    }
    if end == offset && offset < ceiling {
        inside_line_after(snapshot, offset, ceiling, tokens, count)
    } else {
        end
    }
}

/// Returns the first bytes of `text` that hold at most `tokens`, cut after a line.
pub(super) fn first_lines_within<'a>(text: &'a str, tokens: usize, count: &dyn TokenCount) -> &'a str {
    let mut end = 0;
    let mut left = tokens;
    for line in text.split_inclusive('\n') {
        let used = count.count(line);
        if used > left {
            break;
        }
        left -= used;
        end += line.len();
    }
    &text[..end]
}

fn tokens_in(snapshot: &Snapshot, range: Range<usize>, count: &dyn TokenCount) -> usize {
    count.count(&with_newlines(&snapshot.slice(range)))
}

/// Returns the start of a line about `piece` bytes before `start`, at least one line up; `None` where the line goes
/// back further than `floor`.
fn line_start_before(snapshot: &Snapshot, start: usize, piece: usize, floor: usize) -> Option<usize> {
    let line = snapshot.line_of(start);
    let own = snapshot.line_start(line);
    let nearest = if own < start { own } else { snapshot.line_start(line.checked_sub(1)?) };
    let coarse = snapshot.line_start(snapshot.line_of(start.saturating_sub(piece).max(floor)));
    let wanted = if coarse < floor { nearest } else { coarse.min(nearest) };
    (wanted >= floor && wanted < start).then_some(wanted)
}

/// Returns the end of a line (after its line ending) about `piece` bytes after `end`, at least one line down; `None`
/// where the line goes on beyond `ceiling`.
fn line_end_after(snapshot: &Snapshot, end: usize, piece: usize, ceiling: usize) -> Option<usize> {
    let after = |line: usize| {
        if line + 1 < snapshot.line_count() { snapshot.line_start(line + 1) } else { snapshot.len() }
    };
    let nearest = after(snapshot.line_of(end));
    // The last line border at or before the end of the piece.
    let coarse = snapshot.line_start(snapshot.line_of((end + piece).min(ceiling)));
    let wanted = coarse.max(nearest);
    (wanted <= ceiling && wanted > end).then_some(wanted)
}

fn inside_line_before(
    snapshot: &Snapshot,
    floor: usize,
    offset: usize,
    tokens: usize,
    count: &dyn TokenCount,
) -> usize {
    let text = snapshot.slice(floor..offset);
    let mut bytes = text.len();
    loop {
        let from = ceil_char(&text, text.len() - bytes);
        let used = count.count(&with_newlines(&text[from..]));
        if used <= tokens {
            return offset - (text.len() - from);
        }
        bytes = shrunk(bytes, used, tokens);
    }
}

fn inside_line_after(
    snapshot: &Snapshot,
    offset: usize,
    ceiling: usize,
    tokens: usize,
    count: &dyn TokenCount,
) -> usize {
    let text = snapshot.slice(offset..ceiling);
    let mut bytes = text.len();
    loop {
        let to = floor_char(&text, bytes);
        let used = count.count(&with_newlines(&text[..to]));
        if used <= tokens {
            return offset + to;
        }
        bytes = shrunk(bytes, used, tokens);
    }
}

/// Returns a smaller number of bytes that should hold `tokens`, given that `bytes` hold `used`; a little less than the
/// proportion says, so that one or two rounds are enough.
fn shrunk(bytes: usize, used: usize, tokens: usize) -> usize {
    let proportion = bytes as u128 * tokens as u128 * 15 / (used.max(1) as u128 * 16);
    (proportion as usize).min(bytes.saturating_sub(1))
}

fn ceil_char(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

fn floor_char(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
