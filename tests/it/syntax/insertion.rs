//! Whether a text fits into a document, in each language that is parsed.

use infill_ls::syntax::Insertion;
use infill_ls::text::{Language, Snapshot};

/// A language, the text before and after the cursor, what fits there and what does not.
const ROWS: &[(&str, &str, &str, &str, &str)] = &[
    ("python", "x = ", "\n", "1", "1 +* 2"),
    ("rust", "fn f() {\n    let a = ", ";\n}\n", "1", "if if"),
    ("javascript", "const a = ", ";\n", "1", "1 1"),
    ("javascriptreact", "const a = ", ";\n", "<b>x</b>", "<b>x"),
    ("typescript", "const a: ", " = 1;\n", "number", "= ="),
    ("typescriptreact", "const a = ", ";\n", "<b>x</b>", "<b>x"),
    ("go", "package a\n\nvar x = ", "\n", "1", "1 1"),
    ("java", "class A {\n    int a = ", ";\n}\n", "1", "1 1"),
    ("c", "int a = ", ";\n", "1", "1 1"),
    ("cpp", "int a = ", ";\n", "f<int>(1)", "1 1"),
    ("csharp", "class A {\n    int a = ", ";\n}\n", "1", "1 1"),
    ("ruby", "x = ", "\ny = 2\n", "1", "1 = = 2"),
    ("php", "<?php\n$x = ", ";\n", "1", "1 1"),
    ("lua", "local x = ", "\n", "1", "= 1"),
    ("shellscript", "if true; then\n  x=", "\nfi\n", "1", "$(("),
    ("json", "{\"a\": ", "}\n", "1", "1 2"),
    ("jsonc", "{\"a\": ", "}\n", "1 /* one */", "1 2"),
    ("yaml", "a: ", "\nb: 2\n", "1", "[1, }"),
    ("toml", "a = ", "\nb = 2\n", "1", "= 1"),
    ("html", "<p>", "</p>\n", "<b>x</b>", "<b =\"x>"),
    ("css", "a { color: ", "; }\n", "red", "{ {"),
];

fn new_errors(language: &str, before: &str, after: &str, text: &str) -> Option<usize> {
    let snapshot = Snapshot::new(Language::from_id(language), &format!("{before}{after}"));
    Insertion::at(&snapshot, before.len())?.new_errors(text, 0, false)
}

#[test]
fn each_grammar_tells_what_fits() {
    let wrong: Vec<String> = ROWS
        .iter()
        .filter_map(|&(language, before, after, good, bad)| {
            let of = |text| new_errors(language, before, after, text);
            let told = (of(good), of(bad));
            let is_right = told.0 == Some(0) && told.1.is_some_and(|errors| 0 < errors);
            (!is_right).then(|| format!("{language}: {told:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn any_text_fits_into_markdown_and_into_what_has_no_grammar() {
    assert_eq!(new_errors("markdown", "- a ", "\n", "(`b"), Some(0));
    assert_eq!(new_errors("haskell", "x = ", "\n", "(1"), None);
}

#[test]
fn errors_that_were_there_are_not_counted() {
    assert_eq!(new_errors("rust", "fn g( {\n}\n\nfn f() {\n    let a = ", ";\n}\n", "1"), Some(0));
    assert_eq!(new_errors("python", "x = = 3\n\n\ny = ", "\n", "4"), Some(0));
    assert_eq!(new_errors("javascript", "f(;\n\nconst a = ", "\n", "4;"), Some(0));
    assert_eq!(new_errors("go", "package a\n\nvar x = 1 1\n\nvar y = ", "\n", "4"), Some(0));
}

#[test]
fn a_file_that_the_grammar_does_not_know_is_not_judged() {
    let unknown = "int a;\n@@\nint b;\n@@\nint c;\n@@\nint d;\n@@\nint e = ";
    assert_eq!(new_errors("c", unknown, ";\n", "1 1"), None);
}

#[test]
fn replaced_text_is_not_parsed() {
    let snapshot = Snapshot::new(Language::from_id("rust"), "fn f() {\n    g();\n}\n");
    let place = Insertion::at(&snapshot, "fn f() {\n    g(".len()).unwrap();
    assert_eq!(place.new_errors("1)", 1, false), Some(0));
    assert_ne!(place.new_errors("1)", 0, false), Some(0));
}
