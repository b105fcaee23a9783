//! Documents as editors change them: every encoding, every line ending, what is refused, and sizes that nobody expects.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use cpu_time::ThreadTime;
use infill_ls::text::{
    Change, ChangeError, Document, Language, Position, PositionEncoding, Snapshot, TextEdit,
};
use proptest::prelude::*;

use PositionEncoding::{Utf8, Utf16, Utf32};

fn at(line: u32, character: u32) -> Position {
    Position { line, character }
}

fn change(start: Position, end: Position, text: &str) -> Change {
    Change { range: Some((start, end)), text: text.to_owned() }
}

fn open(text: &str) -> Document {
    Document::open(Language::PLAIN, 1, text)
}

fn snapshot(text: &str) -> Snapshot {
    Snapshot::new(Language::PLAIN, text)
}

/// The text after one change in the given encoding.
#[track_caller]
fn check_change(text: &str, encoding: PositionEncoding, edit: Change, expected: &str) {
    let mut document = open(text);
    document.apply(2, &[edit], encoding).unwrap();
    assert_eq!(document.snapshot().text(), expected);
    assert_eq!(document.version(), 2);
}

/// A refused change leaves text and version alone, whatever else came with it.
#[track_caller]
fn check_refused(text: &str, version: i32, edit: Change, expected: &str) -> ChangeError {
    let mut document = open(text);
    let fine = change(at(0, 0), at(0, 0), "X");
    let error = document.apply(version, &[fine, edit], Utf16).unwrap_err();
    assert_eq!(document.snapshot().text(), text);
    assert_eq!(document.version(), 1);
    assert!(error.to_string().contains(expected), "{error}");
    assert!(error.to_string().contains("open it again"), "{error}");
    error
}

/// The `$0` of the fixture lies at these positions, and each of them leads back to it.
#[track_caller]
fn check_positions(fixture: &str, utf8: Position, utf16: Position, utf32: Position) {
    let offset = fixture.find("$0").unwrap();
    let snapshot = snapshot(&fixture.replace("$0", ""));
    for (encoding, position) in [(Utf8, utf8), (Utf16, utf16), (Utf32, utf32)] {
        assert_eq!(snapshot.position(offset, encoding), position, "{encoding:?}");
        assert_eq!(snapshot.offset(position, encoding), offset, "{encoding:?}");
    }
}

#[test]
fn a_column_counts_in_the_units_of_its_encoding() {
    check_positions("a$0b", at(0, 1), at(0, 1), at(0, 1));
    check_positions("naïve$0", at(0, 6), at(0, 5), at(0, 5));
    check_positions("x = '👩‍🚀$0'", at(0, 16), at(0, 10), at(0, 8));
    check_positions("一\r\n二𐐀$0三", at(1, 7), at(1, 3), at(1, 2));
    check_positions("e\u{301}$0", at(0, 3), at(0, 2), at(0, 2));
}

#[test]
fn lines_end_at_newline_return_and_both_together_and_at_nothing_else() {
    let text = "a\nb\r\nc\rd\u{b}e\u{c}f\u{85}g\u{2028}h\u{2029}i";
    let snapshot = snapshot(text);
    let lines: Vec<String> = (0..snapshot.line_count()).map(|line| snapshot.line(line)).collect();
    assert_eq!(lines, ["a", "b", "c", "d\u{b}e\u{c}f\u{85}g\u{2028}h\u{2029}i"]);
    assert_eq!(snapshot.line_end(1), 3);
    assert_eq!(snapshot.line_start(2), 5);
}

#[test]
fn a_last_line_end_begins_an_empty_line() {
    for text in ["a\n", "a\r\n", "a\r"] {
        let snapshot = snapshot(text);
        assert_eq!(snapshot.line_count(), 2);
        assert_eq!(snapshot.line(1), "");
        assert_eq!(snapshot.position(text.len(), Utf16), at(1, 0));
    }
}

#[test]
fn lookups_clamp() {
    let text = "héllo\r\nw😀\r";
    let snapshot = snapshot(text);
    for encoding in [Utf8, Utf16, Utf32] {
        assert_eq!(snapshot.offset(at(0, 99), encoding), 6, "a column beyond the line is its end");
        assert_eq!(snapshot.offset(at(0, u32::MAX), encoding), 6);
        assert_eq!(snapshot.offset(at(9, 0), encoding), text.len(), "a line beyond the text is its end");
        assert_eq!(snapshot.offset(at(u32::MAX, u32::MAX), encoding), text.len());
        assert_eq!(snapshot.position(999, encoding), at(2, 0));
        assert_eq!(
            snapshot.position(7, encoding),
            snapshot.position(6, encoding),
            "between return and newline is before both"
        );
    }
    assert_eq!(snapshot.offset(at(1, 2), Utf16), 9, "the second half of a surrogate pair is its character");
    assert_eq!(snapshot.offset(at(1, 4), Utf8), 9, "the middle of a byte sequence is its character");
    assert_eq!(snapshot.position(11, Utf16), at(1, 1));
    assert_eq!(snapshot.slice(2..11), "éllo\r\nw");
    assert_eq!(snapshot.slice(0..999), text);
    assert_eq!(snapshot.slice(Range { start: 5, end: 2 }), "");
    assert_eq!(snapshot.line(9), "");
    assert_eq!((snapshot.line_start(9), snapshot.line_end(9)), (text.len(), text.len()));
    assert_eq!(snapshot.line_of(999), 2);
}

