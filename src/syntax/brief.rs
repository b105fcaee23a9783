//! An outline made shorter still: each member on a line of its own, of long signatures the names of what they take. Many
//! small definitions tell a model more than few large ones.

use super::outline::bracket_depth;
use crate::text::Language;

/// Bytes of a line beyond which the types of its parameters go.
const LINE: usize = 90;

/// Returns an outline's brief form.
pub fn brief(language: Language, outline: &str) -> String {
    let mut brief: Vec<String> = Vec::new();
    let mut before = String::new();
    for line in joined_lines(outline) {
        let trimmed = line.trim_start();
        let name = trimmed.split('(').next().unwrap_or_default().to_owned();
        // Only the last of several overloads is kept: they differ in their types.
        let is_overload = !before.is_empty() && name == before && trimmed.contains('(');
        if is_left_out(language, trimmed) {
            continue;
        }
        let short = if line.len() > LINE { without_types(&line) } else { line };
        match brief.last_mut() {
            Some(last) if is_overload => *last = short,
            _ => brief.push(short),
        }
        before = name;
    }
    brief.join("\n")
}

/// Returns the first line of an outline, as a whole: what the thing is, without what is in it.
pub fn head(outline: &str) -> String {
    let lines = joined_lines(outline);
    let head = lines.iter().find(|line| !line.trim_start().starts_with('@'));
    let head = head.map(|line| if line.len() > LINE { without_types(line) } else { line.clone() });
    head.unwrap_or_default()
}

/// Returns whether a line says nothing: nobody calls an operator by its name.
fn is_left_out(language: Language, line: &str) -> bool {
    let is_operator = || line.contains("def __") && !line.contains("def __init__");
    line == "..." || language.id() == "python" && (line.starts_with("@overload") || is_operator())
}

/// Puts each signature that runs over several lines on one.
fn joined_lines(outline: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut depth = 0;
    for line in outline.lines() {
        let text = line.trim();
        let closes = text.starts_with([')', ']', '>']);
        match lines.last_mut().filter(|_| depth > 0 || closes) {
            Some(last) => {
                if closes && last.ends_with(',') {
                    last.pop();
                }
                let glued = closes || last.ends_with(['(', '[', '<']);
                last.push_str(if glued { "" } else { " " });
                last.push_str(text);
            }
            None => lines.push(line.trim_end().to_owned()),
        }
        depth = (depth + bracket_depth(text)).max(0);
    }
    lines
}

/// Takes the types and defaults of the parameters out of a signature's brackets, as far as they stand behind a `:`, a
/// `=` or an `extends`.
fn without_types(line: &str) -> String {
    let mut short = String::with_capacity(line.len());
    // For each open bracket, whether names stand in it; what follows them is skipped up to the next comma.
    let mut open: Vec<char> = Vec::new();
    let mut skipping: Option<usize> = None;
    let mut last = ' ';
    for (at, c) in line.char_indices() {
        let is_arrow = c == '>' && matches!(last, '=' | '-');
        let closes = matches!(c, ')' | ']' | '}') || (c == '>' && !is_arrow && open.last() == Some(&'<'));
        if closes {
            open.pop();
            if skipping.is_some_and(|depth| open.len() < depth) {
                skipping = None;
            }
        }
        let begins_type = |rest: &str| {
            let is_colon = rest.starts_with(':') && !rest.starts_with("::") && last != ':';
            is_colon || rest.starts_with(" = ") || rest.starts_with("= ") || rest.starts_with(" extends ")
        };
        if c == ',' && skipping == Some(open.len()) {
            skipping = None;
        }
        if skipping.is_none() && !open.is_empty() && begins_type(&line[at..]) {
            skipping = Some(open.len());
        }
        if skipping.is_none() {
            short.push(c);
        }
        if matches!(c, '(' | '[' | '{') || (c == '<' && last != '<' && last != ' ') {
            open.push(c);
        }
        last = c;
    }
    short
}
