//! The faults that a check printed: which lines of the file it names, and what it says of each.

use std::path::Path;

use super::mend::Fault;
use crate::text::Snapshot;

/// Lines of a message that go to the model; what follows is more of the same.
const MOST_LINES: usize = 12;

/// Returns the faults of a file that a check's output states, in its order; a single one at the file's start, with all
/// that was said, where no line is named.
///
/// Read are `name:12`, `name(12,5)`, `"name", line 12` and `line 12`, which is how compilers name lines.
pub fn stated_faults(snapshot: &Snapshot, file: &Path, output: &str) -> Vec<Fault> {
    if output.trim().is_empty() {
        return Vec::new();
    }
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let lines: Vec<&str> = output.lines().collect();
    let mut found: Vec<Fault> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(number) = named_line(line, &name) else { continue };
        let Some(at) = number.checked_sub(1).filter(|at| *at < snapshot.line_count()) else { continue };
        // rustc says what is wrong on the line above the one that says where.
        let points = line.trim_start().starts_with("-->");
        let start = if points { index.saturating_sub(1) } else { index };
        let message = lines[start..lines.len().min(start + MOST_LINES)].join("\n");
        let range = snapshot.line_start(at)..snapshot.line_end(at);
        if !found.iter().any(|fault| fault.range == range) {
            found.push(Fault { message, range });
        }
    }
    if found.is_empty() {
        let message = lines[..lines.len().min(MOST_LINES)].join("\n");
        found.push(Fault { message, range: 0..0 });
    }
    found
}

/// Returns the number of a line that a line of output names.
fn named_line(line: &str, name: &str) -> Option<usize> {
    let behind = |mark: &str| {
        let at = line.find(mark)? + mark.len();
        let digits: String = line[at..].chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    };
    behind(&format!("{name}:")).or_else(|| behind(&format!("{name}("))).or_else(|| behind("line "))
}