#[test]
fn changes_land_where_the_encoding_says() {
    check_change("😀x", Utf16, change(at(0, 2), at(0, 3), "y"), "😀y");
    check_change("😀x", Utf8, change(at(0, 4), at(0, 5), "y"), "😀y");
    check_change("😀x", Utf32, change(at(0, 1), at(0, 2), "y"), "😀y");
    check_change("a😀b", Utf16, change(at(0, 2), at(0, 2), "-"), "a-😀b");
    check_change("a\r\nb\r\nc", Utf16, change(at(0, 1), at(1, 1), ""), "a\r\nc");
    check_change("a\rb\rc", Utf16, change(at(1, 0), at(2, 0), ""), "a\rc");
    check_change("a\r\nb", Utf16, change(at(0, 99), at(0, 99), "!"), "a!\r\nb");
    check_change("a\0b", Utf16, change(at(0, 2), at(0, 3), "\0c"), "a\0\0c");
}

#[test]
fn the_whole_text_is_replaced_without_a_range_or_with_one_to_the_line_after_the_last() {
    check_change("a\nb", Utf16, Change { range: None, text: "new\n".to_owned() }, "new\n");
    check_change("a\nb", Utf16, change(at(0, 0), at(2, 0), "new"), "new");
    check_change("", Utf16, change(at(0, 0), at(0, 0), "new"), "new");
}

#[test]
fn each_change_applies_to_what_the_one_before_it_left() {
    let mut document = open("ab");
    let changes =
        [change(at(0, 1), at(0, 1), "\r"), change(at(1, 0), at(1, 0), "\n"), change(at(1, 0), at(1, 1), "c")];
    document.apply(7, &changes, Utf16).unwrap();
    assert_eq!(document.snapshot().text(), "a\r\nc");
}

#[test]
fn a_snapshot_keeps_the_text_it_was_taken_of() {
    let mut document = Document::open(Language::from_id("rust"), 1, "old");
    let before = document.snapshot();
    document.apply(2, &[change(at(0, 0), at(0, 3), "new")], Utf16).unwrap();
    assert_eq!((before.text(), before.version()), ("old".to_owned(), 1));
    assert_eq!(document.snapshot().version(), 2);
    assert_eq!(document.snapshot().language().name(), "Rust");
}

#[test]
fn a_change_that_does_not_fit_is_refused_whole() {
    let insert = change(at(0, 0), at(0, 0), "y");
    let error = check_refused("a", 1, insert.clone(), "version 1 came after version 1");
    assert_eq!(error, ChangeError::OutOfOrder { current: 1, change: 1 });
    check_refused("a", -3, insert, "version -3 came after");
    check_refused("a\nb", 2, change(at(2, 0), at(2, 0), "y"), "line 3, but the document has 2 lines");
    check_refused("a\nb", 2, change(at(0, 0), at(2, 1), "y"), "line 3");
    check_refused("a\nb", 2, change(at(0, 0), at(u32::MAX, 0), "y"), "line 4294967296");
    check_refused("a\nb", 2, change(at(1, 1), at(0, 0), "y"), "before its start at 2:2");
}

#[test]
fn the_line_ending_is_the_one_used_most() {
    for (text, expected) in
        [("", "\n"), ("a\nb\r\nc\r\n", "\r\n"), ("a\rb\rc\n", "\r"), ("a\nb\nc\r\n", "\n")]
    {
        assert_eq!(snapshot(text).line_ending(), expected, "{text:?}");
    }
    assert_eq!(snapshot(&"12345\r\n".repeat(50_000)).line_ending(), "\r\n");
}

