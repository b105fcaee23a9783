//! Which part of the file the model reads.

use std::cell::Cell;

use infill_ls::complete::{Budget, Prompt, TokenCount, prompt};

use super::Fixture;

/// A model whose tokens are bytes; it keeps count of what it was given to read.
#[derive(Default)]
struct Bytes {
    calls: Cell<usize>,
    read: Cell<usize>,
}

impl TokenCount for Bytes {
    fn count(&self, text: &str) -> usize {
        self.calls.set(self.calls.get() + 1);
        self.read.set(self.read.get() + text.len());
        text.len()
    }
}

fn cut(language: &str, text: &str, prefix_tokens: usize, suffix_tokens: usize) -> Prompt {
    let fixture = Fixture::new(language, text);
    let budget = Budget { prefix_tokens, suffix_tokens };
    let anchored = prompt(&fixture.snapshot, fixture.offset, Some("a.py"), &budget, &Bytes::default());
    // What matters here is what stands before the cursor, not where the anchor is.
    let Prompt { prefix, typed, .. } = &anchored.prompt;
    Prompt { prefix: format!("{prefix}{typed}"), typed: String::new(), ..anchored.prompt.clone() }
}

#[test]
fn a_file_that_fits_is_there_whole() {
    let got = cut("python", "a = 1\nb = $0\nc = 3\n", 100, 100);
    let expected = Prompt {
        context: None,
        path: Some("a.py".into()),
        requirement: None,
        prefix: "a = 1\nb = ".into(),
        typed: String::new(),
        suffix: "\nc = 3\n".into(),
    };
    assert_eq!(got, expected);
}

#[test]
fn cut_at_the_borders_of_lines() {
    let got = cut("python", "a = 1\nb = 2\nc = $0\nd = 4\ne = 5\n", 12, 9);
    assert_eq!((got.prefix.as_str(), got.suffix.as_str()), ("b = 2\nc = ", "\nd = 4\n"));
}

#[test]
fn never_more_than_the_budget() {
    let line = "value = compute(value, 10)\n";
    let text = format!("{}$0\n{}", line.repeat(400), line.repeat(400));
    for tokens in [1, 10, 27, 100, 1000, 5000] {
        let got = cut("python", &text, tokens, tokens);
        assert!(got.prefix.len() <= tokens && got.suffix.len() <= tokens, "{tokens}");
        assert!(
            got.prefix.is_empty() || got.prefix.starts_with('v') || tokens < line.len(),
            "{:?}",
            got.prefix
        );
    }
}

#[test]
fn the_model_sees_newlines_only() {
    let got = cut("python", "a = 1\r\nb = $0\r\nc = 3\r\n", 100, 100);
    assert_eq!((got.prefix.as_str(), got.suffix.as_str()), ("a = 1\nb = ", "\nc = 3\n"));
}

#[test]
fn a_line_without_end_is_cut_near_the_cursor() {
    let half = "größe+".repeat(100_000);
    let got = cut("python", &format!("{half}$0{half}"), 100, 50);
    assert!(half.ends_with(&got.prefix) && half.starts_with(&got.suffix));
    assert!((80..=100).contains(&got.prefix.len()) && (35..=50).contains(&got.suffix.len()), "{got:?}");
}

#[test]
fn the_cut_stays_while_typing() {
    let before = "value = compute(value, 10)\n".repeat(200);
    let first = |typed: &str| {
        let got = cut("python", &format!("{before}{typed}$0\n"), 1000, 100);
        got.prefix.strip_suffix(typed).unwrap().to_owned()
    };
    let start = first("");
    for typed in ["x", "x = 1", "x = 1\ny = 2\n", "x = 1\ny = 2\nprint(x + y)\n"] {
        assert_eq!(first(typed), start, "after {typed:?}");
    }
}

#[test]
fn a_large_document_costs_what_the_budget_says() {
    let half = "value = compute(value, 10)\r\n".repeat(1_000_000);
    let fixture = Fixture::new("plaintext", &format!("{half}$0\r\n{half}"));
    let count = Bytes::default();
    let got = prompt(
        &fixture.snapshot,
        fixture.offset,
        None,
        &Budget { prefix_tokens: 8000, suffix_tokens: 2000 },
        &count,
    );
    assert!(6000 < got.prompt.prefix.len() && 1900 < got.prompt.suffix.len());
    assert!(
        count.read.get() < 30_000 && count.calls.get() < 150,
        "{} bytes in {} calls",
        count.read.get(),
        count.calls.get()
    );
}

