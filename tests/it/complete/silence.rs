//! Where nothing is shown, and the reason given.

use infill_ls::complete::{Reason, silence};

use super::{Fixture, check, check_silent};

#[test]
fn nothing_and_blanks() {
    check_silent("python", "x = $0\n", "", Reason::Empty);
    check_silent("rust", "let x = 1;$0\n", "\nlet y = 2;\n", Reason::Empty);
    check_silent("go", "\tx := $0\n", "   \n", Reason::Empty);
    check_silent("typescript", "f($0)\n", ")\n", Reason::Empty);
    check_silent("python", "def f():\n    a()\n    $0\n\nb()\n", "\n\n\nb()\n", Reason::Empty);
    check_silent("python", "x = $0\n", "<|im_end|>", Reason::Empty);
}

#[test]
fn what_stands_below() {
    check_silent("python", "a = 1\n$0\nreturn total\n", "return total\n", Reason::RepeatsSuffix);
    check_silent(
        "rust",
        "fn f() {\n    a();\n    $0\n    begin( x );\n}\n",
        "begin(x);\n",
        Reason::RepeatsSuffix,
    );
    check_silent("go", "\tresult := $0\n\tresult := make()\n", "make()\n", Reason::RepeatsSuffix);
    check_silent("python", "if a:\n    $0\nelse:\n    b()\n", "\nelse:\n", Reason::Empty);
}

#[test]
fn what_stands_above() {
    check_silent("python", "total += price\n$0\n", "total += price\n", Reason::RepeatsPrefix);
    check_silent("typescript", "const total = a;\nconst $0\n", "total = a;\n", Reason::RepeatsPrefix);
    check_silent("rust", "    total += x;\n    $0\n", "total += x;\n", Reason::RepeatsPrefix);
}

#[test]
fn brackets_and_keywords_may_be_said_again() {
    check(
        "rust",
        "fn f() {\n        if a {\n        if b {\n            c();\n        }\n        $0\n}\n",
        "}\n",
        "fn f() {\n        if a {\n        if b {\n            c();\n        }\n        }\n}\n",
    );
    check(
        "typescript",
        "f(() => {\n    g(() => {\n      h();\n    });\n    $0\n",
        "});\n",
        "f(() => {\n    g(() => {\n      h();\n    });\n    });\n",
    );
    check(
        "lua",
        "if a then\n  if b then\n  c()\n  end\n  $0\n",
        "end\n",
        "if a then\n  if b then\n  c()\n  end\n  end\n",
    );
}

#[test]
fn circles() {
    check_silent("python", "x = $0\n", &"a + b + ".repeat(30), Reason::Loop);
    check_silent("rust", "    let x = $0\n", &"step(a).".repeat(30), Reason::Loop);
    check_silent("typescript", "const x = [$0]\n", &"{ a: 1 }, ".repeat(30), Reason::Loop);
    check_silent("go", "\tx := $0\n", &"f(f(f(f(".repeat(30), Reason::Loop);
}

#[test]
fn a_rule_or_a_short_list_is_no_circle() {
    let rule = "-".repeat(70);
    check("python", "# $0\n", &rule, &format!("# {rule}\n"));
    check("go", "x := []int{$0}\n", "0, 0, 0, 0, 0, 0, 0, 0", "x := []int{0, 0, 0, 0, 0, 0, 0, 0}\n");
}

#[test]
fn promises() {
    check_silent("python", "def f():\n    $0\n", "# TODO: implement this\n    pass\n", Reason::Promise);
    check_silent("rust", "fn f() {\n    $0\n}\n", "// Your code here\n}\n", Reason::Promise);
}

#[test]
fn a_comment_that_is_asked_for_is_shown() {
    check("python", "# TODO$0\n", ": read the file\n", "# TODO: read the file\n");
}

#[test]
fn inside_a_word() {
    let reason = |text| {
        let fixture = Fixture::new("python", text);
        silence(&fixture.snapshot, fixture.offset)
    };
    assert_eq!(reason("pri$0nt(x)\n"), Some(Reason::MidWord));
    assert_eq!(reason("print($0x)\n"), None);
    assert_eq!(reason("print$0(x)\n"), None);
    assert_eq!(reason("größ$0e\n"), Some(Reason::MidWord));
}

#[test]
fn every_reason_has_a_word_and_a_sentence() {
    let all = [
        Reason::Cancelled,
        Reason::Overtaken,
        Reason::Loading,
        Reason::NoModel,
        Reason::NotOpen,
        Reason::OutOfSync,
        Reason::Disabled,
        Reason::TooLarge,
        Reason::TimedOut,
        Reason::Failed,
        Reason::IgnoredFile,
        Reason::MidWord,
        Reason::Empty,
        Reason::TooShort,
        Reason::RepeatsSuffix,
        Reason::RepeatsPrefix,
        Reason::Loop,
        Reason::Promise,
        Reason::LowConfidence,
        Reason::SyntaxError,
    ];
    let mut codes: Vec<&str> = all.iter().map(|reason| reason.code()).collect();
    assert!(codes.iter().all(|code| code.chars().all(|c| c.is_ascii_lowercase() || c == '-')), "{codes:?}");
    assert!(all.iter().all(|reason| reason.explain().contains(' ')));
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), all.len());
}
