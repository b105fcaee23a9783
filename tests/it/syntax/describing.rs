//! The comment under the cursor that asks for a function: whether it does, and where the function goes.

use std::fmt::Write;

use expect_test::{Expect, expect};
use infill_ls::syntax::describing_comment;

use super::parts;

/// Compares what is to be written, and what the document becomes when that is put in the place told.
#[track_caller]
fn check_describing(language: &str, fixture: &str, expected: Expect) {
    let (snapshot, offset) = parts(language, fixture);
    let Some(found) = describing_comment(&snapshot, offset) else { return expected.assert_eq("nothing") };
    let mut text = snapshot.text();
    let mut shown = format!("{:?}\n", found.text);
    match found.signature {
        Some(signature) => {
            assert_eq!(snapshot.slice(signature.range), signature.text);
            writeln!(shown, "signature {:?}", signature.text).unwrap();
            text.replace_range(signature.body, "<BODY>");
        }
        None => text.insert_str(found.insert_at, &format!("\n{}<FUNCTION>", found.indentation)),
    }
    expected.assert_eq(&(shown + &text));
}

#[track_caller]
fn check_describes_nothing(language: &str, fixture: &str) {
    let (snapshot, offset) = parts(language, fixture);
    assert_eq!(describing_comment(&snapshot, offset), None);
}

