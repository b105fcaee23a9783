//! Where the names that a file uses come from, by the rules of its language.

use std::path::Path;

use infill_ls::syntax;
use infill_ls::text::Language;
use infill_ls::workspace::Resolver;

use super::Project;

/// The files in which `name`, used in the file at `path`, is defined.
fn meant(project: &Project, path: &str, name: &str) -> Vec<String> {
    let file = project.path(path);
    let language = Language::from_path(Path::new(path));
    let text = std::fs::read_to_string(&file).unwrap();
    let resolver = Resolver::new(&project.workspace);
    let imported = resolver.imported(&file, language, &syntax::imports(language, &text));
    let (places, _) = resolver.meant(name, &file, language, &imported);
    let mut files: Vec<String> = places.iter().map(|place| place.file.shown.clone()).collect();
    files.dedup();
    files
}

#[test]
fn python_relative_absolute_and_passed_on() {
    let project = Project::of(&[
        ("pkg/__init__.py", "from pkg._types import Token\n"),
        ("pkg/_types.py", "class Token: pass\nclass Other: pass\n"),
        ("other/_types.py", "class Other: pass\nclass Third: pass\n"),
        ("third/_types.py", "class Other: pass\n"),
        ("pkg/sub/a.py", "from .._types import Other\nfrom pkg import Token\n"),
        ("pkg/sub/b.py", "from pkg import _types\nimport pkg._types as t\n"),
        ("src/tool/c.py", ""),
        ("d.py", "from tool import c\n"),
    ]);
    assert_eq!(meant(&project, "pkg/sub/a.py", "Other"), ["pkg/_types.py"]);
    assert_eq!(meant(&project, "pkg/sub/a.py", "Token"), ["pkg/_types.py"]);
    assert_eq!(meant(&project, "pkg/sub/b.py", "Other"), ["pkg/_types.py"]);
}

#[test]
fn rust_crate_super_self_and_another_crate() {
    let project = Project::of(&[
        ("core/src/lib.rs", "pub mod model;\npub use model::Tokens;\n"),
        ("core/src/model.rs", "mod skill;\npub use skill::*;\npub struct Tokens;\n"),
        (
            "core/src/model/skill.rs",
            "use super::Tokens;\npub struct Skill;\nimpl Skill { pub fn learn() {} }\n",
        ),
        ("core/src/engine/mod.rs", "mod job;\npub struct Engine;\n"),
        ("core/src/engine/job.rs", "use super::Engine;\nuse crate::model::{Skill, Tokens as T};\n"),
        ("tool/src/main.rs", "use core::Tokens;\n"),
        ("elsewhere/src/lib.rs", "pub struct Tokens;\npub struct Skill;\npub struct Engine;\n"),
        ("third/src/lib.rs", "pub struct Tokens;\npub struct Skill;\npub struct Engine;\n"),
    ]);
    assert_eq!(meant(&project, "core/src/engine/job.rs", "Skill"), ["core/src/model/skill.rs"]);
    assert_eq!(meant(&project, "core/src/engine/job.rs", "Tokens"), ["core/src/model.rs"]);
    assert_eq!(meant(&project, "core/src/engine/job.rs", "Engine"), ["core/src/engine/mod.rs"]);
    assert_eq!(meant(&project, "core/src/model/skill.rs", "Tokens"), ["core/src/model.rs"]);
    assert_eq!(meant(&project, "tool/src/main.rs", "Tokens"), ["core/src/model.rs"]);
}

#[test]
fn typescript_relative_index_and_passed_on() {
    let project = Project::of(&[
        ("src/utils/index.ts", "export * from './deep'\n"),
        ("src/utils/deep.ts", "export function deepEquals() {}\n"),
        ("src/utils/other.ts", "export function other() {}\n"),
        ("src/lifecycle.ts", "export class Lifecycle { markError() {} }\n"),
        (
            "src/a.ts",
            "import { deepEquals } from './utils'\nimport { Lifecycle as L } from './lifecycle.js'\n",
        ),
        ("src/sub/b.tsx", "import { Lifecycle } from '@/lifecycle'\n"),
        ("x/one.ts", "export class Lifecycle {}\nexport function deepEquals() {}\n"),
        ("x/two.ts", "export class Lifecycle {}\nexport function deepEquals() {}\n"),
    ]);
    assert_eq!(meant(&project, "src/a.ts", "deepEquals"), ["src/utils/deep.ts"]);
    assert_eq!(meant(&project, "src/a.ts", "Lifecycle"), ["src/lifecycle.ts"]);
    assert_eq!(meant(&project, "src/sub/b.tsx", "Lifecycle"), ["src/lifecycle.ts"]);
}

