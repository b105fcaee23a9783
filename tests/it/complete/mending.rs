//! Generated text that does not fit as it is.

use super::{Fixture, check};

#[test]
fn closing_brackets_of_the_editor_are_not_doubled() {
    check("python", "print($0)\n", "a, b)\n", "print(a, b)\n");
    check("python", "if f($0)\n", "a):\n", "if f(a):\n");
    check("rust", "    v.push($0)\n", "g(x));\n", "    v.push(g(x));\n");
    check("typescript", "const a = [$0];\n", "1, 2];\n", "const a = [1, 2];\n");
    check("go", "\tf(g($0))\n", "x), y)\n", "\tf(g(x), y)\n");
}

#[test]
fn brackets_of_the_generated_text_leave_the_editors_alone() {
    check("python", "print($0)\n", "f(b)\n", "print(f(b))\n");
    check("rust", "f($0);\n", "g(b);\n", "f(g(b));\n");
    check("go", "x[$0]\n", "len(x)-1\n", "x[len(x)-1]\n");
}

#[test]
fn quotes_of_the_editor_are_not_doubled() {
    check("python", "print(\"$0\")\n", "hello (world\")\n", "print(\"hello (world\")\n");
    check("rust", "let s = \"$0\"\n", "a\\\"b\";\n", "let s = \"a\\\"b\";\n");
    check("typescript", "import x from '$0'\n", "./x';\n", "import x from './x';\n");
    check("go", "import \"$0\"\n", "fmt\"\n", "import \"fmt\"\n");
}

#[test]
fn the_editors_brackets_are_replaced_and_not_cut_from_the_text() {
    let fixture = Fixture::new("python", "print($0)\n");
    let completion = fixture.complete("a, b)\n").unwrap();
    assert_eq!((completion.range, completion.text.as_str()), (6..7, "a, b)"));
}

#[test]
fn text_that_follows_on_the_line_is_not_said_twice() {
    check("python", "total = $0 + tax\n", "price * count + tax\n", "total = price * count + tax\n");
    check("rust", "let x = f($0, width);\n", "height, width);\n", "let x = f(height, width);\n");
    check(
        "typescript",
        "const a = $0 ?? fallback;\n",
        "given ?? fallback;\n",
        "const a = given ?? fallback;\n",
    );
    check(
        "go",
        "\tfor $0 := range items {\n",
        "i, item := range items {\n",
        "\tfor i, item := range items {\n",
    );
}

#[test]
fn a_rest_that_would_close_what_nobody_opened_is_replaced() {
    check("python", "n = le$0)\n", "n(items)\n", "n = len(items)\n");
    check("python", "total = sum$0 x)\n", "(x for x in xs if x)\n", "total = sum(x for x in xs if x)\n");
    check("rust", "    let n = v$0.len());\n", ".push(w.len());\n", "    let n = v.push(w.len());\n");
    check("typescript", "const a = b.map$0 c)\n", "((x) => x * c)\n", "const a = b.map((x) => x * c)\n");
    check("go", "\tx := f$0])\n", "(y[0])\n", "\tx := f(y[0])\n");
}

#[test]
fn half_a_word_in_common_is_no_overlap() {
    check("python", "x = $0and b\n", "a \n", "x = a and b\n");
    check("go", "x := $0rest\n", "for\n", "x := forrest\n");
}

#[test]
fn the_lines_below_are_not_said_twice() {
    check(
        "python",
        "def f():\n    a = $0\n    b = 2\n    return a\n",
        "1",
        "def f():\n    a = 1\n    b = 2\n    return a\n",
    );
    // Without the last newline the stop condition cannot know that the line is whole.
    check("python", "if a:\n    $0\nelse:\n    b()\n", "c()\nelse:", "if a:\n    c()\nelse:\n    b()\n");
    check("rust", "fn f() {\n    $0\n}\n", "c();\n    d();\n}", "fn f() {\n    c();\n    d();\n}\n");
}

#[test]
fn the_beginning_of_the_line_is_not_said_twice() {
    check("python", "def total(xs$0\n", "def total(xs, start=0):\n", "def total(xs, start=0):\n");
    check("rust", "    let total = $0\n", "let total = a + b;\n", "    let total = a + b;\n");
}

#[test]
fn a_closing_bracket_that_closes_nothing_is_cut() {
    check("python", "x = $0\n", "f(a))\n", "x = f(a)\n");
    check("rust", "fn f() {\n    g($0\n}\n", "a));\n", "fn f() {\n    g(a);\n}\n");
    check("python", "f(\n    a,\n    g($0\n", "b))\n", "f(\n    a,\n    g(b))\n");
    check("typescript", "const x = $0\n", "g(a)]\n", "const x = g(a)\n");
}

