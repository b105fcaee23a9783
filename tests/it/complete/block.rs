//! Where a whole block is asked for.

use infill_ls::complete::{Mode, StopCondition};

use super::{Fixture, check};

#[test]
fn ends_where_the_indentation_falls_out() {
    check(
        "python",
        "def area(w, h):\n    $0\n",
        "a = w * h\n    return a\n\n\ndef other():\n    pass\n",
        "def area(w, h):\n    a = w * h\n    return a\n",
    );
    check(
        "python",
        "class A:\n    def f(self):\n        $0\n\n    def g(self):\n        pass\n",
        "x = 1\n\n        return x\n\n    def h(self):\n        return 2\n",
        "class A:\n    def f(self):\n        x = 1\n\n        return x\n\n    def g(self):\n        pass\n",
    );
}

#[test]
fn a_docstring_belongs_to_the_head() {
    check(
        "python",
        "def double(x):\n    \"\"\"Return twice x.\n\n    >>> double(2)\n    4\n    \"\"\"\n    $0\n",
        "return x * 2\n\nprint(double(2))\n",
        "def double(x):\n    \"\"\"Return twice x.\n\n    >>> double(2)\n    4\n    \"\"\"\n    return x * 2\n",
    );
    check(
        "python",
        "def double(\n    x,\n):\n    \"\"\"Return twice x.\"\"\"\n\n    $0\n",
        "y = x * 2\n    return y\nprint(1)\n",
        "def double(\n    x,\n):\n    \"\"\"Return twice x.\"\"\"\n\n    y = x * 2\n    return y\n",
    );
}

#[test]
fn keeps_the_bracket_that_is_there() {
    check(
        "rust",
        "fn add(a: i32, b: i32) -> i32 {\n    $0\n}\n",
        "let c = a + b;\n    c\n}\n\nfn main() {}\n",
        "fn add(a: i32, b: i32) -> i32 {\n    let c = a + b;\n    c\n}\n",
    );
    check(
        "typescript",
        "function add(a: number, b: number) {\n  $0\n}\n",
        "const c = a + b;\n  return c;\n}\n\nadd(1, 2);\n",
        "function add(a: number, b: number) {\n  const c = a + b;\n  return c;\n}\n",
    );
    check(
        "go",
        "func add(a, b int) int {\n\t$0\n}\n",
        "c := a + b\n\treturn c\n}\n\nfunc main() {\n",
        "func add(a, b int) int {\n\tc := a + b\n\treturn c\n}\n",
    );
}

#[test]
fn writes_the_bracket_that_is_missing() {
    check("rust", "fn one() -> i32 {\n    $0\n", "1\n}\n\nfn two() {}\n", "fn one() -> i32 {\n    1\n}\n");
    check(
        "go",
        "func f() {\n\tif x {\n\t\t$0\n}\n",
        "y()\n\t} else {\n\t\tz()\n\t}\n",
        "func f() {\n\tif x {\n\t\ty()\n\t}\n}\n",
    );
    check(
        "typescript",
        "it('adds', () => {\n  $0\n",
        "expect(1).toBe(1);\n});\n\nit('x', () => {\n",
        "it('adds', () => {\n  expect(1).toBe(1);\n});\n",
    );
}

#[test]
fn brackets_inside_the_body_do_not_end_it() {
    check(
        "rust",
        "fn f(n: i32) -> i32 {\n    $0\n}\n",
        "if n == 0 {\n        return 1;\n    }\n    n * f(n - 1)\n}\n",
        "fn f(n: i32) -> i32 {\n    if n == 0 {\n        return 1;\n    }\n    n * f(n - 1)\n}\n",
    );
    check(
        "python",
        "def f():\n    $0\n",
        "x = [\n  1,\n]\n    return x\nf()\n",
        "def f():\n    x = [\n  1,\n]\n    return x\n",
    );
}

#[test]
fn ends_where_the_suffix_begins() {
    check(
        "python",
        "if a:\n    $0\nelse:\n    b()\n",
        "a()\nelse:\n    b()\n",
        "if a:\n    a()\nelse:\n    b()\n",
    );
    check(
        "typescript",
        "const o = f({\n  $0\n});\n",
        "a: 1,\n  b: 2,\n});\nuse(o);\n",
        "const o = f({\n  a: 1,\n  b: 2,\n});\n",
    );
}

