//! The comments that govern a cursor: what the user has said about the code that is being written.
//! They are only found here; whether and where they go into a prompt is `complete`'s decision.

use std::ops::Range;

use super::comment::{Block, block_above, block_at};
use super::docstring::{docstring_of, is_inner, module_docstring};
use super::enclosing::enclosing_lines;
use super::function::is_definition;
use super::grammar::is_comment;
use super::source::Source;
use crate::text::Snapshot;

/// Blank lines that may lie between a comment and the blank line that is being written on.
const GAP: usize = 2;
/// Lines at the head of a file among which its header comment must begin.
const HEADER_LINES: usize = 60;
/// What only the text of a licence says. Licences state nothing about the code and would fill the prompt.
const LICENCES: &[&str] = &[
    "Licensed under the Apache License",
    "Permission is hereby granted, free of charge",
    "Redistribution and use in source and binary",
    "GNU General Public License",
    "GNU Lesser General Public",
    "Mozilla Public License",
];

/// A comment or docstring that governs a cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The comment as it is written, markers included, in bytes; the first line's indentation is left out.
    pub range: Range<usize>,
    /// What it says, without markers.
    pub text: String,
    /// Why it governs the cursor.
    pub kind: RequirementKind,
}

/// Why a comment governs a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequirementKind {
    /// It is on the cursor's line or directly above it.
    Above,
    /// It is directly above something that encloses the cursor.
    Enclosing,
    /// It documents, from inside, something that encloses the cursor.
    Docstring,
    /// It is the file's header.
    Header,
}

/// Returns the comments that govern an offset, in the order of the document, none of them twice.
pub fn requirements(snapshot: &Snapshot, offset: usize) -> Vec<Requirement> {
    let offset = offset.min(snapshot.len());
    let source = Source::around(snapshot, offset);
    let mut found = Found { source: &source, requirements: Vec::new() };
    found.add_above(snapshot.line_of(offset));
    for line in enclosing_lines(&source, offset) {
        found.add_block(block_above(&source, line), RequirementKind::Enclosing);
        let docstring = docstring_of(&source, line);
        found.add(docstring.map(|docstring| (docstring.range, docstring.text)), RequirementKind::Docstring);
    }
    found.add_header();
    found.requirements.sort_by_key(|requirement| requirement.range.start);
    found.requirements
}

struct Found<'a> {
    source: &'a Source<'a>,
    requirements: Vec<Requirement>,
}

impl Found<'_> {
    /// Adds a requirement unless its text is empty or here already, for a stronger reason.
    fn add(&mut self, found: Option<(Range<usize>, String)>, kind: RequirementKind) {
        let Some((range, text)) = found.filter(|(_, text)| !text.is_empty()) else { return };
        let overlaps = |known: &Requirement| known.range.start < range.end && range.start < known.range.end;
        if !self.requirements.iter().any(overlaps) {
            self.requirements.push(Requirement { range, text, kind });
        }
    }

    fn add_block(&mut self, block: Option<Block>, kind: RequirementKind) {
        let source = self.source;
        self.add(block.map(|block| (block.range.clone(), block.text(source))), kind);
    }

    fn add_above(&mut self, line: usize) {
        let source = self.source;
        self.add(trailing_comment(source, line), RequirementKind::Above);
        if let Some(block) = block_at(source, line) {
            return self.add_block(Some(block), RequirementKind::Above);
        }
        let gap = if source.is_blank(line) { GAP } else { 0 };
        let lowest = line.saturating_sub(gap);
        let line = (lowest..line).rev().take_while(|above| source.is_blank(*above)).last().unwrap_or(line);
        self.add_block(block_above(source, line), RequirementKind::Above);
    }

    fn has_header(&self) -> bool {
        self.requirements.iter().any(|requirement| requirement.kind == RequirementKind::Header)
    }

    /// Adds the comments before the first code, and the module's docstring.
    fn add_header(&mut self) {
        let source = self.source;
        let mut line = 0;
        while let Some(next) = source.next_line_of_text(line).filter(|next| *next < HEADER_LINES) {
            if let Some(block) = block_at(source, next) {
                line = block.lines.end;
                let is_first = !self.has_header();
                self.add_block(
                    Some(block).filter(|block| is_header(source, block, is_first)),
                    RequirementKind::Header,
                );
            } else if is_preamble(&source.head(next)) {
                line = next + 1;
            } else {
                let docstring = module_docstring(source, next);
                return self.add(docstring.map(|found| (found.range, found.text)), RequirementKind::Header);
            }
        }
    }
}

/// Returns whether a block before the first code is about the file: it is no licence, and not about what follows it.
///
/// Go documents a package directly above its first line of code, so the first block may touch code that defines nothing.
fn is_header(source: &Source<'_>, block: &Block, is_first: bool) -> bool {
    let text = block.text(source);
    let below = block.lines.end;
    let is_apart = source.is_blank(below) || module_docstring(source, below).is_some();
    let is_about_the_file =
        is_apart || is_inner(source, block) || (is_first && !is_definition(source, below));
    is_about_the_file && !LICENCES.iter().any(|phrase| text.contains(phrase))
}

/// Returns whether a line may stand before a file's header comment.
fn is_preamble(line: &str) -> bool {
    ["#!", "<?", "<!DOCTYPE", "<!doctype"].iter().any(|beginning| line.starts_with(beginning))
}

/// Returns the comment at the end of a line of code, which only the tree can tell from a string.
fn trailing_comment(source: &Source<'_>, line: usize) -> Option<(Range<usize>, String)> {
    let start = source.snapshot().line_start(line);
    let text = source.snapshot().slice(start..source.snapshot().line_end(line));
    let (index, _) = text.trim_end().char_indices().next_back()?;
    let path = source.path(start + index);
    let node = path.into_iter().find(|node| is_comment(*node))?;
    let range = source.start(node)..start + text.trim_end().len();
    let is_trailing = source.first_character(line).is_some_and(|first| first < range.start);
    let written = source.snapshot().slice(range.clone());
    is_trailing.then(|| (range, source.markers().strip(&written)))
}
