//! What happened to suggestions, as it is written down: told by the editor or concluded from the edits, and looked at again
//! half a minute and five minutes later. The clock is the tests'.

use std::fs;
use std::time::Duration;

use infill_ls::config::Settings;
use infill_ls::stats::{Fate, Outcome, Place, all_outcomes};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Builder, Script, TestServer, asked, at, fixture};

const INLINE: &str = "textDocument/inlineCompletion";
const URI: &str = "file:///project/a.py";

/// A document with a suggestion at its cursor, and the folder where the outcome will be.
struct Shown {
    server: TestServer,
    dir: TempDir,
    place: (u32, u32),
    version: i32,
    /// The item's command.
    command: Value,
}

impl Shown {
    /// The model always writes `suggestion`.
    async fn new(suggestion: &'static str, text: &str) -> Self {
        Self::with(Settings::default(), suggestion, text).await
    }

    async fn with(settings: Settings, suggestion: &'static str, text: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let script = Script::says(suggestion);
        let server = Builder::new(&script).settings(settings).log_dir(dir.path().into()).ready().await;
        let (text, place) = fixture(text);
        let mut shown = Self { server, dir, place, version: 1, command: Value::Null };
        shown.server.open(URI, "python", &text).await;
        let mut answer = shown.server.call(INLINE, at(URI, place.0, place.1)).await;
        assert_ne!(answer, Value::Null);
        shown.command = answer["items"][0]["command"].take();
        shown
    }

    /// Replaces columns behind the cursor of the beginning, on its line.
    async fn edit(&mut self, from: u32, to: u32, text: &str) {
        self.version += 1;
        let place = |column| json!({ "line": self.place.0, "character": self.place.1 + column });
        let range = json!({ "start": place(from), "end": place(to) });
        self.server.change(URI, self.version, json!([{ "range": range, "text": text }])).await;
    }

    /// Types at a column, key by key.
    async fn type_keys(&mut self, mut column: u32, text: &str) {
        for key in text.chars() {
            self.edit(column, column, &key.to_string()).await;
            column += 1;
        }
    }

    /// The editor executes the item's command.
    async fn tell(&mut self) {
        let command = self.command.take();
        let params = json!({ "command": command["command"], "arguments": command["arguments"] });
        self.server.call("workspace/executeCommand", params).await;
    }

