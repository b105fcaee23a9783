//! What governs a cursor: fixtures with a `$0`, and what each size and each broken text costs.

mod describing;
mod insertion;

use std::fmt::Write;
use std::time::Duration;

use cpu_time::ThreadTime;
use expect_test::{Expect, expect};
use infill_ls::syntax::{describing_comment, requirements};
use infill_ls::text::{Language, Snapshot};
use proptest::prelude::*;

fn parts(language: &str, fixture: &str) -> (Snapshot, usize) {
    let offset = fixture.find("$0").unwrap();
    (Snapshot::new(Language::from_id(language), &fixture.replacen("$0", "", 1)), offset)
}

/// Compares the requirements, one a line; the range of each is read back from the document.
#[track_caller]
fn check(language: &str, fixture: &str, expected: Expect) {
    let (snapshot, offset) = parts(language, fixture);
    let mut found = String::new();
    for requirement in requirements(&snapshot, offset) {
        let written = snapshot.slice(requirement.range.clone());
        writeln!(found, "{:?} {:?} <- {written:?}", requirement.kind, requirement.text).unwrap();
    }
    expected.assert_eq(&found);
}

#[test]
fn python_comments_docstrings_and_header() {
    check(
        "python",
        r#"#!/usr/bin/env python3
# Money is in cents.
"""Shop logic."""
import os

# Not about the cursor.
RATE = 3

# Carts are never empty.
@final
class Cart:
    """Holds items.

    All of them are sold.
    """

    # Neither is this one.
    size = 0

    # Returns the total, rounded up.
    @property
    def total(
        self,
        rate: dict[str, int] = {"a": 1},
    ) -> int:
        r'''Includes the tax.'''
        count = 0
        for item in self.items:
            # Skip what is free.
            $0
        return count
"#,
        expect![[r##"
            Header "Money is in cents." <- "# Money is in cents."
            Header "Shop logic." <- "\"\"\"Shop logic.\"\"\""
            Enclosing "Carts are never empty." <- "# Carts are never empty."
            Docstring "Holds items.\n\nAll of them are sold." <- "\"\"\"Holds items.\n\n    All of them are sold.\n    \"\"\""
            Enclosing "Returns the total, rounded up." <- "# Returns the total, rounded up."
            Docstring "Includes the tax." <- "r'''Includes the tax.'''"
            Above "Skip what is free." <- "# Skip what is free."
        "##]],
    );
}

#[test]
fn python_function_at_the_end_of_the_file() {
    check(
        "python",
        "# Adds two numbers.\ndef add(a, b):\n    \"\"\"Answers in hexadecimal.\"\"\"\n    $0",
        expect![[r##"
            Enclosing "Adds two numbers." <- "# Adds two numbers."
            Docstring "Answers in hexadecimal." <- "\"\"\"Answers in hexadecimal.\"\"\""
        "##]],
    );
    check(
        "python",
        "def old():\n    '''Old.'''\n    pass\n\n# Sorts by name.\n\n\n$0",
        expect![[r##"
        Above "Sorts by name." <- "# Sorts by name."
    "##]],
    );
    check(
        "python",
        "def outer():\n    '''Outer.'''\n\n$0\n    return 1\n",
        expect![[r#"
        Docstring "Outer." <- "'''Outer.'''"
    "#]],
    );
}

#[test]
fn python_text_in_strings_is_no_comment() {
    check(
        "python",
        "def query():\n    \"\"\"Builds it.\"\"\"\n    sql = '''\nSELECT\n# not a comment\n$0\n'''\n",
        expect![[r#"
            Docstring "Builds it." <- "\"\"\"Builds it.\"\"\""
        "#]],
    );
}

#[test]
fn rust_doc_comments_inside_and_out() {
    check(
        "rust",
        r#"//! Parses dates.
//! Never allocates.

use std::fmt;

/// A date.
#[derive(Debug)]
#[must_use]
pub struct Date;

/// Methods take days since 1970.
impl Date {
    /* Not this one. */
    fn before() {}

    /// Adds `days`,
    /// saturating at the end.
    #[inline]
    pub fn add<T>(
        self,
        days: T,
    ) -> Self
    where
        T: Into<i64>,
    {
        //! Inner words.
        let url = "// no comment";
        // Count from one.
        let x = $0;
    }
}
"#,
        expect![[r#"
            Header "Parses dates.\nNever allocates." <- "//! Parses dates.\n//! Never allocates."
            Enclosing "Methods take days since 1970." <- "/// Methods take days since 1970."
            Enclosing "Adds `days`,\nsaturating at the end." <- "/// Adds `days`,\n    /// saturating at the end."
            Docstring "Inner words." <- "//! Inner words."
            Above "Count from one." <- "// Count from one."
        "#]],
    );
}

#[test]
fn rust_that_does_not_parse() {
    check(
        "rust",
        "/// Sums the squares.\npub fn sum(\n    xs: &[f64],\n) -> f64 {\n    let y = match (\n    $0\n",
        expect![[r#"
            Enclosing "Sums the squares." <- "/// Sums the squares."
        "#]],
    );
}

#[test]
fn typescript_jsdoc_on_methods_and_arrows() {
    check(
        "typescript",
        r#"/**
 * Licensed under the Apache License, Version 2.0.
 */

/* eslint-disable no-console */
// All times are UTC.
import x from 'x';

/** A clock. */
export class Clock {
    /**
     * Returns the time
     *   as a string.
     *
     * @param zone ignored
     */
    @memo()
    async now(zone: string): Promise<string> {
        // Cache for a second.
        const inner = (a: number) => {
            return `
// not a comment
${a$0}`;
        };
    }
}
"#,
        expect![[r#"
            Header "eslint-disable no-console\nAll times are UTC." <- "/* eslint-disable no-console */\n// All times are UTC."
            Enclosing "A clock." <- "/** A clock. */"
            Enclosing "Returns the time\n  as a string.\n\n@param zone ignored" <- "/**\n     * Returns the time\n     *   as a string.\n     *\n     * @param zone ignored\n     */"
            Enclosing "Cache for a second." <- "// Cache for a second."
        "#]],
    );
    check(
        "typescriptreact",
        "// Red.\nconst A = () => {\n  return <b>{/* no */}$0</b>;\n};\n",
        expect![[r#"
            Enclosing "Red." <- "// Red."
        "#]],
    );
}

#[test]
fn go_doc_comments() {
    check(
        "go",
        "// Package shop sells.\npackage shop\n\n// Total sums the cart\n// in cents.\nfunc (c *Cart) Total() int {\n\tn := 0\n\n\t// Skip nil items.\n\tfor _, item := range c.items {\n\t\tn += $0 // no overflow\n\t}\n\treturn n\n}\n",
        expect![[r#"
            Header "Package shop sells." <- "// Package shop sells."
            Enclosing "Total sums the cart\nin cents." <- "// Total sums the cart\n// in cents."
            Enclosing "Skip nil items." <- "// Skip nil items."
            Above "no overflow" <- "// no overflow"
        "#]],
    );
}

#[test]
fn c_family_and_java() {
    check(
        "c",
        "/* Header. */\n#include <stdio.h>\n\n/*\n * Adds.\n */\nint add(int a, int b)\n{\n    return $0;\n}\n",
        expect![[r#"
            Header "Header." <- "/* Header. */"
            Enclosing "Adds." <- "/*\n * Adds.\n */"
        "#]],
    );
    check(
        "cpp",
        "// In metres.\nnamespace geo {\n/// Area.\ntemplate <class T>\nT area(T a) {\n  $0\n}\n}\n",
        expect![[r#"
            Enclosing "In metres." <- "// In metres."
            Enclosing "Area." <- "/// Area."
        "#]],
    );
    check(
        "java",
        "package a;\n\n/** Bank. */\npublic class Bank {\n    /** Pays. */\n    @Override\n    void pay() {\n        $0\n    }\n}\n",
        expect![[r#"
            Enclosing "Bank." <- "/** Bank. */"
            Enclosing "Pays." <- "/** Pays. */"
        "#]],
    );
}

#[test]
fn languages_without_a_grammar_go_by_markers_and_indentation() {
    check(
        "lua",
        "-- Inventory, in kilograms.\nlocal M = {}\n\n--[[ Adds an item.\nNever twice. ]]\nfunction M.add(item)\n  -- Check first.\n  if item then\n    $0\n  end\nend\n",
        expect![[r#"
            Header "Inventory, in kilograms." <- "-- Inventory, in kilograms."
            Enclosing "Adds an item.\nNever twice." <- "--[[ Adds an item.\nNever twice. ]]"
            Enclosing "Check first." <- "-- Check first."
        "#]],
    );
    check(
        "klingon",
        "// Header.\n\n#include x\n\n/* Doc of f:\n   two lines */\nf(\n  a,\n) {\n  ; skipped\n  b\n\n  # Next one.\n  $0\n}\n",
        expect![[r##"
            Header "Header." <- "// Header."
            Enclosing "Doc of f:\ntwo lines" <- "/* Doc of f:\n   two lines */"
            Above "Next one." <- "# Next one."
        "##]],
    );
    check(
        "html",
        "<!-- Shop page -->\n<body>\n  <!-- The list -->\n  <ul>\n    $0\n  </ul>\n</body>\n",
        expect![[r#"
            Enclosing "Shop page" <- "<!-- Shop page -->"
            Enclosing "The list" <- "<!-- The list -->"
        "#]],
    );
}

#[test]
fn line_endings_of_every_kind() {
    check(
        "python",
        "# One.\r\n# Two.\r\ndef f():\r\n    '''Doc\r\n    more.'''\r\n    $0",
        expect![[r##"
            Enclosing "One.\nTwo." <- "# One.\r\n# Two."
            Docstring "Doc\nmore." <- "'''Doc\r\n    more.'''"
        "##]],
    );
    check(
        "rust",
        "/// One.\r/// Two.\rfn f() {\r    $0\r}",
        expect![[r#"
            Enclosing "One.\nTwo." <- "/// One.\r/// Two."
        "#]],
    );
}

#[test]
fn a_header_is_about_the_file() {
    check("python", "# Doubles.\ndef f(x):\n    return 2 * x\n\n\ny = $0\n", expect![[r##""##]]);
    check(
        "rust",
        "// Units: metres.\n\n/// A point.\npub struct Point;\n\nfn f() { $0 }\n",
        expect![[r#"
            Header "Units: metres." <- "// Units: metres."
        "#]],
    );
    check(
        "python",
        "# -*- coding: utf-8 -*-\n# Times in UTC.\n\n# Names in French.\n\nx = 1\n\ny = $0\n",
        expect![[r##"
            Header "-*- coding: utf-8 -*-\nTimes in UTC." <- "# -*- coding: utf-8 -*-\n# Times in UTC."
            Header "Names in French." <- "# Names in French."
        "##]],
    );
    check(
        "php",
        "<?php\n// Shop.\n\n$x = 1;\n$y = $0;\n",
        expect![[r#"
        Header "Shop." <- "// Shop."
    "#]],
    );
    check(
        "rust",
        "// Copyright 2024 Somebody.\n// Permission is hereby granted, free of charge, to any person\n\nfn f() { $0 }\n",
        expect![[r##""##]],
    );
}

#[track_caller]
fn check_quick(language: &str, text: &str, offset: usize, expected: usize) {
    let snapshot = Snapshot::new(Language::from_id(language), text);
    let begun = ThreadTime::now();
    assert_eq!(requirements(&snapshot, offset).len(), expected);
    describing_comment(&snapshot, offset);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn size_costs_no_time() {
    let function = "# Doubles.\ndef f(x):\n    '''Doc.'''\n    return x * 2\n\n";
    let large = format!("# Header.\n\n{}", function.repeat(200_000));
    let cursor = 11 + function.len() * 100_000 - 3;
    check_quick("python", &large, cursor, 3);
    check_quick("python", &"# note\n".repeat(1_000_000), 3_500_000, 2);
    check_quick("javascript", &format!("/** Doc. */\nf({}", "a+b,".repeat(500_000)), 1_000_000, 1);
    check_quick("javascript", &"(".repeat(200_000), 150_000, 0);
    let method = "  /** Doubles. */\n  double(x) {\n    return 2 * x;\n  }\n\n";
    let class = format!("// Units: metres.\n\n/** Numbers. */\nclass A {{\n{}}}\n", method.repeat(2_600));
    check_quick("javascript", &class, class.len() / 2, 3);
    check_quick("python", &format!("# Header.{}", "\n".repeat(3_000_000)), 1_500_000, 1);
    check_quick("klingon", &"\u{0} ".repeat(1_000_000), 1_000_000, 0);
}

proptest! {
    #[test]
    fn no_text_breaks_it(
        parts in prop::collection::vec(prop::sample::select(vec![
            "def f(x):", "class A", ":", "\"\"\"", "'''", "#", "//", "///", "/*", "*/", "<!--", "{", "}", "(", ")", "fn f()",
            "todo!()", "\n", "\r\n", "\r", "    ", "é", "😀", "\0", "@x", "#[a]", "'", "--[[", "]]", "pass", "words here",
        ]), 0..40),
        language in prop::sample::select(vec!["python", "rust", "typescript", "go", "cpp", "lua", "html", "klingon"]),
        offset in 0_usize..200,
    ) {
        let snapshot = Snapshot::new(Language::from_id(language), &parts.concat());
        let found = requirements(&snapshot, offset);
        for pair in found.windows(2) {
            prop_assert!(pair[0].range.end <= pair[1].range.start);
        }
        if let Some(found) = describing_comment(&snapshot, offset) {
            prop_assert!(found.range.end <= found.insert_at && found.insert_at <= snapshot.len());
            prop_assert!(!found.text.is_empty());
        }
    }
}
