//! What of other files is chosen for a document, and when another choice is worth its price.

use infill_ls::complete::context::{ContextRequest, OpenDocument, choose};
use infill_ls::complete::{Context, PieceSource, TokenCount};
use infill_ls::text::{Language, Snapshot};

use super::Project;

/// A token is a word.
struct Words;

impl TokenCount for Words {
    fn count(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }
}

/// Chooses for a file of the project with the cursor at `$0`, or nowhere.
fn chosen(project: &Project, path: &str, text: &str, tokens: usize, open: &[OpenDocument]) -> Context {
    let cursor = text.find("$0");
    let path = project.path(path);
    let snapshot = Snapshot::new(Language::from_path(&path), &text.replace("$0", ""));
    let request = ContextRequest { snapshot: &snapshot, path: &path, cursor, tokens, open };
    choose(&request, &project.workspace, &Words)
}

fn open(shown: &str, text: &str, edited: Option<usize>) -> OpenDocument {
    let snapshot = Snapshot::new(Language::from_path(shown.as_ref()), text);
    OpenDocument { shown: shown.into(), file: shown.into(), snapshot, edited }
}

fn paths(context: &Context) -> Vec<&str> {
    context.pieces.iter().map(|piece| piece.path.as_str()).collect()
}

const AUTH: &str =
    "class Token:\n    expires_in: Expiry\n\nclass Expiry:\n    seconds: int\n\nclass Unrelated:\n    pass\n";

#[test]
fn the_definitions_of_what_is_used_and_the_types_that_they_speak_of() {
    let project = Project::of(&[("pkg/auth.py", AUTH), ("pkg/far.py", "def far(): pass\n")]);
    let context = chosen(&project, "pkg/a.py", "from pkg.auth import Token\n\ntoken = Token()\n$0", 500, &[]);
    assert_eq!(paths(&context), ["pkg/auth.py"]);
    let piece = &context.pieces[0];
    assert_eq!(piece.text, "class Token:\n    expires_in: Expiry\nclass Expiry:\n    seconds: int\n");
    assert_eq!((piece.source, piece.reason.as_str()), (PieceSource::Definitions, "defines Token, Expiry"));
}

#[test]
fn what_the_file_defines_itself_is_not_fetched_from_elsewhere() {
    let project = Project::of(&[("pkg/auth.py", AUTH)]);
    let context = chosen(&project, "a.py", "class Token: pass\nToken()\n$0", 500, &[]);
    assert!(context.pieces.is_empty(), "{context:?}");
}

#[test]
fn never_more_than_the_budget_and_what_is_at_the_cursor_first() {
    let classes = |letter: char| -> String {
        (0..30).map(|n| format!("class {letter}{n}:\n    one: int\n    two: int\n")).collect()
    };
    let project = Project::of(&[("x.py", &classes('X')), ("y.py", &classes('Y'))]);
    let uses = |letter: char| (0..30).map(|n| format!("{letter}{n}()\n")).collect::<String>();
    let far = "\n".repeat(4_000);
    let text = format!("from x import *\nfrom y import *\n{}{far}{}$0\n", uses('X'), uses('Y'));
    let context = chosen(&project, "a.py", &text, 100, &[]);
    let tokens: usize = context.pieces.iter().map(|piece| piece.tokens).sum();
    assert!((60..=100).contains(&tokens), "{tokens}");
    assert_eq!(paths(&context), ["y.py"]);
}

#[test]
fn notes_come_first_and_what_was_edited_last_comes_last() {
    let project = Project::of(&[(".infill/context.md", "All amounts are `Money`.\n"), ("auth.py", AUTH)]);
    let others = [
        open("other.py", "def total(prices):\n    return sum(prices)\n", Some(5)),
        open("like.py", "token = Token()\nanswer = token.ask()\nprint(answer.text)\n", None),
    ];
    let text = "from auth import Token\ntoken = Token()\nprint(token.answer)\n$0";
    let context = chosen(&project, "a.py", text, 400, &others);
    assert_eq!(paths(&context), [".infill/context.md", "auth.py", "like.py", "other.py"]);
    let sources: Vec<_> = context.pieces.iter().map(|piece| piece.source.name()).collect();
    assert_eq!(sources, ["notes", "definitions", "similar", "edited"]);
}

