//! The shape of written code: where a function ends, what of an answer is only an example, and how it is indented.

use crate::text::Language;

/// What a piece of code begins with and how it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Whole functions, from the beginning.
    Whole,
    /// What follows a signature and is indented below it.
    Indented,
    /// What follows an opening brace, up to the closing one at the line's start.
    Braced,
}

/// Lines at the margin that begin what a model shows the function with.
const EXAMPLES: &[&str] = &[
    "# example",
    "# test",
    "# usage",
    "// example",
    "// test",
    "// usage",
    "print(",
    "assert ",
    "if __name__",
    "console.log",
    "fn main",
    "func main",
    "int main",
    "public static void main",
    "module.exports",
    "#[cfg(test)]",
    "#[test]",
];

/// Returns what a function of a language begins with; nothing where that differs from function to function. Without the
/// blank, which the model writes as a part of what follows.
pub(super) fn keyword(language: Language, at_margin: bool) -> &'static str {
    match language.id() {
        "python" | "ruby" => "def",
        "rust" => "fn",
        "go" => "func",
        // A method of a class has none in JavaScript, and other words before it in PHP.
        "lua" | "php" | "javascript" | "javascriptreact" | "typescript" | "typescriptreact" if at_margin => {
            "function"
        }
        _ => "",
    }
}

/// Returns where the code of a function ends, once something stands behind it that cannot belong to it.
pub(super) fn end(code: &str, shape: Shape) -> Option<usize> {
    match shape {
        Shape::Whole => None,
        Shape::Indented => end_of_indented(code),
        Shape::Braced => lines_with_start(code).find(|(_, line)| line.starts_with('}')).map(|(at, _)| at + 1),
    }
}

fn end_of_indented(code: &str) -> Option<usize> {
    let mut written = lines_with_start(code).filter(|(_, line)| !line.trim().is_empty());
    // A body at the margin has no end that could be seen.
    let (_, first) = written.next()?;
    if !first.starts_with([' ', '\t']) {
        return None;
    }
    written.find(|(_, line)| !line.starts_with([' ', '\t', ')', ']', '}'])).map(|(at, _)| at)
}

/// Returns the code up to the first example that follows a function.
pub(super) fn without_examples(code: &str) -> &str {
    let is_example = |line: &str| {
        let line = line.to_lowercase();
        EXAMPLES.iter().any(|example| line.starts_with(example))
    };
    let mut lines = lines_with_start(code).skip_while(|(_, line)| line.trim().is_empty()).skip(1);
    let end = lines.find(|(_, line)| is_example(line)).map_or(code.len(), |(at, _)| at);
    code[..end].trim_end()
}

/// Returns lines as they stand in the file, each behind `indentation`, without a line ending after the last.
///
/// Whole functions are first brought to the margin, and a body that was written there is moved in by one level.
pub(super) fn indented(lines: &[&str], shape: Shape, indentation: &str) -> String {
    let first = lines.first().copied().unwrap_or_default();
    let (cut, level) = match shape {
        Shape::Whole => (common_indentation(lines), ""),
        Shape::Indented if !first.starts_with([' ', '\t']) => (0, "    "),
        Shape::Indented | Shape::Braced => (0, ""),
    };
    let placed = lines.iter().map(|line| match line.trim_end() {
        "" => String::new(),
        line => format!("{indentation}{level}{}", line.get(cut..).unwrap_or_default()),
    });
    placed.collect::<Vec<_>>().join("\n")
}

/// Returns lines with the indentation of `unit` for each level of their own, where that is another one.
pub(super) fn in_units_of(lines: &[&str], unit: Option<&str>) -> Vec<String> {
    let own = unit_of(lines.iter().copied());
    let (Some(unit), Some(own)) = (unit, own.filter(|own| Some(own.as_str()) != unit)) else {
        return lines.iter().map(|&line| line.to_owned()).collect();
    };
    let converted = lines.iter().map(|line| {
        let (blanks, code) = line.split_at(line.len() - line.trim_start_matches([' ', '\t']).len());
        let levels = blanks.len() / own.len();
        format!("{}{}{code}", unit.repeat(levels), " ".repeat(blanks.len() % own.len()))
    });
    converted.collect()
}

/// Returns the blanks of one level in lines of code, if any is indented.
pub(super) fn unit_of<'a>(lines: impl Iterator<Item = &'a str>) -> Option<String> {
    let blanks = |line: &'a str| &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
    let indented = lines.filter(|line| !line.trim().is_empty()).map(blanks);
    // One blank stands before the stars of a comment, and is no level of code.
    let levels = indented.filter(|blanks| blanks.starts_with('\t') || 1 < blanks.len());
    let least = levels.min_by_key(|blanks| if blanks.starts_with('\t') { 1 } else { blanks.len() })?;
    Some(if least.starts_with('\t') { "\t".to_owned() } else { least.to_owned() })
}

/// Returns the bytes of blanks that all lines begin with.
fn common_indentation(lines: &[&str]) -> usize {
    let written = lines.iter().filter(|line| !line.trim().is_empty());
    written.map(|line| line.len() - line.trim_start_matches([' ', '\t']).len()).min().unwrap_or(0)
}

fn lines_with_start(code: &str) -> impl Iterator<Item = (usize, &str)> {
    code.split_inclusive('\n').scan(0, |next, line| {
        let start = *next;
        *next += line.len();
        Some((start, line))
    })
}
