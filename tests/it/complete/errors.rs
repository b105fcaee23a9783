//! No suggestion brings a syntax error into a file, and a file that is broken already is not held against one.

use infill_ls::complete::Reason;

use super::{check, check_all, check_silent};

#[test]
fn lines_that_break_the_file_are_cut() {
    check_all(&[
        (
            "rust",
            "fn f() {\n    $0\n}\n",
            "let a = 1;\n    let b = a +;\n}\n",
            "fn f() {\n    let a = 1;\n}\n",
        ),
        (
            "java",
            "class A {\n    void f() {\n        $0\n    }\n}\n",
            "int a = 1;\n        int b = * 2;\n    }\n",
            "class A {\n    void f() {\n        int a = 1;\n    }\n}\n",
        ),
        (
            "typescript",
            "function f() {\n  $0\n}\n",
            "const a = 1;\n  const = 2;\n}\n",
            "function f() {\n  const a = 1;\n}\n",
        ),
        ("python", "def f():\n    $0\n", "a = 1\n    b = = 2\n", "def f():\n    a = 1\n"),
    ]);
}

#[test]
fn a_line_that_breaks_the_file_is_not_shown() {
    for (language, text, generated) in [
        ("python", "x = $0\n", "1 +* 2\n"),
        ("rust", "fn f() {\n    let a = $0;\n}\n", "if if\n"),
        ("go", "package a\n\nfunc f() {\n\tx := $0\n}\n", "1 1\n"),
        ("json", "{\n  \"a\": $0\n}\n", "1 2,, 3\n"),
        ("ruby", "x = $0\ny = 2\n", "1 = = 2\n"),
        ("php", "<?php\n$x = $0;\n", "1 1\n"),
        ("toml", "a = $0\nb = 2\n", "= 1\n"),
    ] {
        check_silent(language, text, generated, Reason::SyntaxError);
    }
}

#[test]
fn what_stands_deeper_below_needs_a_head() {
    for (language, text, generated) in [
        ("python", "while True:\n    if n:\n        n -= 1\n    $0\n        return n\n", "return 1\n"),
        ("python", "def f(n):\n    $0\n        if n:\n            return n\n", "return n - 1\n"),
        ("yaml", "a:\n$0\n  c: 2\n", "b: 1\n"),
    ] {
        check_silent(language, text, generated, Reason::SyntaxError);
    }
    check_all(&[
        (
            "python",
            "while True:\n    n -= 1\n    $0\n        return n\n",
            "if n == 0:\n",
            "while True:\n    n -= 1\n    if n == 0:\n        return n\n",
        ),
        ("python", "f(\n    a,\n    $0\n        c,\n)\n", "b,\n", "f(\n    a,\n    b,\n        c,\n)\n"),
        ("python", "x = 1\n$0\n    # deep\ny = 2\n", "z = 3\n", "x = 1\nz = 3\n    # deep\ny = 2\n"),
        ("python", "x = 1\n$0\n    b)\n", "z = (a,\n", "x = 1\nz = (a,\n    b)\n"),
        ("python", "$0\n    '''\ny = 1\n", "z = '''\n", "z = '''\n    '''\ny = 1\n"),
        ("python", "x = 1\n$0\n    + 2\n", "z = 3 \\\n", "x = 1\nz = 3 \\\n    + 2\n"),
        ("yaml", "a: 1\n$0\n  c: 2\n", "b:\n", "a: 1\nb:\n  c: 2\n"),
        ("yaml", "a: 1\n$0\n  c\n", "b: >\n", "a: 1\nb: >\n  c\n"),
    ]);
}

#[test]
fn what_follows_on_the_line_must_still_be_code() {
    for (language, text, generated) in [
        ("python", "def f(number):\n    return $00\n", "number - int(number)\n"),
        ("javascript", "const a = $00;\n", "f(1)\n"),
        ("rust", "fn f() {\n    let a = $00;\n}\n", "g(1)\n"),
        ("go", "package a\n\nvar b = $00\n", "f(1)\n"),
    ] {
        check_silent(language, text, generated, Reason::SyntaxError);
    }
}

#[test]
fn errors_elsewhere_do_not_count() {
    check(
        "rust",
        "fn g( {\n}\n\nfn f() {\n    let a = $0\n}\n",
        "1;\n",
        "fn g( {\n}\n\nfn f() {\n    let a = 1;\n}\n",
    );
    check("python", "x = = 3\n\n\ny = $0\n", "4\n", "x = = 3\n\n\ny = 4\n");
    check("javascript", "f(;\n\nconst a = $0\n", "4;\n", "f(;\n\nconst a = 4;\n");
    // C++ in a header that its editor calls C.
    check(
        "c",
        "template <typename T> class A {\npublic:\n  A() : x{1} {}\n  template <class U> auto f(U &&u) -> T;\n};\n\nnamespace b {\nusing A<int>::f;\nint x = $0;\n}\n",
        "f<int>(1)\n",
        "template <typename T> class A {\npublic:\n  A() : x{1} {}\n  template <class U> auto f(U &&u) -> T;\n};\n\nnamespace b {\nusing A<int>::f;\nint x = f<int>(1);\n}\n",
    );
}

#[test]
fn what_the_user_left_open_may_stay_open() {
    check("python", "print(f($0\n", "a\n", "print(f(a\n");
    check("rust", "fn f() {\n    let a = g($0\n}\n", "1\n", "fn f() {\n    let a = g(1\n}\n");
    check("go", "package a\n\nfunc f() {\n\tg(h($0\n}\n", "1\n", "package a\n\nfunc f() {\n\tg(h(1\n}\n");
    check("lua", "print(f($0\n", "1\n", "print(f(1\n");
}

#[test]
fn a_head_whose_body_is_to_come_is_no_error() {
    check_all(&[
        (
            "lua",
            "local a = {}\nfor i, b in ipairs($0)\n",
            "a) do\n",
            "local a = {}\nfor i, b in ipairs(a) do\n",
        ),
        ("ruby", "a = 1\nif $0\n", "a == 1\n", "a = 1\nif a == 1\n"),
        ("shellscript", "a=1\nfor b in $0\n", "1 2; do\n", "a=1\nfor b in 1 2; do\n"),
        (
            "c",
            "int f(int n)\n{\n\tfor $0\n}\n",
            "(int i = 0; i < n; i++)\n",
            "int f(int n)\n{\n\tfor (int i = 0; i < n; i++)\n}\n",
        ),
    ]);
}
