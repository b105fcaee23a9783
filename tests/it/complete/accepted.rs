//! Where somebody goes on who accepts a suggestion and presses Enter.

use infill_ls::complete::{Completion, accepted};

use super::Fixture;

/// Accepts `suggested` at the `$0` of `text`, replacing the rest of the line, and marks where the next one is expected.
#[track_caller]
fn next(language: &str, text: &str, suggested: &str) -> Option<String> {
    let fixture = Fixture::new(language, text);
    let rest = fixture.snapshot.line_end(fixture.snapshot.line_of(fixture.offset));
    let completion = Completion { range: fixture.offset..rest, text: suggested.into() };
    let (snapshot, cursor) = accepted(&fixture.snapshot, &completion)?;
    let mut text = snapshot.text();
    text.insert_str(cursor, "$0");
    Some(text)
}

#[test]
fn it_is_a_new_line_with_the_indentation_of_the_last_or_a_step_more_in_a_block() {
    let cases = [
        ("python", "if a:\n    total = $0\nend()\n", "1", "if a:\n    total = 1\n    $0\nend()\n"),
        ("python", "if a:\n  b()\n  if $0\n", "b:", "if a:\n  b()\n  if b:\n    $0\n"),
        ("rust", "fn a() {\n    let b = $0;\n}\n", "1;", "fn a() {\n    let b = 1;\n    $0\n}\n"),
        ("go", "func a() {\n\tb()\n\tif c $0\n}\n", "{", "func a() {\n\tb()\n\tif c {\n\t\t$0\n}\n"),
        ("javascript", "f($0\r\n", "1);\r\ng();", "f(1);\r\ng();\r\n$0\r\n"),
    ];
    for (language, text, suggested, expected) in cases {
        assert_eq!(next(language, text, suggested).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn nothing_is_foreseen_where_the_line_goes_on_or_is_blank() {
    let fixture = Fixture::new("python", "f($0)\n");
    let completion = Completion { range: fixture.offset..fixture.offset, text: "a".into() };
    assert!(accepted(&fixture.snapshot, &completion).is_none());
    assert_eq!(next("python", "if a:\n    $0\n", "\n    "), None);
}
