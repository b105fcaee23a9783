//! The imports that written code begins with: they go to the file's others, since inside a class or below the comment
//! they would be wrong or in the way.

use crate::syntax::DescribingComment;
use crate::text::{Snapshot, TextEdit};

/// What a line begins with that imports something, in the languages that do it by lines.
const WORDS: &[&str] = &["import ", "from ", "use ", "#include", "using "];

/// What a line begins with that belongs to the item below it.
const ATTACHED: &[&str] = &["@", "#", "//", "/*", " *", "*/"];

/// Returns whether a line imports something.
pub(super) fn is_import(line: &str) -> bool {
    WORDS.iter().any(|word| line.starts_with(word))
}

/// Returns the edit that adds imports which the file does not have; `None` if it has them all.
pub(super) fn added(imports: &[&str], snapshot: &Snapshot, comment: &DescribingComment) -> Option<TextEdit> {
    let file = snapshot.text();
    let lines: Vec<&str> = file.lines().collect();
    let is_new = |import: &&&str| !lines.iter().any(|line| line.trim() == import.trim());
    let new: Vec<&str> = imports.iter().filter(is_new).map(|import| import.trim_end()).collect();
    if new.is_empty() {
        return None;
    }
    let comment_line = snapshot.line_of(comment.range.start);
    let before = &lines[..comment_line.min(lines.len())];
    let (line, gap) = match before.iter().rposition(|line| is_import(line)) {
        Some(last) => (last + 1, ""),
        None => (top_of_item(&lines, comment_line), "\n"),
    };
    let at = snapshot.line_start(line);
    Some(TextEdit { range: at..at, text: format!("{}\n{gap}", new.join("\n")) })
}

/// Returns the line on which the item at the margin begins that a line is in, with what belongs to it above.
fn top_of_item(lines: &[&str], line: usize) -> usize {
    let at_margin = |line: &&str| !line.is_empty() && !line.starts_with([' ', '\t']);
    let head = lines.iter().take(line + 1).rposition(at_margin).unwrap_or(0);
    let is_attached = |line: &&&str| ATTACHED.iter().any(|mark| line.starts_with(mark));
    let attached = lines.iter().take(head).rev().take_while(is_attached).count();
    // The file's first lines may be an interpreter's name, which nothing may precede.
    let top = head - attached;
    top + usize::from(top == 0 && lines.first().is_some_and(|first| first.starts_with("#!")))
}
