//! The smallest edits, in whole lines, that make one text of another: so that a rewritten function changes only what is
//! different in it, and each change can be taken or left.

use std::ops::Range;

use crate::text::TextEdit;

/// Lines of both texts, multiplied, up to which the smallest edits are looked for; beyond, what lies between the first and
/// the last difference is one edit.
const MOST: usize = 4_000_000;

/// Returns the edits that make `new` of `old`, a text that begins at `start` of the document.
pub fn hunks(old: &str, new: &str, start: usize) -> Vec<TextEdit> {
    let (old, new): (Vec<&str>, Vec<&str>) = (lines(old), lines(new));
    let head = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let (old_rest, new_rest) = (&old[head..], &new[head..]);
    let tail = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(old, new)| old == new).count();
    let (old_mid, new_mid) = (&old_rest[..old_rest.len() - tail], &new_rest[..new_rest.len() - tail]);
    let offset = |line: usize| start + old[..line].iter().map(|line| line.len()).sum::<usize>();
    let changed = match old_mid.len().saturating_mul(new_mid.len()) {
        0 if old_mid.is_empty() && new_mid.is_empty() => Vec::new(),
        size if size <= MOST => differences(old_mid, new_mid),
        _ => vec![(0..old_mid.len(), 0..new_mid.len())],
    };
    let to_edit = |(was, is): (Range<usize>, Range<usize>)| TextEdit {
        range: offset(head + was.start)..offset(head + was.end),
        text: new_mid[is].concat(),
    };
    changed.into_iter().map(to_edit).collect()
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// Returns the ranges of lines that differ, by the longest common subsequence.
fn differences(old: &[&str], new: &[&str]) -> Vec<(Range<usize>, Range<usize>)> {
    let width = new.len() + 1;
    let mut common = vec![0_u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i * width + j] = match old[i] == new[j] {
                true => common[(i + 1) * width + j + 1] + 1,
                false => common[(i + 1) * width + j].max(common[i * width + j + 1]),
            };
        }
    }
    let (mut found, mut i, mut j) = (Vec::new(), 0, 0);
    while i < old.len() || j < new.len() {
        let (from_i, from_j) = (i, j);
        while (i < old.len() || j < new.len()) && !(i < old.len() && j < new.len() && old[i] == new[j]) {
            let drops =
                j == new.len() || (i < old.len() && common[(i + 1) * width + j] >= common[i * width + j + 1]);
            if drops { i += 1 } else { j += 1 }
        }
        if (from_i, from_j) != (i, j) {
            found.push((from_i..i, from_j..j));
        }
        while i < old.len() && j < new.len() && old[i] == new[j] {
            (i, j) = (i + 1, j + 1);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::hunks;

    fn check(old: &str, new: &str, edits: usize) {
        let found = hunks(old, new, 0);
        let after = found.iter().rev().fold(old.to_owned(), |text, edit| edit.apply(&text));
        assert_eq!((after.as_str(), found.len()), (new, edits), "{found:?}");
    }

    #[test]
    fn each_difference_is_an_edit_of_its_own() {
        check("a\nb\nc\n", "a\nb\nc\n", 0);
        check("a\nb\nc\nd\n", "A\nb\nc\nD\n", 2);
        check("a\nb\nc\n", "a\nc\n", 1);
        check("a\nc\n", "a\nb\nc\nd\n", 2);
        check("", "a\n", 1);
        check("a\nb", "a\nb\nc", 1);
    }
}