#[test]
fn a_requirement_that_the_cut_leaves_out_is_kept() {
    let filler = "    total = step(total)\n".repeat(40);
    let text = format!(
        "import os\n\n# The result must be sorted,\n# without duplicates.\ndef f(xs):\n{filler}    $0\n"
    );
    let got = cut("python", &text, 400, 100);
    let requirement = "# The result must be sorted,\n# without duplicates.\n";
    assert_eq!(got.requirement.as_deref(), Some(requirement));
    assert!(got.prefix.starts_with("    total") && got.prefix_text().len() <= 400, "{got:?}");
    assert!(got.prefix_text().starts_with(requirement));
}

#[test]
fn a_requirement_that_is_in_the_prefix_is_not_said_twice() {
    let got = cut("python", "# The result must be sorted.\ndef f(xs):\n    $0\n", 400, 100);
    assert_eq!(got.requirement, None);
}

#[test]
fn a_requirement_takes_a_share_only() {
    let comment = "# One more thing to know.\n".repeat(40);
    let filler = "    total = step(total)\n".repeat(40);
    let got = cut("python", &format!("{comment}def f(xs):\n{filler}    $0\n"), 400, 100);
    let requirement = got.requirement.unwrap();
    assert!(
        !requirement.is_empty() && requirement.len() <= 100 && requirement.ends_with(".\n"),
        "{requirement:?}"
    );
    assert!(200 < got.prefix.len());
}

fn anchored(text: &str) -> (Fixture, infill_ls::complete::Anchored) {
    let fixture = Fixture::new("python", text);
    let budget = Budget { prefix_tokens: 1000, suffix_tokens: 1000 };
    let anchored = prompt(&fixture.snapshot, fixture.offset, None, &budget, &Bytes::default());
    (fixture, anchored)
}

#[test]
fn the_prefix_ends_where_the_line_begins_and_the_rest_is_what_was_typed() {
    let (_, anchored) = anchored("def f():\n    total = su$0\n    return total\n");
    let Prompt { prefix, typed, suffix, .. } = &anchored.prompt;
    assert_eq!([prefix, typed, suffix], ["def f():\n    ", "total = su", "\n    return total\n"]);
}

#[test]
fn typing_and_deleting_behind_the_anchor_keep_it() {
    let (_, before) = anchored("a = 1\nb = a$0\nc = 3\n");
    for (text, typed) in [
        ("a = 1\nb = a + 1$0\nc = 3\n", "b = a + 1"),
        ("a = 1\n$0\nc = 3\n", ""),
        ("a = 1\nb = a\nbb = $0\nc = 3\n", "b = a\nbb = "),
    ] {
        let now = Fixture::new("python", text);
        let continued = before.continued(&now.snapshot, now.offset).expect(text);
        assert_eq!(
            (continued.prompt.typed.as_str(), &continued.prompt.suffix),
            (typed, &before.prompt.suffix)
        );
        assert_eq!(continued.is_stale(), typed.contains('\n'));
    }
}

#[test]
fn a_change_elsewhere_needs_a_new_anchor() {
    let (_, before) = anchored("a = 1\nb = a$0\nc = 3\n");
    for text in [
        "a = 2\nb = a$0\nc = 3\n",
        "a = 1\nb = a$0\nc = 4\n",
        "a = 1\nb = a\nc = $03\n",
        "a =$0 1\nb = a\nc = 3\n",
        "a = 1\nb = a$0\nc = 3\nd = 4\n",
    ] {
        let now = Fixture::new("python", text);
        assert!(before.continued(&now.snapshot, now.offset).is_none(), "{text}");
    }
    let long = format!("a = 1\nb = a{}$0\nc = 3\n", "+ 1".repeat(200));
    let now = Fixture::new("python", &long);
    assert!(before.continued(&now.snapshot, now.offset).is_none(), "a run without end");
}
