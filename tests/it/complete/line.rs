//! Where the rest of one line is asked for.

use super::check;

#[test]
fn ends_with_the_line() {
    check(
        "python",
        "def f(xs):\n    total = $0\n",
        "sum(xs)\n    return total\n",
        "def f(xs):\n    total = sum(xs)\n",
    );
    check(
        "rust",
        "fn main() {\n    let x = $0\n}\n",
        "1;\n    let y = 2;",
        "fn main() {\n    let x = 1;\n}\n",
    );
    check("typescript", "const a = $0\n", "1;\nconst b = 2;\n", "const a = 1;\n");
    check("go", "func main() {\n\tx := $0\n}\n", "1\n\ty := 2\n", "func main() {\n\tx := 1\n}\n");
}

#[test]
fn one_line_among_others() {
    check(
        "python",
        "def f(n):\n    fact = []\n    $0\n    while i <= n:\n        i += 1\n",
        "i = 2\n    while i <= n:\n",
        "def f(n):\n    fact = []\n    i = 2\n    while i <= n:\n        i += 1\n",
    );
    check(
        "rust",
        "fn f() {\n    let a = 1;\n    $0\n    a + b\n}\n",
        "let b = 2;\n    a + b\n}\n",
        "fn f() {\n    let a = 1;\n    let b = 2;\n    a + b\n}\n",
    );
}

#[test]
fn a_body_that_is_there_already_lacks_one_line() {
    check(
        "python",
        "for a in xs:\n    $0\n        print(a, b)\n",
        "for b in ys:\n        print(a, b)\n",
        "for a in xs:\n    for b in ys:\n        print(a, b)\n",
    );
    check(
        "go",
        "func f() {\n\t$0\n\treturn x\n}\n",
        "x := 1\n\treturn x\n",
        "func f() {\n\tx := 1\n\treturn x\n}\n",
    );
}

#[test]
fn a_newline_before_the_text_on_a_blank_line_is_passed_over() {
    check("python", "a = 1\n$0\nc = 3\n", "\nb = 2\n", "a = 1\nb = 2\nc = 3\n");
    check(
        "rust",
        "fn f() {\n    a();\n    $0\n    c();\n}\n",
        "\n    b();\n",
        "fn f() {\n    a();\n    b();\n    c();\n}\n",
    );
    check("go", "func f() {\n\ta()\n\t$0\n\tc()\n}\n", "\n\n\tb()\n", "func f() {\n\ta()\n\tb()\n\tc()\n}\n");
}

#[test]
fn indentation_that_is_there_already_is_not_written_again() {
    check(
        "python",
        "def f():\n    a = 1\n    $0\n    c = 3\n",
        "    b = 2\n",
        "def f():\n    a = 1\n    b = 2\n    c = 3\n",
    );
    check(
        "python",
        "def f():\n    a = 1\n    $0\n    c = 3\n",
        " b = 2\n",
        "def f():\n    a = 1\n    b = 2\n    c = 3\n",
    );
}

#[test]
fn chat_is_no_code() {
    check("python", "x = $0\n", "1<|im_end|>\n", "x = 1\n");
    check("rust", "let x = $0\n", "1;<|endoftext|>let y", "let x = 1;\n");
    check("typescript", "let x = $0\n", "1;<|fim_pad|>", "let x = 1;\n");
    // An operator of some languages, and no marker.
    check("fsharp", "let x = $0\n", "f <| g |> h\n", "let x = f <| g |> h\n");
}

#[test]
fn a_marker_that_the_file_speaks_of_is_text() {
    check(
        "python",
        "START = '<|im_start|>'\nEND = $0\n",
        "'<|im_end|>'\n",
        "START = '<|im_start|>'\nEND = '<|im_end|>'\n",
    );
}