#[test]
fn a_place_that_reads_like_the_text_at_the_cursor_is_left_out() {
    let project = Project::of(&[("a.py", "")]);
    let text = "def load(path):\n    with open(path) as file:\n        return json.load(file)\n$0";
    let others = [open(
        "copy.py",
        "def load(path):\n    with open(path) as file:\n        return json.load(file)\n",
        Some(3),
    )];
    assert!(chosen(&project, "a.py", text, 400, &others).pieces.is_empty());
}

#[test]
fn another_choice_is_worth_it_when_much_is_lacking_and_not_for_little() {
    let project = Project::of(&[("auth.py", AUTH), ("b.py", "class Basket:\n    items: list\n")]);
    let start = "from auth import Token\nfrom b import Basket\n";
    let before =
        chosen(&project, "a.py", &format!("from auth import Token\n{}$0", "Token()\n".repeat(9)), 400, &[]);
    let little = chosen(&project, "a.py", &format!("{start}{}$0", "Token()\n".repeat(9)), 400, &[]);
    let much = chosen(&project, "a.py", &format!("{start}Token()\n{}$0", "Basket()\n".repeat(9)), 400, &[]);
    assert_eq!(before.lacks(&before), 0.0);
    assert!(0.0 < before.lacks(&little) && before.lacks(&little) < before.lacks(&much));
    assert!(little.lacks(&much) < 0.01, "the same names are there already");
}

#[test]
fn a_module_that_is_used_as_a_whole_says_what_it_offers() {
    let data = "class Kind:\n    A = 1\n\ndef load(path: str) -> Kind:\n    return open(path)\n\n_own = 1\n";
    let project = Project::of(&[("core/data.py", data)]);
    let text = "from core import data as store\n\nkinds = store.$0\n";
    let context = chosen(&project, "a.py", text, 100, &[]);
    assert_eq!(paths(&context), ["core/data.py"]);
    let piece = &context.pieces[0];
    // What the module is asked for may be a kind: that is told with its members.
    assert_eq!(piece.text, "class Kind:\n    A = 1\ndef load(path: str) -> Kind: ...\n");
    assert_eq!(piece.reason, "defines store, Kind");
}

#[test]
fn what_is_not_used_yet_and_what_a_class_is_built_on_stand_nearest() {
    let project = Project::of(&[
        ("a.py", "class Used:\n    one: int\n"),
        ("b.py", "class Fresh:\n    one: int\n"),
        ("c.py", "class Base:\n    one: int\n"),
    ]);
    let imports = "from c import Base\nfrom b import Fresh\nfrom a import Used\n";
    let text = format!("{imports}Used()\n\nclass Own(Base):\n    pass\n");
    assert_eq!(paths(&chosen(&project, "d.py", &text, 100, &[])), ["a.py", "b.py", "c.py"]);
    let text = format!("{imports}Used()\nBase()\n\nclass Own(Fresh):\n    pass\n");
    assert_eq!(paths(&chosen(&project, "d.py", &text, 100, &[])), ["a.py", "c.py", "b.py"]);
}

#[test]
fn all_that_fit_come_in_brief_before_any_comes_at_length() {
    let long = "class Long:\n    def ask(self, question: str, *, patience: float = 1.0, tone: str = \"kind\", times: int = 3) -> str:\n        return question\n";
    let project = Project::of(&[("a.py", long), ("b.py", "class Other:\n    one: int\n    two: int\n")]);
    let text = "from a import Long\nfrom b import Other\nLong(); Other()\n";
    let of_long = |tokens: usize| {
        let context = chosen(&project, "c.py", text, tokens, &[]);
        context.pieces.iter().find(|piece| piece.path == "a.py").unwrap().text.clone()
    };
    assert_eq!(
        of_long(100),
        "class Long:\n    def ask(self, question, *, patience, tone, times) -> str: ...\n"
    );
    assert!(of_long(1000).contains("patience: float = 1.0"), "{}", of_long(1000));
}