#[test]
fn trailing_blanks_are_cut() {
    check("python", "x = $0\n", "1   \n", "x = 1\n");
    check("rust", "fn f() {\n    $0\n}\n", "a();  \n\n    b(); \n", "fn f() {\n    a();\n\n    b();\n}\n");
}

#[test]
fn a_block_that_begins_too_far_right_is_moved() {
    check(
        "typescript",
        "function f() {\n  $0\n}\n",
        "  if (a) {\n      b();\n    } else {\n      c();\n    }\n}\n",
        "function f() {\n  if (a) {\n    b();\n  } else {\n    c();\n  }\n}\n",
    );
    check(
        "typescript",
        "function f() {\n  $0\n}\n",
        "  if (a) {\n    b();\n  }\n}\n",
        "function f() {\n  if (a) {\n    b();\n  }\n}\n",
    );
    check(
        "python",
        "def f():\n    $0\n",
        "    a = 1\n        return a\n",
        "def f():\n    a = 1\n    return a\n",
    );
    check("rust", "fn f() {\n    $0\n}\n", " a();\n    b();\n}\n", "fn f() {\n    a();\n    b();\n}\n");
}

#[test]
fn blank_lines_at_the_end_are_cut() {
    check(
        "python",
        "for x in xs:\n    $0\n\ny = 1\n",
        "f(x)\n    \ny = 1\n",
        "for x in xs:\n    f(x)\n\ny = 1\n",
    );
    check("go", "func f() {\n\t$0\n}\n", "x()\n\t\n\n", "func f() {\n\tx()\n}\n");
}

#[test]
fn the_files_line_endings_are_kept() {
    check(
        "python",
        "def f():\r\n    $0\r\n",
        "x = 1\n    return x\nprint()\n",
        "def f():\r\n    x = 1\r\n    return x\r\n",
    );
    check(
        "go",
        "func f() {\r\n\t$0\r\n}\r\n",
        "x()\r\n\ty()\r\n}\r\n",
        "func f() {\r\n\tx()\r\n\ty()\r\n}\r\n",
    );
}

#[test]
fn the_files_indentation_is_kept() {
    check(
        "go",
        "func g() {\n\ta()\n}\n\nfunc f() {\n\t$0\n}\n",
        "if x {\n        y()\n    }\n",
        "func g() {\n\ta()\n}\n\nfunc f() {\n\tif x {\n\t\ty()\n\t}\n}\n",
    );
    check(
        "typescript",
        "function g() {\n  a();\n}\n\nfunction f() {\n  $0\n}\n",
        "if (x) {\n\t\ty();\n\t}\n",
        "function g() {\n  a();\n}\n\nfunction f() {\n  if (x) {\n    y();\n  }\n}\n",
    );
}

#[test]
fn a_block_that_nothing_closes_is_closed_first() {
    check(
        "java",
        "class A {\n    int f() {\n        return 1;\n$0\n",
        "    public static void main(String[] args) {\n",
        "class A {\n    int f() {\n        return 1;\n    }\n",
    );
    check(
        "javascript",
        "function f(n) {\n  return n;\n$0\n\nfunction g() {\n  return 1;\n}\n",
        "console.log(f(1));\n",
        "function f(n) {\n  return n;\n}\n\nfunction g() {\n  return 1;\n}\n",
    );
    check(
        "rust",
        "fn f() {\n    if a {\n        b();\n    $0\n}\n",
        "c();\n",
        "fn f() {\n    if a {\n        b();\n    }\n}\n",
    );
    check(
        "go",
        "func f() {\n\tif a {\n\t\tb()\n\t$0\n\tc()\n}\n",
        "d()\n",
        "func f() {\n\tif a {\n\t\tb()\n\t}\n\tc()\n}\n",
    );
    // It goes on in its own way, it is closed below, or columns say nothing.
    check(
        "java",
        "class A {\n    int f() {\n        if (a) {\n            b();\n        $0\n    }\n}\n",
        "} else {\n            c();\n        }\n",
        "class A {\n    int f() {\n        if (a) {\n            b();\n        } else {\n            c();\n        }\n    }\n}\n",
    );
    check(
        "typescript",
        "switch (a) {\n  case 1:\n    b();\n$0\n",
        "case 2:\n    c();\n",
        "switch (a) {\n  case 1:\n    b();\ncase 2:\n    c();\n",
    );
    check("cpp", "void f() {\n  a();\n$0\n}\n", "b();\n", "void f() {\n  a();\nb();\n}\n");
    check(
        "cpp",
        "namespace n {\nint a = 1;\n$0\n",
        "int b = 2;\n",
        "namespace n {\nint a = 1;\nint b = 2;\n",
    );
}
