//! Where a line leaves something open, or the code below says how much is missing.

use super::{check, check_all};

#[test]
fn a_head_without_a_body_goes_on_to_the_end_of_its_block() {
    check_all(&[
        (
            "python",
            "def f(xs):\n    n = 0\n    $0\n    return n\n",
            "for x in xs:\n        n += x\n    return n\n",
            "def f(xs):\n    n = 0\n    for x in xs:\n        n += x\n    return n\n",
        ),
        (
            "rust",
            "fn f() {\n    a();\n    $0\n    d();\n}\n",
            "if b() {\n        c();\n    }\n    e();\n",
            "fn f() {\n    a();\n    if b() {\n        c();\n    }\n    d();\n}\n",
        ),
        (
            "typescript",
            "const x = $0\nuse(x);\n",
            "{\n  a: 1,\n  b: 2,\n};\nuse(x);\n",
            "const x = {\n  a: 1,\n  b: 2,\n};\nuse(x);\n",
        ),
        (
            "go",
            "func f() {\n\tif err $0\n\tg()\n}\n",
            "!= nil {\n\t\treturn\n\t}\n\tg()\n",
            "func f() {\n\tif err != nil {\n\t\treturn\n\t}\n\tg()\n}\n",
        ),
        (
            "java",
            "class A {\n    void f() {\n        a();\n        $0\n        d();\n    }\n}\n",
            "if (b) {\n            c();\n        } else {\n            e();\n        }\n        d();\n",
            "class A {\n    void f() {\n        a();\n        if (b) {\n            c();\n        } else {\n            e();\n        }\n        d();\n    }\n}\n",
        ),
    ]);
}

#[test]
fn a_head_whose_body_stands_below_stays_alone() {
    check_all(&[
        (
            "python",
            "def f(xs):\n    n = 0\n    $0\n        n += x\n    return n\n",
            "for x in xs:\n        if x:\n            n += x\n",
            "def f(xs):\n    n = 0\n    for x in xs:\n        n += x\n    return n\n",
        ),
        (
            "rust",
            "fn f() {\n    a();\n    $0\n        c();\n    }\n}\n",
            "if b() {\n        d();\n    }\n",
            "fn f() {\n    a();\n    if b() {\n        c();\n    }\n}\n",
        ),
        ("javascript", "f();\n$0\n  x,\n);\n", "call(\n  y,\n);\n", "f();\ncall(\n  x,\n);\n"),
        (
            "go",
            "func f() {\n\ta()\n\t$0\n\t\tc()\n\t}\n}\n",
            "for b() {\n\t\td()\n\t}\n",
            "func f() {\n\ta()\n\tfor b() {\n\t\tc()\n\t}\n}\n",
        ),
    ]);
}

#[test]
fn a_body_below_asks_for_the_lines_up_to_its_head() {
    check_all(&[
        (
            "python",
            "def f(xs):\n    $0\n        n += x\n    return n\n",
            "n = 0\n    for x in xs:\n        n -= x\n",
            "def f(xs):\n    n = 0\n    for x in xs:\n        n += x\n    return n\n",
        ),
        (
            "java",
            "class A {\n    void f() {\n        $0\n            g(i);\n        }\n    }\n}\n",
            "int n = 3;\n        for (int i = 0; i < n; i++) {\n            h(i);\n        }\n",
            "class A {\n    void f() {\n        int n = 3;\n        for (int i = 0; i < n; i++) {\n            g(i);\n        }\n    }\n}\n",
        ),
        (
            "c",
            "void f(void) {\n    $0\n        g();\n    }\n}\n",
            "int n = 3;\n    while (n--) {\n        h();\n    }\n",
            "void f(void) {\n    int n = 3;\n    while (n--) {\n        g();\n    }\n}\n",
        ),
        (
            "csharp",
            "class A {\n    void F() {\n        $0\n            G();\n        }\n    }\n}\n",
            "var n = 3;\n        while (n > 0) {\n            H();\n        }\n",
            "class A {\n    void F() {\n        var n = 3;\n        while (n > 0) {\n            G();\n        }\n    }\n}\n",
        ),
    ]);
}

#[test]
fn the_end_of_a_function_is_written_to_its_end() {
    check_all(&[
        (
            "python",
            "def f(xs):\n    n = 0\n    for x in xs:\n        n += x\n        $0\n",
            "m = n\n    return m\n\n\ndef g():\n    pass\n",
            "def f(xs):\n    n = 0\n    for x in xs:\n        n += x\n        m = n\n    return m\n",
        ),
        (
            "python",
            "class A:\n    def f(self):\n        a = 1\n        $0\n\n    def g(self):\n        pass\n",
            "b = 2\n        return a + b\n\n    def h(self):\n        pass\n",
            "class A:\n    def f(self):\n        a = 1\n        b = 2\n        return a + b\n\n    def g(self):\n        pass\n",
        ),
        (
            "rust",
            "fn f() -> i32 {\n    let a = 1;\n    $0\n}\n",
            "let b = 2;\n    a + b\n}\n\nfn g() {}\n",
            "fn f() -> i32 {\n    let a = 1;\n    let b = 2;\n    a + b\n}\n",
        ),
        (
            "go",
            "func f() int {\n\ta := 1\n\t$0\n}\n",
            "b := 2\n\treturn a + b\n}\n\nfunc g() {\n",
            "func f() int {\n\ta := 1\n\tb := 2\n\treturn a + b\n}\n",
        ),
        (
            "typescript",
            "function f(): number {\n  const a = 1;\n  $0\n}\n",
            "const b = 2;\n  return a + b;\n}\n",
            "function f(): number {\n  const a = 1;\n  const b = 2;\n  return a + b;\n}\n",
        ),
        (
            "lua",
            "function f()\n  local a = 1\n  $0\nend\n",
            "local b = 2\n  return a + b\nend\n\nfunction g()\n",
            "function f()\n  local a = 1\n  local b = 2\n  return a + b\nend\n",
        ),
    ]);
}