#[test]
fn a_comment_asks_for_a_function() {
    check_describing(
        "python",
        "import os\n\n# Returns the n-th\n# Fibon$0acci number.\n\nx = 1\n",
        expect![[r#"
            "Returns the n-th\nFibonacci number."
            import os

            # Returns the n-th
            # Fibonacci number.
            <FUNCTION>

            x = 1
        "#]],
    );
    check_describing(
        "python",
        "class A:\n    # Squares self.$0",
        expect![[r#"
        "Squares self."
        class A:
            # Squares self.
            <FUNCTION>"#]],
    );
    check_describing(
        "rust",
        "/// Adds one.\n$0\n\nfn other() {}\n",
        expect![[r#"
        "Adds one."
        /// Adds one.
        <FUNCTION>


        fn other() {}
    "#]],
    );
    check_describing(
        "lua",
        "--[[ Reverses\n  $0a list. ]]\n\nreturn 1\n",
        expect![[r#"
        "Reverses\na list."
        --[[ Reverses
          a list. ]]
        <FUNCTION>

        return 1
    "#]],
    );
}

#[test]
fn a_signature_waits_for_its_body() {
    check_describing(
        "python",
        "def f(x: int) -> int:\n    \"\"\"Doubles $0x.\"\"\"\n\nz = 1\n",
        expect![[r#"
            "Doubles x."
            signature "def f(x: int) -> int:"
            def f(x: int) -> int:
                """Doubles x."""<BODY>

            z = 1
        "#]],
    );
    check_describing(
        "python",
        "  def f(x):\n    '''Doubles x.\n\n    Fast.\n    '''\n    pass$0  # later\n",
        expect![[r#"
            "Doubles x.\n\nFast."
            signature "def f(x):"
              def f(x):
                '''Doubles x.

                Fast.
                '''<BODY>  # later
        "#]],
    );
    check_describing(
        "python",
        "# Doubles x.$0\ndef f(x): ...\n",
        expect![[r#"
        "Doubles x."
        signature "def f(x):"
        # Doubles x.
        def f(x):<BODY>
    "#]],
    );
    check_describing(
        "python",
        "# Doubles x.\n@cache\nasync def f(\n    x,$0\n):\n    raise NotImplementedError()\n",
        expect![[r#"
            "Doubles x."
            signature "async def f(\n    x,\n):"
            # Doubles x.
            @cache
            async def f(
                x,
            ):<BODY>
        "#]],
    );
    // Imports are not yet what it does.
    check_describing(
        "python",
        "def f(x):\n    import math\n    from a import b\n    \"\"\"Doubles x.\"\"\"\n    $0\n",
        expect![[r#"
            "Doubles x."
            signature "def f(x):"
            def f(x):
                import math
                from a import b
                """Doubles x."""<BODY>
        "#]],
    );
    check_describing(
        "python",
        "def f(x):\n    \"\"\"Doubles x.\"\"\"\n    import math$0\n    pass\n",
        expect![[r#"
            "Doubles x."
            signature "def f(x):"
            def f(x):
                """Doubles x."""
                import math<BODY>
        "#]],
    );
    check_describes_nothing(
        "python",
        "def f(x):\n    \"\"\"Doubles x.\"\"\"\n    import math$0\n    return 2 * x\n",
    );
    check_describing(
        "python",
        "# Doubles x.\ndef f(x):\n    $0",
        expect![[r#"
            "Doubles x."
            signature "def f(x):"
            # Doubles x.
            def f(x):<BODY>"#]],
    );
    check_describing(
        "rust",
        "/// Doubles $0x.\n#[inline]\npub fn f(x: u8) -> u8 {\n    todo!()\n}\n",
        expect![[r#"
            "Doubles x."
            signature "pub fn f(x: u8) -> u8"
            /// Doubles x.
            #[inline]
            pub fn f(x: u8) -> u8 <BODY>
        "#]],
    );
    check_describing(
        "rust",
        "/// Doubles x.\nfn f(x: u8) -> u8 {$0}\n",
        expect![[r#"
        "Doubles x."
        signature "fn f(x: u8) -> u8"
        /// Doubles x.
        fn f(x: u8) -> u8 <BODY>
    "#]],
    );
    check_describing(
        "typescript",
        "/** Doubles$0. */\nexport const f = (x: number) => {\n  // TODO\n};\n",
        expect![[r#"
            "Doubles."
            signature "export const f = (x: number) =>"
            /** Doubles. */
            export const f = (x: number) => <BODY>;
        "#]],
    );
    check_describing(
        "go",
        "// F doubles.$0\nfunc F(x int) int {\n\tpanic(\"todo\")\n}\n",
        expect![[r#"
            "F doubles."
            signature "func F(x int) int"
            // F doubles.
            func F(x int) int <BODY>
        "#]],
    );
    check_describing(
        "java",
        "class A {\n    /** Doubles.$0 */\n    int f(int x) {\n        throw new Error();\n    }\n}\n",
        expect![[r#"
            "Doubles."
            signature "int f(int x)"
            class A {
                /** Doubles. */
                int f(int x) <BODY>
            }
        "#]],
    );
    check_describing(
        "cpp",
        "// Doubles.$0\ntemplate <class T>\nT f(T x) {}\n",
        expect![[r#"
        "Doubles."
        signature "template <class T>\nT f(T x)"
        // Doubles.
        template <class T>
        T f(T x) <BODY>
    "#]],
    );
}

#[test]
fn a_body_holds_nothing_but_the_comment() {
    check_describing(
        "python",
        "def f(x):\n    # Doubles x.$0\n    pass\n\ny = 1\n",
        expect![[r#"
        "Doubles x."
        signature "def f(x):"
        def f(x):
            # Doubles x.<BODY>

        y = 1
    "#]],
    );
    check_describing(
        "python",
        "class A:\n    def f(x):\n        # Doubles x.\n        $0",
        expect![[r#"
            "Doubles x."
            signature "def f(x):"
            class A:
                def f(x):
                    # Doubles x.<BODY>"#]],
    );
    check_describing(
        "rust",
        "fn f(x: u8) -> u8 {\n    // Doubles x.$0\n}\n",
        expect![[r#"
        "Doubles x."
        signature "fn f(x: u8) -> u8"
        fn f(x: u8) -> u8 <BODY>
    "#]],
    );
    check_describing(
        "typescript",
        "class A {\n  f(x) {\n    /* Doubles x. */$0\n  }\n}\n",
        expect![[r#"
        "Doubles x."
        signature "f(x)"
        class A {
          f(x) <BODY>
        }
    "#]],
    );
}

#[test]
fn a_body_is_not_closed_yet() {
    check_describing(
        "rust",
        "/// Doubles x.\nfn f(x: u8) -> u8 {\n    $0\n",
        expect![[r#"
            "Doubles x."
            signature "fn f(x: u8) -> u8"
            /// Doubles x.
            fn f(x: u8) -> u8 <BODY>
        "#]],
    );
    check_describing(
        "typescript",
        "// Doubles x.$0\nfunction f(x) {\n",
        expect![[r#"
        "Doubles x."
        signature "function f(x)"
        // Doubles x.
        function f(x) <BODY>
    "#]],
    );
    check_describing(
        "go",
        "package a\n\n// F doubles.$0\nfunc F(x int) int {\n",
        expect![[r#"
        "F doubles."
        signature "func F(x int) int"
        package a

        // F doubles.
        func F(x int) int <BODY>
    "#]],
    );
    check_describing(
        "java",
        "class A {\n    // Doubles.$0\n    int f(int x) {\n",
        expect![[r#"
        "Doubles."
        signature "int f(int x)"
        class A {
            // Doubles.
            int f(int x) <BODY>
    "#]],
    );
}

#[test]
fn a_function_in_csharp() {
    check_describing(
        "csharp",
        "// Doubles x.$0\nstatic int F(int x) {\n}\n",
        expect![[r#"
        "Doubles x."
        signature "static int F(int x)"
        // Doubles x.
        static int F(int x) <BODY>
    "#]],
    );
    check_describes_nothing("csharp", "// Doubles x.$0\nstatic int F(int x) {\n    return 2 * x;\n}\n");
}

#[test]
fn a_signature_in_a_language_without_a_grammar() {
    check_describing(
        "dart",
        "// Doubles x.$0\nstatic int f(int x) {\n}\n",
        expect![[r#"
        "Doubles x."
        signature "static int f(int x)"
        // Doubles x.
        static int f(int x) <BODY>
    "#]],
    );
    check_describes_nothing("dart", "// Doubles x.$0\nstatic int f(int x) {\n    return 2 * x;\n}\n");
    check_describing(
        "swift",
        "// Doubles x.$0\nfoo(1, { x in\n})\n",
        expect![[r#"
        "Doubles x."
        // Doubles x.
        <FUNCTION>
        foo(1, { x in
        })
    "#]],
    );
}

#[test]
fn other_comments_describe_no_function() {
    check_describes_nothing("python", "# Doubles.$0\ndef f(x):\n    return 2 * x\n");
    check_describes_nothing("python", "def f(x):\n    \"\"\"Doubles$0.\"\"\"\n    return 2 * x\n");
    check_describes_nothing("python", "class A:\n    \"\"\"Holds$0.\"\"\"\n");
    check_describes_nothing("python", "#!/usr/bin/env python$0\n");
    check_describes_nothing("python", "# ------$0\n");
    check_describes_nothing("python", "x = '# hello$0'\n");
    check_describes_nothing("python", "x = 1  # the first one$0\n");
    check_describes_nothing("rust", "//! Parses$0 dates.\n");
    check_describes_nothing("rust", "/// A date.$0\n#[derive(Debug)]\npub struct Date;\n");
    check_describes_nothing("typescript", "// eslint-disable-next-line$0\n");
    check_describes_nothing("yaml", "# The port$0\nport: 1\n");
    check_describes_nothing("rust", "$0");
}
