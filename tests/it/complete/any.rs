//! What holds for every text, cursor and model.

use infill_ls::complete::{
    Budget, Cache, Completion, TokenCount, finish, interpolate, mode, prompt, silence,
};
use infill_ls::text::{Language, Snapshot};
use proptest::prelude::*;

use super::Fixture;

struct Words;

impl TokenCount for Words {
    fn count(&self, text: &str) -> usize {
        text.split(' ').count()
    }
}

/// Pieces that the rules look at, in any order.
const PIECES: [&str; 28] = [
    "x",
    "foo(",
    ")",
    "}",
    "{",
    "[",
    "]",
    "\"",
    "'",
    "`",
    "    ",
    "\t",
    "\n",
    "\n",
    "\r\n",
    "else",
    "def f():",
    " = ",
    ";",
    "#",
    "// a b c",
    "/*",
    "\"\"\"",
    "é",
    "😀",
    "<|im_end|>",
    "```",
    "\\",
];

fn code() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&PIECES[..]), 0..24).prop_map(|pieces| pieces.concat())
}

fn fixture() -> impl Strategy<Value = Fixture> {
    let languages =
        prop::sample::select(&["python", "rust", "typescript", "go", "lua", "markdown", "plaintext"][..]);
    (languages, code(), code()).prop_map(|(language, before, after)| {
        let snapshot = Snapshot::new(Language::from_id(language), &format!("{before}{after}"));
        Fixture { snapshot, offset: before.len() }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_suggestion_begins_at_the_cursor_and_stays_on_its_line(fixture in fixture(), generated in code()) {
        let Fixture { snapshot, offset } = &fixture;
        if let Ok(completion) = finish(snapshot, *offset, &generated) {
            let line_end = snapshot.line_end(snapshot.line_of(*offset)).max(*offset);
            prop_assert_eq!(completion.range.start, *offset);
            prop_assert!(completion.range.end <= line_end);
            prop_assert!(!completion.text.trim().is_empty());
        }
    }

    #[test]
    fn the_size_of_the_pieces_does_not_matter(fixture in fixture(), generated in code()) {
        let whole = fixture.stream(&generated, usize::MAX);
        for size in [1, 2, 5] {
            prop_assert_eq!(&fixture.stream(&generated, size), &whole);
        }
    }

    #[test]
    fn what_is_typed_along_ends_in_the_same_text(fixture in fixture(), text in code(), typed in 0usize..40) {
        let Fixture { snapshot, offset } = &fixture;
        let completion = Completion { range: *offset..*offset, text };
        let Some((start, _)) = completion.text.char_indices().nth(typed) else { return Ok(()) };
        let mut newer = snapshot.text();
        newer.insert_str(*offset, &completion.text[..start]);
        let newer = Fixture { snapshot: Snapshot::new(snapshot.language(), &newer), offset: offset + start };
        let mut cache = Cache::new();
        cache.remember(7, snapshot, *offset, std::slice::from_ref(&completion));
        let found = cache.lookup(7, &newer.snapshot, newer.offset).map(|mut found| found.remove(0));
        prop_assert_eq!(&found, &interpolate(&completion, snapshot, *offset, &newer.snapshot, newer.offset));
        if let Some(found) = found {
            prop_assert_eq!(newer.accept(&found), fixture.accept(&completion));
        }
    }

    #[test]
    fn any_offset_and_budget_will_do(fixture in fixture(), offset in 0usize..400, tokens in 0usize..50) {
        let snapshot = &fixture.snapshot;
        let offset = (0..=offset.min(snapshot.len())).rev().find(|&at| snapshot.text().is_char_boundary(at)).unwrap_or(0);
        let _ = (mode(snapshot, offset), silence(snapshot, offset));
        let got = prompt(snapshot, offset, None, &Budget { prefix_tokens: tokens, suffix_tokens: tokens }, &Words);
        let whole = snapshot.text().replace("\r\n", "\n");
        prop_assert!(whole.contains(&got.prompt.prefix) || got.prompt.prefix.contains('\r'));
    }
}