#[test]
fn the_end_of_a_block_inside_a_function_ends_with_the_block() {
    check_all(&[
        (
            "python",
            "def f(xs):\n    for x in xs:\n        a(x)\n        $0\n    return xs\n",
            "b(x)\n        c(x)\n    return xs\n",
            "def f(xs):\n    for x in xs:\n        a(x)\n        b(x)\n        c(x)\n    return xs\n",
        ),
        (
            "rust",
            "fn f() {\n    if a {\n        b();\n        $0\n    }\n    e();\n}\n",
            "c();\n        d();\n    }\n    e();\n}\n",
            "fn f() {\n    if a {\n        b();\n        c();\n        d();\n    }\n    e();\n}\n",
        ),
        (
            "javascript",
            "function f() {\n  if (a) {\n    b();\n    $0\n  }\n  e();\n}\n",
            "c();\n    d();\n  }\n  e();\n}\n",
            "function f() {\n  if (a) {\n    b();\n    c();\n    d();\n  }\n  e();\n}\n",
        ),
        (
            "go",
            "func f() {\n\tif a {\n\t\tb()\n\t\t$0\n\t}\n\te()\n}\n",
            "c()\n\t\td()\n\t}\n\te()\n}\n",
            "func f() {\n\tif a {\n\t\tb()\n\t\tc()\n\t\td()\n\t}\n\te()\n}\n",
        ),
    ]);
}

#[test]
fn a_line_that_does_not_get_to_the_code_below_stays_alone() {
    // The head that `n += x` needs never comes, so only the line that was asked for is shown.
    check(
        "python",
        "def f(xs):\n    $0\n        n += x\n    return n\n",
        "n = 0\n    m = 1\n    return m\n\n\n",
        "def f(xs):\n    n = 0\n        n += x\n    return n\n",
    );
}

#[test]
fn text_behind_the_cursor_is_what_the_text_gets_to() {
    check_all(&[
        (
            "python",
            "def f(xs):\n    ret = $0 sorted(ret)\n",
            "set()\n    for x in xs:\n        ret.add(x)\n    return sorted(ret)\n",
            "def f(xs):\n    ret = set()\n    for x in xs:\n        ret.add(x)\n    return sorted(ret)\n",
        ),
        (
            "rust",
            "fn f() {\n    let a = $0.collect();\n}\n",
            "1;\n    let b: Vec<_> = (0..a).collect();\n}\n",
            "fn f() {\n    let a = 1;\n    let b: Vec<_> = (0..a).collect();\n}\n",
        ),
        (
            "typescript",
            "function f() {\n  const a = $0 + total;\n}\n",
            "1;\n  return a + total;\n}\n",
            "function f() {\n  const a = 1;\n  return a + total;\n}\n",
        ),
        (
            "java",
            "void f() {\n    int a = $0(width, 2);\n}\n",
            "1;\n    g(width,2);\n}\n",
            "void f() {\n    int a = 1;\n    g(width, 2);\n}\n",
        ),
    ]);
}

#[test]
fn text_behind_the_cursor_may_be_a_line_of_its_own() {
    check_all(&[
        (
            "python",
            "def f(xs):\n    ret =$0    return sorted(ret)\n",
            " set()\n    for x in xs:\n        ret.add(x)\n    return sorted(ret)\n",
            "def f(xs):\n    ret = set()\n    for x in xs:\n        ret.add(x)\n    return sorted(ret)\n",
        ),
        (
            "go",
            "func f() {\n\ta :=$0\treturn total\n}\n",
            " 1\n\tb := 2\n\treturn total\n}\n",
            "func f() {\n\ta := 1\n\tb := 2\n\treturn total\n}\n",
        ),
        (
            "rust",
            "fn f() {\n    let a =$0   total(a)\n}\n",
            " 1;\n    total(a)\n}\n",
            "fn f() {\n    let a = 1;\n    total(a)\n}\n",
        ),
        (
            "javascript",
            "function f() {\n  const a =$0  return total;\n}\n",
            " 1;\n  return total;\n}\n",
            "function f() {\n  const a = 1;\n  return total;\n}\n",
        ),
    ]);
}
