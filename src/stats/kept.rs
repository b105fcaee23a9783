//! How much of an accepted text is still there: the share of its characters that a later text has in the same order,
//! word by word. Renaming one variable costs that word, not all that follows.

/// Words of a text that are compared; the rest of a longer one counts as it comes out for them.
const BOUND: usize = 400;

/// Returns the share of `was` that `is` has kept, from 0 to 1. Blanks do not count: formatting is no rejection.
pub fn kept_share(was: &str, is: &str) -> f32 {
    let (was, is) = (words(was), words(is));
    let all: usize = was.iter().map(|word| word.len()).sum();
    if all == 0 {
        return 1.0;
    }
    // The weight of the longest common subsequence, one row at a time.
    let mut row = vec![0; is.len() + 1];
    for word in &was {
        let mut diagonal = 0;
        for (column, other) in is.iter().enumerate() {
            let above = row[column + 1];
            row[column + 1] = match word == other {
                true => diagonal + word.len(),
                false => above.max(row[column]),
            };
            diagonal = above;
        }
    }
    row[is.len()] as f32 / all as f32
}

/// Splits into words and single signs.
fn words(text: &str) -> Vec<&str> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next().filter(|_| words.len() < BOUND) {
        let end = match is_word(first) {
            true => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            false => first.len_utf8(),
        };
        let (word, behind) = rest.split_at(end);
        words.push(word);
        rest = behind.trim_start();
    }
    words
}
