//! How a file is laid out: tabs or spaces, how wide a step is, which line ending. Generated text is brought into that
//! form here. Which indentation is *right* is not decided here.

use std::collections::HashMap;

/// How a file indents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Indentation {
    /// Whether lines are indented with tabs; `None` where the file does not tell.
    pub tabs: Option<bool>,
    /// Columns of one step; a tab counts as many.
    pub unit: usize,
}

impl Indentation {
    /// Guesses from the lines given; four spaces when they tell nothing.
    pub fn of<'a>(lines: impl Iterator<Item = &'a String>) -> Self {
        let (mut tabbed, mut spaced) = (0, 0);
        let mut steps: HashMap<usize, usize> = HashMap::new();
        let mut previous = 0;
        for line in lines {
            let spaces = line.len() - line.trim_start_matches(' ').len();
            tabbed += usize::from(line.starts_with('\t'));
            spaced += usize::from(1 < spaces);
            if line.trim().is_empty() {
                continue;
            }
            let step = spaces.abs_diff(previous);
            if (2..=8).contains(&step) {
                *steps.entry(step).or_default() += 1;
            }
            previous = spaces;
        }
        let common = steps.into_iter().max_by_key(|&(step, count)| (count, std::cmp::Reverse(step)));
        let tabs = (tabbed != spaced).then_some(spaced < tabbed);
        Self { tabs, unit: common.map_or(4, |(step, _)| step) }
    }

    /// Returns the columns of a line's indentation.
    pub fn width(&self, line: &str) -> usize {
        leading_blanks(line).chars().map(|c| if c == '\t' { self.unit } else { 1 }).sum()
    }

    /// Returns `text` with every line after the first indented in this style. The first one begins at the cursor, so
    /// its blanks are no indentation.
    pub fn apply(&self, text: &str) -> String {
        let unit = if self.tabs == Some(true) { generated_unit(text) } else { self.unit };
        let mut lines = text.split('\n');
        let mut out = lines.next().unwrap_or_default().to_owned();
        for line in lines {
            out.push('\n');
            let blanks = leading_blanks(line);
            out.push_str(&self.restyled(blanks, unit));
            out.push_str(&line[blanks.len()..]);
        }
        out
    }

    /// Returns a line without the first `columns` of its indentation.
    pub fn moved_left(&self, line: &str, columns: usize) -> String {
        let blanks = leading_blanks(line);
        let kept = self.width(line).saturating_sub(columns);
        format!("{}{}", " ".repeat(kept), &line[blanks.len()..])
    }

    fn restyled(&self, blanks: &str, unit: usize) -> String {
        match self.tabs {
            Some(true) if blanks.contains(' ') => {
                let tabs = blanks.matches('\t').count();
                let spaces = blanks.len() - tabs;
                // What does not fill a step aligns with something, and stays.
                "\t".repeat(tabs + spaces / unit) + &" ".repeat(spaces % unit)
            }
            Some(false) if blanks.contains('\t') => blanks.replace('\t', &" ".repeat(self.unit)),
            _ => blanks.to_owned(),
        }
    }
}

/// Returns the blanks that a line begins with.
pub(super) fn leading_blanks(line: &str) -> &str {
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// Returns the first `count` lines of `text`, without the newline after them.
pub(super) fn first_lines(text: &str, count: usize) -> &str {
    let end = text.split_inclusive('\n').take(count).map(str::len).sum();
    text[..end].strip_suffix('\n').unwrap_or(&text[..end])
}

/// Returns `text` without blanks at the ends of its lines; the last line's stay when `keep_last`.
pub(super) fn without_trailing_blanks(text: &str, keep_last: bool) -> String {
    let lines: Vec<&str> = text.split('\n').collect();
    let last = lines.len() - 1;
    let trimmed: Vec<&str> = lines
        .iter()
        .enumerate()
        .map(|(i, line)| if i == last && keep_last { *line } else { line.trim_end() })
        .collect();
    trimmed.join("\n")
}

/// Returns the step that generated lines indent by: the narrowest indentation by spaces in them, four if there is none.
fn generated_unit(text: &str) -> usize {
    let narrowest = text
        .split('\n')
        .skip(1)
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.len() - line.trim_start_matches(' ').len())
        .filter(|&spaces| 1 < spaces)
        .min();
    narrowest.map_or(4, |spaces| if spaces % 4 == 0 { 4 } else { spaces.min(4) })
}
