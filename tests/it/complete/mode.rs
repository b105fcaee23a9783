//! Where a line and where a block is asked for.

use infill_ls::complete::{Mode, mode};

use super::Fixture;

#[track_caller]
fn check(language: &str, text: &str, expected: Mode) {
    let fixture = Fixture::new(language, text);
    assert_eq!(mode(&fixture.snapshot, fixture.offset), expected, "{text}");
}

#[test]
fn an_empty_body_is_a_block() {
    check("python", "def f(x):\n    $0\n", Mode::Block);
    check("python", "for x in xs:  # all of them\n    $0\nprint()\n", Mode::Block);
    check("python", "if x:\n    $0\nelse:\n    y()\n", Mode::Block);
    check("rust", "fn f() {\n    $0\n}\n", Mode::Block);
    check("rust", "match x {\n    $0\n}\n", Mode::Block);
    check("typescript", "call(\n  $0\n);\n", Mode::Block);
    check("go", "if err != nil {\n\t$0\n}\n", Mode::Block);
    check("lua", "if x then\n  $0\nend\n", Mode::Block);
    check("ruby", "def f(x)\n  $0\nend\n", Mode::Block);
}

#[test]
fn a_body_that_has_something_lacks_a_line() {
    check("python", "def f(x):\n    $0\n    return x\n", Mode::Line);
    check("python", "for x in xs:\n    $0\n        y()\n", Mode::Line);
    check("rust", "fn f() {\n    $0\n    g();\n}\n", Mode::Line);
    check("go", "func f() {\n\tx()\n\t$0\n\ty()\n}\n", Mode::Line);
    check("typescript", "call(\n  a,\n  $0\n);\n", Mode::Line);
}

#[test]
fn the_end_of_a_function_is_a_block() {
    check("go", "func f() {\n\tx()\n\t$0\n}\n", Mode::Block);
    check("python", "def f(x):\n    y = x\n    $0\n\n\ndef g():\n    pass\n", Mode::Block);
    check("rust", "impl A {\n    fn f() {\n        a();\n        $0\n    }\n}\n", Mode::Block);
    check(
        "java",
        "class A {\n    int f() {\n        if (a) {\n            b();\n            $0\n        }\n    }\n}\n",
        Mode::Block,
    );
    // The end of a class or of a list is none.
    check("python", "class A:\n    x = 1\n    $0\n", Mode::Line);
    check("rust", "struct A {\n    x: i32,\n    $0\n}\n", Mode::Line);
    check("json", "{\n  \"a\": 1,\n  $0\n}\n", Mode::Line);
    check("markdown", "- a (b):\n  - c\n  $0\n", Mode::Line);
}

#[test]
fn text_beside_the_cursor_asks_for_its_line() {
    check("python", "def f(x):\n    return $0\n", Mode::Line);
    check("python", "def f(x):$0\n", Mode::Line);
    check("rust", "fn f() { $0 }\n", Mode::Line);
    check("go", "func f() {\n\t$0return\n}\n", Mode::Line);
}

#[test]
fn comments_that_ask_for_code() {
    check("python", "x = 1\n\n# Read all lines of the file.\n$0\n", Mode::Block);
    check("python", "def f():\n    # Read all lines of the file.\n    $0\n", Mode::Block);
    check("rust", "fn f() {\n    // Read the file.\n    $0\n}\n", Mode::Block);
    check("go", "// Sum returns the sum of all values.\n$0\n\nfunc g() {}\n", Mode::Block);
}

#[test]
fn comments_that_do_not() {
    // A heading.
    check("python", "# ---- Constants ----\n$0\n", Mode::Line);
    // The code it speaks of is there.
    check("python", "# Read all lines of the file.\n$0\nread_lines(path)\n", Mode::Line);
    // A note inside running code.
    check(
        "python",
        "def f():\n    a = 1\n    # Then add the rest of it.\n    $0\n    return a\n",
        Mode::Line,
    );
    check("markdown", "The following things:\n$0\n", Mode::Line);
}

#[test]
fn a_head_of_several_lines() {
    check("python", "def f(\n    a,\n    b,\n) -> int:\n    $0\n", Mode::Block);
    check("python", "if (a and\n        b):\n    $0\nelse:\n    c()\n", Mode::Block);
}
