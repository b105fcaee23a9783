//! The completion logic as a user meets it: a text with a cursor, what a model writes there, and the text after the
//! suggestion was accepted.

#![allow(clippy::unwrap_used)]

mod accepted;
mod any;
mod block;
mod cache;
mod confidence;
mod errors;
mod hole;
mod line;
mod mending;
mod mode;
mod prompt;
mod silence;

use std::ops::ControlFlow;

use infill_ls::complete::{Completion, Reason, StopCondition, finish, mode};
use infill_ls::text::{Language, Snapshot};

/// A document and the byte offset of its `$0`.
#[derive(Debug)]
struct Fixture {
    snapshot: Snapshot,
    offset: usize,
}

impl Fixture {
    #[track_caller]
    fn new(language: &str, text: &str) -> Self {
        let offset = text.find("$0").expect("the fixture has a $0");
        let snapshot = Snapshot::new(Language::from_id(language), &text.replacen("$0", "", 1));
        Self { snapshot, offset }
    }

    fn accept(&self, completion: &Completion) -> String {
        let mut text = self.snapshot.text();
        text.replace_range(completion.range.clone(), &completion.text);
        text
    }

    /// Streams `generated` in pieces of `size` characters and returns what the stop condition kept.
    fn stream(&self, generated: &str, size: usize) -> String {
        let mut stop = StopCondition::new(mode(&self.snapshot, self.offset), &self.snapshot, self.offset);
        let chars: Vec<char> = generated.chars().collect();
        for piece in chars.chunks(size) {
            if stop.push(&piece.iter().collect::<String>()) == ControlFlow::Break(()) {
                break;
            }
        }
        stop.text().to_owned()
    }

    /// Completes with a model that writes `generated`; the size of its pieces must not matter.
    #[track_caller]
    fn complete(&self, generated: &str) -> Result<Completion, Reason> {
        let kept = self.stream(generated, usize::MAX);
        for size in [1, 3, 7] {
            assert_eq!(self.stream(generated, size), kept, "in pieces of {size} characters");
        }
        finish(&self.snapshot, self.offset, &kept)
    }
}

/// Completes at the `$0` of `text` with a model that writes `generated`, and compares the text after accepting.
#[track_caller]
fn check(language: &str, text: &str, generated: &str, expected: &str) {
    let fixture = Fixture::new(language, text);
    match fixture.complete(generated) {
        Ok(completion) => assert_eq!(fixture.accept(&completion), expected),
        Err(reason) => panic!("silent: {reason}"),
    }
}

/// Checks each row of language, text, what the model writes, and the text after accepting.
#[track_caller]
fn check_all(rows: &[(&str, &str, &str, &str)]) {
    for (language, text, generated, expected) in rows {
        check(language, text, generated, expected);
    }
}

/// Completes like [`check`] and compares the reason why nothing is shown.
#[track_caller]
fn check_silent(language: &str, text: &str, generated: &str, expected: Reason) {
    let fixture = Fixture::new(language, text);
    match fixture.complete(generated) {
        Ok(completion) => panic!("shows {:?}", completion.text),
        Err(reason) => assert_eq!(reason, expected),
    }
}