#[test]
fn go_packages_and_files_beside() {
    let project = Project::of(&[
        ("tea.go", "package tea\n\nimport \"example.com/tea/key\"\n\nvar p Program\n"),
        ("program.go", "package tea\n\ntype Program struct{}\n"),
        ("options.go", "package tea\n\nfunc (p *Program) Run() {}\n"),
        ("key/key.go", "package key\n\ntype Binding struct{}\n"),
        ("a/x.go", "package a\n\ntype Program struct{}\ntype Binding struct{}\n"),
        ("b/x.go", "package b\n\ntype Program struct{}\ntype Binding struct{}\n"),
    ]);
    assert_eq!(meant(&project, "tea.go", "Program"), ["options.go", "program.go"]);
    assert_eq!(meant(&project, "tea.go", "Binding"), ["key/key.go"]);
}

#[test]
fn java_and_c() {
    let project = Project::of(&[
        ("src/main/java/org/shop/Money.java", "package org.shop;\npublic class Money {}\n"),
        (
            "src/main/java/org/shop/cart/Cart.java",
            "package org.shop.cart;\nimport org.shop.Money;\nclass Cart {}\n",
        ),
        ("include/util/list.h", "typedef struct list list_t;\nint list_push(void);\n"),
        ("src/main.c", "#include \"util/list.h\"\nint main(void) { return list_push(); }\n"),
        ("x/Money.java", "class Money {}\n"),
        ("y/Money.java", "class Money {}\n"),
    ]);
    let cart = "src/main/java/org/shop/cart/Cart.java";
    assert_eq!(meant(&project, cart, "Money"), ["src/main/java/org/shop/Money.java"]);
    assert_eq!(meant(&project, "src/main.c", "list_push"), ["include/util/list.h"]);
}

#[test]
fn without_an_import_only_a_name_that_says_one_thing_counts() {
    let project = Project::of(&[
        ("a.py", "class Rare: pass\nclass Frequent: pass\n"),
        ("b.py", "class Frequent: pass\n"),
        ("c.py", "class Frequent: pass\n"),
        ("d.rs", "struct Rusty;\n"),
        ("use.py", "Rare(); Frequent(); Rusty()\n"),
    ]);
    assert_eq!(meant(&project, "use.py", "Rare"), ["a.py"]);
    assert!(meant(&project, "use.py", "Frequent").is_empty());
    assert!(meant(&project, "use.py", "Rusty").is_empty());
}

#[test]
fn a_module_that_is_used_as_a_whole_gives_its_members() {
    let project = Project::of(&[
        ("pkg/core/__init__.py", ""),
        ("pkg/core/data.py", "class Kind: pass\nLIMIT = 1\n"),
        ("pkg/core/data/data.py", "class Deep: pass\n"),
        ("one.py", "from pkg.core import data\ndata.Kind\n"),
        ("two.py", "from pkg.core import data as d\nd.Kind\n"),
        ("three.py", "import pkg.core.data as d\nd.Kind\n"),
        ("src/ns.ts", "export class Kind {}\n"),
        ("src/a.ts", "import * as ns from './ns'\nns.Kind\n"),
        ("core/src/lib.rs", "mod skill;\nmod user;\n"),
        ("core/src/skill.rs", "pub struct Kind;\n"),
        ("core/src/user.rs", "use crate::skill;\nlet x: skill::Kind;\n"),
        ("x/one.py", "class Kind: pass\n"),
        ("x/two.py", "class Kind: pass\n"),
        ("x/one.ts", "export class Kind {}\n"),
        ("x/two.ts", "export class Kind {}\n"),
        ("x/src/one.rs", "pub struct Kind;\n"),
        ("x/src/two.rs", "pub struct Kind;\n"),
    ]);
    for python in ["one.py", "two.py", "three.py"] {
        assert_eq!(meant(&project, python, "Kind"), ["pkg/core/data.py"], "{python}");
    }
    assert_eq!(meant(&project, "src/a.ts", "Kind"), ["src/ns.ts"]);
    assert_eq!(meant(&project, "core/src/user.rs", "Kind"), ["core/src/skill.rs"]);
}
