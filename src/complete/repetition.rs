//! Text that says the same again: what stands around the cursor already, or what the model has just written itself.

/// Repetitions in a row that make a loop of lines.
const LINES_IN_A_LOOP: usize = 3;

/// The longest loop of lines that is looked for.
const LONGEST_PERIOD: usize = 8;

/// Characters that a loop inside a line must cover; shorter ones are lists and tables that people write.
const LOOP_CHARS: usize = 40;

/// Returns whether two lines are the same, blanks left aside.
pub(super) fn same_line(one: &str, other: &str) -> bool {
    let solid = |line: &'_ str| -> String { line.chars().filter(|c| !c.is_whitespace()).collect() };
    one.trim().chars().next() == other.trim().chars().next() && solid(one) == solid(other)
}

/// Returns whether a line says something: brackets, `end` or `else` stand on many lines of a file, and saying them
/// again is no repetition.
pub(super) fn is_telling(line: &str) -> bool {
    4 < line.chars().filter(|c| c.is_alphanumeric()).count()
}

/// Returns the number of lines to keep of lines that end in a loop: all up to the end of the first round.
pub(super) fn lines_before_loop(lines: &[&str]) -> Option<usize> {
    let last = lines.iter().rposition(|line| !line.trim().is_empty())? + 1;
    (1..=LONGEST_PERIOD).find_map(|period| {
        let mut start = last.checked_sub(period)?;
        let round = &lines[start..last];
        round.iter().any(|line| is_telling(line)).then_some(())?;
        let mut count = 1;
        while period <= start && lines[start - period..start].iter().zip(round).all(|(a, b)| same_line(a, b))
        {
            start -= period;
            count += 1;
        }
        (LINES_IN_A_LOOP <= count).then_some(start + period)
    })
}

/// Returns whether a line ends by saying the same few characters over and over.
pub(super) fn loops_within_line(line: &str) -> bool {
    let chars: Vec<char> = line.trim_end().chars().rev().take(400).collect();
    (2..=LOOP_CHARS / 4).any(|period| {
        let covered =
            chars.iter().zip(chars.iter().skip(period)).take_while(|(a, b)| a == b).count() + period;
        let words = chars.get(..period).is_some_and(|unit| unit.iter().any(|c| c.is_alphanumeric()));
        words && period < chars.len() && LOOP_CHARS <= covered && 4 * period <= covered
    })
}
