//! Suggestions that are typed along.

use infill_ls::complete::{Cache, Completion, interpolate};

use super::Fixture;

const DOCUMENT: u64 = 1;

/// Remembers `suggestion` for the first fixture and asks at the second.
#[track_caller]
fn check(first: &str, suggestion: &str, then: &str, expected: Option<&str>) {
    let (old, new) = (Fixture::new("python", first), Fixture::new("python", then));
    let completion = Completion { range: old.offset..old.offset, text: suggestion.to_owned() };
    let mut cache = Cache::new();
    cache.remember(DOCUMENT, &old.snapshot, old.offset, std::slice::from_ref(&completion));
    let found = cache.lookup(DOCUMENT, &new.snapshot, new.offset).map(|found| new.accept(&found[0]));
    assert_eq!(found.as_deref(), expected);
    let carried = interpolate(&completion, &old.snapshot, old.offset, &new.snapshot, new.offset);
    assert_eq!(carried.map(|carried| new.accept(&carried)).as_deref(), expected);
}

#[test]
fn typed_along() {
    check("x = $0\n", "price + tax", "x = $0\n", Some("x = price + tax\n"));
    check("x = $0\n", "price + tax", "x = pri$0\n", Some("x = price + tax\n"));
    check("x = $0\n", "größe", "x = grö$0\n", Some("x = größe\n"));
    check(
        "def f():\n$0\n",
        "    a = 1\n    return a",
        "def f():\n    a = 1\n   $0\n",
        Some("def f():\n    a = 1\n    return a\n"),
    );
}

#[test]
fn something_else_typed() {
    check("x = $0\n", "price + tax", "x = q$0\n", None);
    check("x = $0\n", "price", "x = price$0\n", None);
    check("x = $0\n", "price", "y = p$0\n", None);
}

#[test]
fn the_text_after_counts() {
    check("x = $0\ny = 1\n", "price", "x = p$0\ny = 2\n", None);
    check("f($0)\n", "price", "f(p$0, q)\n", None);
}

#[test]
fn a_bracket_that_the_editor_closed() {
    check("x = $0\n", "len(items) + 1", "x = len($0)\n", Some("x = len(items) + 1\n"));
    check("f($0)\n", "'name', 1", "f('$0')\n", Some("f('name', 1)\n"));
    check("x = $0\n", "len(items)", "x = len($0]\n", None);
}

#[test]
fn taken_back() {
    let mut cache = Cache::new();
    let at = |text: &str| Fixture::new("python", text);
    let first = at("x = $0\n");
    cache.remember(
        DOCUMENT,
        &first.snapshot,
        first.offset,
        &[Completion { range: 4..4, text: "price".to_owned() }],
    );
    for (text, left) in [("x = pri$0\n", Some("ce")), ("x = p$0\n", Some("rice")), ("x =$0\n", None)] {
        let now = at(text);
        assert_eq!(
            cache.lookup(DOCUMENT, &now.snapshot, now.offset).map(|c| c[0].text.clone()).as_deref(),
            left
        );
    }
}

#[test]
fn of_several_candidates_those_that_agree_are_left() {
    let mut cache = Cache::new();
    let first = Fixture::new("python", "x = $0\n");
    let candidates =
        ["price", "a + b", "product"].map(|text| Completion { range: 4..4, text: text.to_owned() });
    cache.remember(DOCUMENT, &first.snapshot, first.offset, &candidates);
    for (text, left) in
        [("x = pr$0\n", vec!["ice", "oduct"]), ("x = a$0\n", vec![" + b"]), ("x = b$0\n", vec![])]
    {
        let now = Fixture::new("python", text);
        let found = cache.lookup(DOCUMENT, &now.snapshot, now.offset).unwrap_or_default();
        assert_eq!(found.iter().map(|c| c.text.as_str()).collect::<Vec<_>>(), left);
    }
}

#[test]
fn other_documents_and_closed_ones() {
    let mut cache = Cache::new();
    let here = Fixture::new("python", "x = $0\n");
    cache.remember(
        DOCUMENT,
        &here.snapshot,
        here.offset,
        &[Completion { range: 4..4, text: "price".to_owned() }],
    );
    assert_eq!(cache.lookup(2, &here.snapshot, here.offset), None);
    assert!(cache.lookup(DOCUMENT, &here.snapshot, here.offset).is_some());
    cache.forget(DOCUMENT);
    assert_eq!(cache.lookup(DOCUMENT, &here.snapshot, here.offset), None);
}

#[test]
fn holds_the_recent_ones_only() {
    let mut cache = Cache::new();
    let fixtures: Vec<Fixture> = (0..200).map(|i| Fixture::new("python", &format!("x{i} = $0\n"))).collect();
    for fixture in &fixtures {
        let completion = Completion { range: fixture.offset..fixture.offset, text: "price".to_owned() };
        cache.remember(DOCUMENT, &fixture.snapshot, fixture.offset, &[completion]);
    }
    let (first, last) = (&fixtures[0], &fixtures[199]);
    assert_eq!(cache.lookup(DOCUMENT, &first.snapshot, first.offset), None);
    assert!(cache.lookup(DOCUMENT, &last.snapshot, last.offset).is_some());
}
