//! Code out of a chat answer that was begun inside a fence: what stands before the fence is closed, and nothing of the
//! prose that follows.

/// What begins and ends a block of code in an answer.
pub(super) const FENCE: &str = "```";

/// Returns the code of an answer, and whether its fence is closed, so that nothing more can come.
pub(super) fn fenced(answer: &str) -> (&str, bool) {
    let answer = after_second_opening(answer);
    match closing(answer) {
        Some(end) => (&answer[..end], true),
        None => (answer, false),
    }
}

/// Skips a fence that the model opens again although the prompt did: one with a language, before any code.
fn after_second_opening(answer: &str) -> &str {
    let Some(rest) = answer.trim_start().strip_prefix(FENCE) else {
        return answer;
    };
    match rest.split_once('\n') {
        Some((language, code)) if !language.trim().is_empty() => code,
        _ => answer,
    }
}

/// Returns where the line with the closing fence begins.
fn closing(code: &str) -> Option<usize> {
    let mut start = 0;
    for line in code.split_inclusive('\n') {
        if line.trim_start().starts_with(FENCE) {
            return Some(start);
        }
        start += line.len();
    }
    None
}