#[test]
fn ends_at_a_code_fence() {
    check(
        "python",
        "def f():\n    $0\n",
        "return 1\n```\n\nThis function returns 1.",
        "def f():\n    return 1\n",
    );
    check("rust", "fn f() {\n    $0\n}\n", "g();\n    h();\n```\n", "fn f() {\n    g();\n    h();\n}\n");
}

#[test]
fn a_comment_asks_for_one_item() {
    check(
        "python",
        "import re\n\n# Returns the words of a text in lower case.\n$0\n",
        "def words(text):\n    return re.findall(r'\\w+', text.lower())\n\ndef other():\n    pass\n",
        "import re\n\n# Returns the words of a text in lower case.\ndef words(text):\n    return re.findall(r'\\w+', text.lower())\n",
    );
    check(
        "rust",
        "/// Returns the sum of all values.\n$0\n",
        "#[inline]\npub fn sum(v: &[i32]) -> i32 {\n    v.iter().sum()\n}\n\npub fn product() {}\n",
        "/// Returns the sum of all values.\n#[inline]\npub fn sum(v: &[i32]) -> i32 {\n    v.iter().sum()\n}\n",
    );
    check(
        "go",
        "package a\n\n// Sum returns the sum of all values.\n$0\n",
        "func Sum(v []int) int {\n\ts := 0\n\treturn s\n}\n\nfunc Product() {\n}\n",
        "package a\n\n// Sum returns the sum of all values.\nfunc Sum(v []int) int {\n\ts := 0\n\treturn s\n}\n",
    );
    check(
        "typescript",
        "/**\n * Returns the sum of all values.\n */\n$0\n",
        "export function sum(v: number[]) {\n  return v.reduce((a, b) => a + b, 0);\n}\nexport function x() {\n",
        "/**\n * Returns the sum of all values.\n */\nexport function sum(v: number[]) {\n  return v.reduce((a, b) => a + b, 0);\n}\n",
    );
}

#[test]
fn a_branch_goes_on_after_else() {
    check(
        "python",
        "# Print the larger one of the two values.\n$0\n",
        "if a < b:\n    print(b)\nelse:\n    print(a)\nprint('done')\n",
        "# Print the larger one of the two values.\nif a < b:\n    print(b)\nelse:\n    print(a)\n",
    );
}

#[test]
fn a_cursor_left_at_its_openers_column_gets_indentation() {
    check(
        "python",
        "def f():\n$0\n",
        "    x = 1\n    return x\nf()\n",
        "def f():\n    x = 1\n    return x\n",
    );
    check(
        "python",
        "def f():\n$0\n",
        "\n    x = 1\n    return x\nf()\n",
        "def f():\n    x = 1\n    return x\n",
    );
}

#[test]
fn a_loop_of_lines_is_cut_to_one_round() {
    check(
        "python",
        "def f():\n    $0\n",
        "begin()\n    step(a)\n    step(a)\n    step(a)\n    step(a)\n",
        "def f():\n    begin()\n    step(a)\n",
    );
    check(
        "rust",
        "fn f() {\n    $0\n}\n",
        "begin();\n    read(x);\n    write(x);\n    read(x);\n    write(x);\n    read(x);\n    write(x);\n",
        "fn f() {\n    begin();\n    read(x);\n    write(x);\n}\n",
    );
}

#[test]
fn a_block_that_a_bound_cut_off_ends_with_its_last_whole_line() {
    let cut_short = |text: &str, mode, generated: &str| {
        let fixture = Fixture::new("python", text);
        let mut stop = StopCondition::new(mode, &fixture.snapshot, fixture.offset);
        assert!(stop.push(generated).is_continue());
        stop.text_cut_short().to_owned()
    };
    assert_eq!(cut_short("def f():\n    $0\n", Mode::Block, "a = 1\n    b = compu"), "a = 1");
    assert_eq!(cut_short("def f():\n    $0\n", Mode::Block, "a = 1\n    b = 2\n"), "a = 1\n    b = 2");
    assert_eq!(cut_short("def f():\n    $0\n", Mode::Block, "a = 1\n    b = 2\n    "), "a = 1\n    b = 2");
    assert_eq!(cut_short("def f():\n    $0\n", Mode::Block, "a = compu"), "a = compu");
    assert_eq!(cut_short("x = $0\n", Mode::Line, "a + compu"), "a + compu");
}