    async fn sleep(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    /// Ends the session and returns what was written down.
    async fn outcomes(self) -> Vec<Outcome> {
        self.server.finish().await;
        all_outcomes(self.dir.path())
    }

    async fn outcome(self) -> Outcome {
        let mut outcomes = self.outcomes().await;
        assert_eq!(outcomes.len(), 1, "{outcomes:?}");
        outcomes.pop().unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn an_editor_that_executes_the_command_tells_that_it_was_accepted() {
    let mut shown = Shown::new("a + b\n", "total = $0\n").await;
    shown.edit(0, 0, "a + b").await;
    shown.tell().await;
    let outcome = shown.outcome().await;
    assert_eq!((outcome.fate, outcome.inferred), (Fate::Accepted, false));
    assert_eq!((outcome.characters, outcome.accepted, outcome.keys_saved), (5, 5, 4));
    assert_eq!((outcome.facts.language.as_str(), outcome.facts.place), ("python", Place::Inline));
    assert_eq!(outcome.lines, 1);
}

#[tokio::test(start_paused = true)]
async fn what_an_editor_made_of_it_is_accepted_when_it_says_so() {
    let mut shown = Shown::new("a + b\n", "total = $0\n").await;
    shown.tell().await;
    let outcome = shown.outcome().await;
    assert_eq!((outcome.fate, outcome.inferred, outcome.accepted), (Fate::Accepted, false, 5));
}

#[tokio::test(start_paused = true)]
async fn from_the_edits_alone_it_is_inferred() {
    let mut shown = Shown::new("a + b\n", "total = $0\n").await;
    shown.type_keys(0, "a ").await;
    shown.edit(2, 2, "+ b").await;
    let outcome = shown.outcome().await;
    assert_eq!((outcome.fate, outcome.inferred), (Fate::Accepted, true));
    assert_eq!((outcome.accepted, outcome.keys_saved), (3, 2));
}

#[tokio::test(start_paused = true)]
async fn brackets_that_it_replaced_make_no_difference() {
    let mut shown = Shown::new("1, 2))\n", "print(max($0))\n").await;
    shown.edit(0, 2, "1, 2))").await;
    assert_eq!(shown.outcome().await.fate, Fate::Accepted);
}

#[tokio::test(start_paused = true)]
async fn an_item_of_the_menu_replaces_the_word_before_the_cursor() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Builder::new(&Script::says("int(total)\n")).log_dir(dir.path().into()).ready().await;
    server.open(URI, "python", "pr\n").await;
    let answer = server.call("textDocument/completion", at(URI, 0, 2)).await;
    let edit = &answer["items"][0]["textEdit"];
    server.change(URI, 2, json!([{ "range": edit["range"], "text": edit["newText"] }])).await;
    server.finish().await;
    let outcome = all_outcomes(dir.path()).pop().unwrap();
    assert_eq!((outcome.fate, outcome.facts.place, outcome.accepted), (Fate::Accepted, Place::Menu, 10));
}

#[tokio::test(start_paused = true)]
async fn a_word_of_it_and_then_something_else_is_partly_accepted() {
    let mut shown = Shown::new("maximum + b\n", "total = $0\n").await;
    shown.edit(0, 0, "maximum").await;
    shown.type_keys(7, "(x").await;
    let outcome = shown.outcome().await;
    assert_eq!((outcome.fate, outcome.inferred, outcome.accepted), (Fate::Partly, true, 7));
    assert_eq!(outcome.characters, 11);
}

#[tokio::test(start_paused = true)]
async fn our_own_commands_need_no_inference() {
    let mut shown = Shown::new("maximum + b\n", "total = $0\n").await;
    for (column, word) in [(0, "maximum"), (7, " +"), (9, " b")] {
        let params = json!({ "command": "infill-ls.acceptWord" });
        assert_eq!(shown.server.call("workspace/executeCommand", params).await, true);
        shown.edit(column, column, word).await;
    }
    let outcome = shown.outcome().await;
    assert_eq!((outcome.fate, outcome.inferred), (Fate::Accepted, false));
    assert_eq!((outcome.accepted, outcome.keys_saved), (11, 8));
}

#[tokio::test(start_paused = true)]
async fn typed_by_hand_it_was_right_but_not_accepted() {
    let mut shown = Shown::new("a + b\n", "total = $0\n").await;
    shown.type_keys(0, "a + b").await;
    let outcome = shown.outcome().await;
    assert_eq!((outcome.fate, outcome.accepted, outcome.keys_saved), (Fate::Typed, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_suggestion_is_one_while_it_is_typed_along() {
    let mut shown = Shown::new("a + b\n", "total = $0\n").await;
    for (column, key) in [(0, "a"), (1, " "), (2, "+")] {
        shown.sleep(1).await;
        shown.type_keys(column, key).await;
        shown.server.call(INLINE, at(URI, 0, 9 + column)).await;
    }
    shown.edit(3, 3, " b").await;
    let outcome = shown.outcome().await;
    assert_eq!((outcome.fate, outcome.accepted, outcome.stood_ms), (Fate::Accepted, 2, 3000));
}

#[tokio::test(start_paused = true)]
async fn something_else_is_a_pass_and_what_nobody_could_read_is_none() {
    for (seconds, fate) in [(1, Fate::Passed), (0, Fate::Glimpsed)] {
        let mut shown = Shown::new("a + b\n", "total = $0\n").await;
        shown.sleep(seconds).await;
        shown.type_keys(0, "x").await;
        assert_eq!(shown.outcome().await.fate, fate);
    }
}

#[tokio::test(start_paused = true)]
async fn another_suggestion_takes_its_place() {
    let mut shown = Shown::new("a + b\n", "total = $0\nother = \n").await;
    shown.sleep(1).await;
    shown.server.call(INLINE, at(URI, 1, 8)).await;
    shown.sleep(1).await;
    let fates: Vec<Fate> = shown.outcomes().await.iter().map(|outcome| outcome.fate).collect();
    assert_eq!(fates, [Fate::Passed, Fate::Passed]);
}

#[tokio::test(start_paused = true)]
async fn an_edit_above_moves_it() {
    let mut shown = Shown::new("a + b\n", "total = $0\n").await;
    shown.server.insert(URI, 2, (0, 0), "# é\n\n").await;
    shown.version = 2;
    shown.place.0 += 2;
    shown.edit(0, 0, "a + b").await;
    assert_eq!(shown.outcome().await.fate, Fate::Accepted);
}

#[tokio::test(start_paused = true)]
async fn the_choice_that_was_accepted_counts() {
    let dir = tempfile::tempdir().unwrap();
    let calls = std::sync::atomic::AtomicUsize::new(0);
    let script = Script::answers(move |_| {
        let call = calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        ["a + b\n", "b - a\n", "b + aa\n"][call % 3].into()
    });
    let mut server = Builder::new(&script).log_dir(dir.path().into()).ready().await;
    server.open(URI, "python", "total = \n").await;
    let answer = server.call(INLINE, asked(URI, (0, 8))).await;
    server.insert(URI, 2, (0, 8), "b + aa").await;
    let command = &answer["items"][2]["command"];
    let params = json!({ "command": command["command"], "arguments": command["arguments"] });
    server.call("workspace/executeCommand", params).await;
    server.finish().await;
    let outcome = all_outcomes(dir.path()).pop().unwrap();
    assert_eq!((outcome.fate, outcome.inferred, outcome.candidates), (Fate::Accepted, false, 3));
    assert_eq!((outcome.characters, outcome.accepted), (6, 6));
}

/// Accepts a suggestion, waits, does something to it, waits again, and returns what was kept.
async fn kept(first: u64, edit: Option<(u32, u32, &str)>, second: u64) -> (Option<f32>, Option<f32>) {
    let mut shown = Shown::new("first(second, third)\n", "total = $0\n").await;
    shown.edit(0, 0, "first(second, third)").await;
    shown.sleep(first).await;
    if let Some((from, to, text)) = edit {
        shown.edit(from, to, text).await;
    }
    shown.sleep(second).await;
    let outcome = shown.outcome().await;
    (outcome.kept_30s, outcome.kept_5min)
}

#[tokio::test(start_paused = true)]
async fn half_a_minute_and_five_minutes_later_it_is_still_there() {
    assert_eq!(kept(29, None, 0).await, (None, None));
    assert_eq!(kept(31, None, 0).await, (Some(1.0), None));
    assert_eq!(kept(300, None, 0).await, (Some(1.0), Some(1.0)));
}

#[tokio::test(start_paused = true)]
async fn what_was_changed_meanwhile_is_not_kept() {
    // Deleted within the half minute; deleted after it.
    assert_eq!(kept(10, Some((0, 20, "")), 290).await, (Some(0.0), Some(0.0)));
    assert_eq!(kept(40, Some((0, 20, "")), 260).await, (Some(1.0), Some(0.0)));
    // A name was changed: 12 of 18 letters and signs stay.
    let (soon, later) = kept(10, Some((6, 12, "other")), 290).await;
    assert_eq!(soon, later);
    assert!((0.6..0.7).contains(&soon.unwrap()), "{soon:?}");
}

#[tokio::test(start_paused = true)]
async fn blanks_and_edits_elsewhere_take_nothing_away() {
    assert_eq!(kept(10, Some((13, 14, "\n        ")), 290).await, (Some(1.0), Some(1.0)));
    assert_eq!(kept(10, Some((20, 20, " + more")), 290).await, (Some(1.0), Some(1.0)));
}

#[tokio::test(start_paused = true)]
async fn a_closed_document_says_what_was_known() {
    let mut shown = Shown::new("a + b\n", "total = $0\n").await;
    shown.edit(0, 0, "a + b").await;
    shown.sleep(60).await;
    shown.server.close(URI).await;
    shown.sleep(600).await;
    let outcome = shown.outcome().await;
    assert_eq!((outcome.kept_30s, outcome.kept_5min), (Some(1.0), None));
}

#[tokio::test(start_paused = true)]
async fn neither_text_nor_path_is_written_down() {
    let mut shown = Shown::new("secret_word + b\n", "total = $0\n").await;
    shown.edit(0, 0, "secret_word + b").await;
    shown.sleep(400).await;
    shown.edit(0, 0, "x").await;
    let Shown { server, dir, .. } = shown;
    server.finish().await;
    let written = fs::read_to_string(dir.path().join("outcomes.jsonl")).unwrap();
    assert_eq!(written.lines().count(), 1);
    for private in ["secret", "total", "a.py", "project"] {
        assert!(!written.contains(private), "{written}");
    }
}

#[tokio::test(start_paused = true)]
async fn switched_off_nothing_is_written_down_and_nothing_is_to_be_told() {
    let settings = Settings { stats: infill_ls::config::Switch { enabled: false }, ..Settings::default() };
    let mut shown = Shown::with(settings, "a + b\n", "total = $0\n").await;
    assert_eq!(shown.command, Value::Null);
    // Accepting by command works all the same.
    let params = json!({ "command": "infill-ls.acceptWord" });
    assert_eq!(shown.server.call("workspace/executeCommand", params).await, true);
    shown.edit(0, 0, "a").await;
    assert!(shown.outcomes().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_editor_can_ask_for_the_figures() {
    let mut shown = Shown::new("a + b\n", "total = $0\n").await;
    shown.edit(0, 0, "a + b").await;
    shown.server.close(URI).await;
    let report = shown.server.call("infill/stats", Value::Null).await;
    assert_eq!(report["all"]["accepted"], 1);
    assert_eq!(report["languages"][0]["name"], "python");
    assert!(report["text"].as_str().unwrap().contains("1 of 1"), "{report}");
    shown.server.finish().await;
}
