//! The lines on which everything around a cursor begins: functions, types, blocks, statements of several lines.
//! What is said about them, in comments or docstrings, is found from these lines by others.

use super::comment::block_at;
use super::grammar::{is_comment, is_list};
use super::source::Source;

/// Lines that are searched upwards where there is no tree to go by.
const MAX_LINES: usize = 10_000;

/// Returns the first lines of what encloses an offset, outermost first.
///
/// Indentation is asked too where the tree is broken, and always in Python, whose blocks it makes: a tree does not know
/// that a new line with four blanks belongs to the function above it.
pub(super) fn enclosing_lines(source: &Source<'_>, offset: usize) -> Vec<usize> {
    let mut lines = lines_by_tree(source, offset);
    if !source.is_parsed_well() || source.snapshot().language().id() == "python" {
        lines.extend(lines_by_indentation(source, offset));
    }
    lines.sort_unstable();
    lines.dedup();
    lines
}

fn lines_by_tree(source: &Source<'_>, offset: usize) -> Vec<usize> {
    // The character before the cursor that is not blank: an empty body's brace is inside the body, the blanks in a
    // Python function's last line are inside nothing.
    let before = source.snapshot().slice(offset.saturating_sub(4096)..offset);
    let Some(character) = before.trim_end().chars().next_back() else { return Vec::new() };
    let anchor =
        offset.min(source.snapshot().len()) - (before.len() - before.trim_end().len()) - character.len_utf8();
    let encloses =
        |node: &tree_sitter::Node<'_>| offset < source.end(*node) && !is_list(*node) && !is_comment(*node);
    let begins = |node: tree_sitter::Node<'_>| {
        let line = source.snapshot().line_of(source.start(node));
        (source.first_character(line) == Some(source.start(node))).then_some(line)
    };
    source.path(anchor).into_iter().filter(encloses).filter_map(begins).collect()
}

fn lines_by_indentation(source: &Source<'_>, offset: usize) -> Vec<usize> {
    let cursor_line = source.snapshot().line_of(offset);
    let mut level = cursor_level(source, offset, cursor_line);
    let mut lines = Vec::new();
    for line in (cursor_line.saturating_sub(MAX_LINES)..cursor_line).rev() {
        if level == 0 {
            break;
        }
        let Some(indent) = source.indent(line).filter(|indent| *indent < level) else { continue };
        if block_at(source, line).is_some() {
            continue;
        }
        // The end of a signature of several lines, or of the branch before `else`: what it belongs to stands further up.
        let continues = source.head(line).trim_start().starts_with([')', ']', '}']);
        level = if continues { indent + 1 } else { indent };
        if !continues {
            lines.push(line);
        }
    }
    lines
}

/// Returns the indentation from which everything with less of it may enclose the cursor.
fn cursor_level(source: &Source<'_>, offset: usize, line: usize) -> usize {
    if let Some(indent) = source.indent(line) {
        return indent;
    }
    let column = offset.min(source.snapshot().len()) - source.snapshot().line_start(line);
    if 0 < column {
        return column;
    }
    // An empty line has the indentation that an editor would give it.
    let Some(above) = (line.saturating_sub(MAX_LINES)..line).rev().find(|line| !source.is_blank(*line))
    else {
        return 0;
    };
    let opens = source.head(above).trim_end().ends_with(['{', '(', '[', ':']);
    source.indent(above).unwrap_or(0) + usize::from(opens)
}