/// What a hundred edits take must not depend on the size of the text; a scan for each would take minutes here.
#[track_caller]
fn check_edits_are_quick(text: &str, line: u32, column: u32) {
    let mut document = open(text);
    let begun = ThreadTime::now();
    for edit in 0..100 {
        let place = at(line, column + edit as u32);
        document.apply(edit + 2, &[change(place, place, "é")], Utf16).unwrap();
        let snapshot = document.snapshot();
        let offset = snapshot.offset(place, Utf16);
        assert_eq!(snapshot.position(offset, Utf16), place);
        assert_eq!(snapshot.slice(offset..offset + 2), "é");
        assert_eq!(snapshot.line_ending(), "\n");
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[test]
fn fifty_megabytes_are_edited_without_being_read() {
    check_edits_are_quick(&"let x = 'ü😀' + 12345678;\n".repeat(1_850_000), 1_000_000, 5);
}

#[test]
fn a_line_of_a_million_characters_is_edited_without_being_read() {
    check_edits_are_quick(&"ab😀d".repeat(250_000), 0, 600_000);
}

#[test]
fn languages_are_told_by_identifier_and_by_file() {
    for (id, name) in
        [("python", "Python"), ("sh", "Shell"), ("bash", "Shell"), ("RUST", "Rust"), ("cs", "C#")]
    {
        assert_eq!(Language::from_id(id).name(), name);
    }
    for (path, id) in [
        ("src/main.rs", "rust"),
        ("a/b.test.TSX", "typescriptreact"),
        ("Makefile", "makefile"),
        ("x/Dockerfile", "dockerfile"),
        ("CMakeLists.txt", "cmake"),
        ("notes.txt", "plaintext"),
        ("no_extension", "plaintext"),
        ("", "plaintext"),
    ] {
        assert_eq!(Language::from_path(Path::new(path)).id(), id, "{path}");
    }
    assert_eq!(Language::from_id("klingon"), Language::PLAIN);
    assert_eq!(Language::from_id("lua").line_comment(), Some("--"));
    assert_eq!(Language::from_id("css").line_comment(), None);
    assert_eq!(Language::from_id("html").block_comment(), Some(("<!--", "-->")));
}

#[test]
fn an_edit_clamps_to_the_text_and_its_characters() {
    let edit = |range, text: &str| TextEdit { range, text: text.to_owned() }.apply("a😀b");
    assert_eq!(edit(1..5, "x"), "axb");
    assert_eq!(edit(3..5, "x"), "axb");
    assert_eq!(edit(99..100, "x"), "a😀bx");
    assert_eq!(edit(Range { start: 5, end: 1 }, "x"), "a😀xb");
}

/// The same document as a plain string, searched from its start each time.
struct Model(String);

impl Model {
    /// The starts and ends of all lines.
    fn lines(&self) -> Vec<(usize, usize)> {
        let (bytes, mut lines, mut start, mut index) = (self.0.as_bytes(), Vec::new(), 0, 0);
        while index < bytes.len() {
            let width = match (bytes[index], bytes.get(index + 1)) {
                (b'\r', Some(b'\n')) => 2,
                (b'\r' | b'\n', _) => 1,
                _ => 0,
            };
            if 0 < width {
                lines.push((start, index));
                start = index + width;
            }
            index += width.max(1);
        }
        lines.push((start, bytes.len()));
        lines
    }

    fn offset(&self, position: Position, encoding: PositionEncoding) -> usize {
        let (start, end) = self.lines()[position.line as usize];
        let mut units = 0;
        for (index, character) in self.0[start..end].char_indices() {
            units += match encoding {
                Utf8 => character.len_utf8(),
                Utf16 => character.len_utf16(),
                Utf32 => 1,
            };
            if (position.character as usize) < units {
                return start + index;
            }
        }
        end
    }
}

fn any_text() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop::sample::select(vec!["a", "é", "一", "😀", "\n", "\r", "\r\n", "\0", "\u{2028}", " "]),
        0..40,
    )
    .prop_map(|parts| parts.concat())
}

fn any_encoding() -> impl Strategy<Value = PositionEncoding> {
    prop::sample::select(vec![Utf8, Utf16, Utf32])
}

proptest! {
    #[test]
    fn edits_do_what_they_do_to_a_string(
        text in any_text(),
        encoding in any_encoding(),
        edits in prop::collection::vec((any::<u16>(), 0_u32..12, 0_u32..3, 0_u32..12, any_text()), 1..8),
    ) {
        let (mut document, mut model) = (open(&text), Model(text));
        for (version, (line, column, further, end_column, new)) in (2..).zip(edits) {
            let lines = model.lines().len() as u32;
            let start = at(u32::from(line) % lines, column);
            let end = at((start.line + further).min(lines - 1), end_column).max(start);
            let (from, to) = (model.offset(start, encoding), model.offset(end, encoding));
            document.apply(version, &[change(start, end, &new)], encoding).unwrap();
            model.0.replace_range(from..to, &new);

            let snapshot = document.snapshot();
            prop_assert_eq!(snapshot.text(), model.0.clone());
            let found = (0..snapshot.line_count()).map(|line| (snapshot.line_start(line), snapshot.line_end(line)));
            prop_assert_eq!(found.collect::<Vec<_>>(), model.lines());
        }
    }

    #[test]
    fn a_position_leads_back_to_its_offset(text in any_text(), encoding in any_encoding(), offset in 0_usize..120) {
        let (snapshot, model) = (snapshot(&text), Model(text));
        let position = snapshot.position(offset, encoding);
        let back = snapshot.offset(position, encoding);
        prop_assert!(back <= offset);
        prop_assert_eq!(back, model.offset(position, encoding));
        prop_assert_eq!(snapshot.position(back, encoding), position);
    }
}
