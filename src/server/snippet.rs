//! A completion item as a snippet, where that brings something: where the text has an empty body, the cursor goes into it.
//! Everything else stays plain text, which every editor inserts as it is.

/// Returns the text as a snippet that ends with the cursor in the first empty body; `None` where there is none.
pub(super) fn with_cursor(text: &str) -> Option<String> {
    let body = empty_body(text)?;
    Some(format!("{}$0{}", escaped(&text[..body]), escaped(&text[body..])))
}

/// Returns where the first empty body is written: behind the indentation of a blank line between brackets, or between
/// the braces of a function that has nothing in them. An empty call or list is none: its author may well mean it so.
fn empty_body(text: &str) -> Option<usize> {
    let opens = |before: &str| before.trim_end().ends_with(['{', '(', '[']);
    let closes = |after: &str| after.trim_start().starts_with(['}', ')', ']']);
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.trim_end_matches(['\r', '\n']).len();
        if line.trim().is_empty() && opens(&text[..start]) && closes(&text[end..]) {
            return Some(end);
        }
        start += line.len();
    }
    let is_function = |at: &usize| [")", "=>"].iter().any(|end| text[..*at].trim_end().ends_with(end));
    text.match_indices("{}").map(|(at, _)| at).find(is_function).map(|at| at + 1)
}

/// Returns text in the syntax of snippets.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '$' | '}' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
