//! What looks like a secret: by the name of a file, or by what stands in a text. One set of rules for both uses: files
//! that are never read as context, and prompts that are masked before they leave the machine.
//!
//! [`RULES`] is the list to add to; each rule has an example that it finds and near misses that it must not find, and a
//! test that holds it to them.

mod names;
mod rules;

use std::ops::Range;
use std::sync::OnceLock;

use regex::bytes::Regex;

pub use names::is_secret_name;
pub use rules::{RULES, Rule};

/// What stands in the place of a secret.
pub const MASK: &str = "********";

/// A rule, and its pattern compiled. Each is looked for by itself: one automaton of all (`RegexSet`) knows no letters to skip to,
/// and took some sixty times as long.
type Compiled = (&'static Rule, Regex);

/// Returns where secrets stand in a text, in order; what overlaps is one.
pub fn find(text: &str) -> Vec<Range<usize>> {
    let found = compiled().iter().flat_map(|(rule, regex)| rule.find(regex, text));
    let mut found: Vec<Range<usize>> = found.collect();
    found.sort_by_key(|range| range.start);
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in found {
        match merged.last_mut().filter(|last| range.start <= last.end) {
            Some(last) => last.end = last.end.max(range.end),
            None => merged.push(range),
        }
    }
    merged
}

/// Returns whether a text holds what is beyond doubt a key, a token or a password, or at least the head of a private key.
pub fn holds_secret(text: &str) -> bool {
    if text.contains("-----BEGIN") && text.contains("PRIVATE KEY-----") {
        return true;
    }
    compiled().iter().any(|(rule, regex)| rule.is_certain(regex, text))
}

/// Masks the secrets of a text that lies in several parts, which are read as one: what is half in one part and half in the
/// next is masked in both. Returns how many there are.
pub fn mask(parts: &mut [&mut String]) -> usize {
    let whole: String = parts.iter().map(|part| part.as_str()).collect();
    let found = find(&whole);
    let mut start = whole.len();
    for part in parts.iter_mut().rev() {
        let end = start;
        start -= part.len();
        // From the end, so that what is replaced moves nothing that is still to come.
        for range in found.iter().rev() {
            let (from, to) = (range.start.max(start), range.end.min(end));
            if from < to {
                part.replace_range(from - start..to - start, MASK);
            }
        }
    }
    found.len()
}

/// Compiles the rules, if that was not done yet. Otherwise the first text that is looked at waits for it.
pub fn prepare() {
    compiled();
}

fn compiled() -> &'static [Compiled] {
    static COMPILED: OnceLock<Vec<Compiled>> = OnceLock::new();
    // A pattern that does not compile is found by the test of its rule, and finds nothing here.
    COMPILED.get_or_init(|| RULES.iter().filter_map(|rule| Some((rule, rule.compile().ok()?))).collect())
}
