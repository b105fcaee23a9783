//! The typing benchmark: what is typed, what counts as right and saved, and both sides measured against stand-ins: the real
//! server with a scripted model, and an HTTP server in the peer's place.

mod peer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use infill_ls::cli::bench::typing::editor::Editor;
use infill_ls::cli::bench::typing::ours::{Ours, ROOT};
use infill_ls::cli::bench::typing::report::{Side, figures, quantile};
use infill_ls::cli::bench::typing::screen::{Key, Outcome, Pace, Screen, Typed, Work};
use infill_ls::cli::bench::typing::task::{self, Task};
use infill_ls::config::Settings;
use infill_ls::server::{self, Exit, Options};
use infill_ls::source::{Source, Status};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::support::Script;

/// Waits for each answer.
const PATIENT: Pace = Pace { interval: None, patience: Duration::from_secs(60), keys: 100 };

fn task(before: &str, typed: &str, after: &str) -> Task {
    let [before, typed, after] = [before, typed, after].map(str::to_owned);
    Task { id: "sum".into(), language: "python".into(), path: "a b/sum.py".into(), before, typed, after }
}

/// The real server in front of a script, and the benchmark's editor.
async fn editor(script: &Arc<Script>) -> (Editor, JoinHandle<Exit>) {
    let (input, server_input) = tokio::io::duplex(1 << 20);
    let (server_output, output) = tokio::io::duplex(1 << 20);
    let options = Options { settings: Settings::default(), log_dir: None };
    let source = Arc::clone(script);
    let factory = Box::new(move |_: &Settings| source as Arc<dyn Source>);
    let server = tokio::spawn(server::run(server_input, server_output, options, factory));
    (Editor::connect(output, input), server)
}

async fn ours(script: &Arc<Script>) -> (Ours, JoinHandle<Exit>) {
    let (mut editor, server) = editor(script).await;
    editor.begin(ROOT, json!({})).await.unwrap();
    (Ours::new(editor), server)
}

async fn typed_by_us(script: &Arc<Script>, task: &Task, pace: &Pace) -> Typed {
    let (mut ours, server) = ours(script).await;
    let typed = ours.type_task(task, pace).await.unwrap();
    ours.end().await.unwrap();
    assert_eq!(server.await.unwrap(), Exit::Clean);
    typed
}

fn outcomes(typed: &Typed) -> Vec<&'static str> {
    let name = |key: &Key| match key.outcome {
        Outcome::Computed(_) => "computed",
        Outcome::TypedThrough => "typed through",
        Outcome::Empty => "empty",
        Outcome::Unanswered => "unanswered",
    };
    typed.screens.iter().map(name).collect()
}

#[tokio::test]
async fn our_keys_are_told_apart_by_how_they_were_answered() {
    // The first suggestion is right for one key, the next for the rest of the line.
    let script = Script::answers(|input| match input {
        infill_ls::source::Input::Infill(prompt) if prompt.before_cursor().ends_with("= ") => "a* b\n".into(),
        infill_ls::source::Input::Infill(prompt) if prompt.before_cursor().ends_with("= a +") => {
            " b\n".into()
        }
        _ => "\n".into(),
    });
    let typed = typed_by_us(&script, &task("total = ", "a + b", "\n"), &PATIENT).await;
    let through = "typed through";
    assert_eq!(outcomes(&typed), ["computed", through, "empty", "computed", through]);
    let right: Vec<bool> = typed.screens.iter().map(|key| key.right).collect();
    assert_eq!(right, [false, false, false, true, true]);
    assert_eq!(script.seen().len(), 3);
}

#[tokio::test]
async fn a_line_break_and_letters_of_several_bytes_arrive_where_they_were_typed() {
    let script = Script::says("\n");
    let task = task("naïve = '🦀'\nx = ", "'é'\n    # 🦀", "\nend\n");
    let typed = typed_by_us(&script, &task, &PATIENT).await;
    assert_eq!(typed.screens.len(), task.typed.chars().count());
    let written = task.typed.trim_end_matches('🦀');
    assert_eq!(script.last_prefix(), format!("{}{written}", task.before));
}

#[tokio::test]
async fn an_answer_after_the_next_key_does_not_count_and_is_cancelled() {
    let script = Script::says("a + b\n");
    script.hold();
    let hasty = Duration::from_millis(1);
    let pace = Pace { interval: Some(hasty), patience: hasty, keys: 3 };
    let typed = typed_by_us(&script, &task("total = ", "c + b", "\n"), &pace).await;
    assert_eq!(outcomes(&typed), ["unanswered"; 3]);
    for _ in 0..script.seen().len() {
        script.stopped().await;
    }
}

#[tokio::test]
async fn a_model_that_cannot_be_loaded_ends_the_benchmark_with_its_message() {
    let script = Script::says("");
    script.set_status(Status::Failed { message: "fetch it first".into() });
    let (mut editor, _server) = editor(&script).await;
    let error = editor.begin(ROOT, json!({})).await.unwrap_err();
    assert_eq!(error.to_string(), "fetch it first");
}

#[test]
fn tasks_are_records_whose_author_is_known() {
    let record = |canonical: &str, known: bool| {
        json!({
            "id": "1", "language": "rust", "path": "lib.rs", "file_text_with_prefix": "let x = ", "suffix": ";\n",
            "canonical": canonical, "has_canonical": known, "test": "what else there is",
        })
    };
    let jsonl =
        [record("1", true), record("2", false), record("  ", true)].map(|r| r.to_string()).join("\n\n");
    let tasks = task::from_records(&jsonl).unwrap();
    assert_eq!(tasks.iter().map(|task| task.typed.as_str()).collect::<Vec<_>>(), ["1"]);
    let error = task::from_records("\n{\"id\": 1}").unwrap_err();
    assert!(error.to_string().contains("line 2"), "{error}");
}

#[test]
fn lines_of_a_file_are_typed_in_their_place() {
    let text = "fn main() {\r\n    println!(\"hé\");\r\n}\r\n\nlet x = 1;";
    let tasks = task::from_source(Path::new("src/main.rs"), text);
    let typed: Vec<_> = tasks.iter().map(|task| (task.id.as_str(), task.typed.as_str())).collect();
    assert_eq!(
        typed,
        [("main.rs:1", "fn main() {"), ("main.rs:2", "println!(\"hé\");"), ("main.rs:5", "let x = 1;")]
    );
    for task in &tasks {
        assert_eq!(format!("{}{}{}", task.before, task.typed, task.after), text);
        assert_eq!((task.language.as_str(), task.path.as_str()), ("rust", "main.rs"));
    }
}

#[test]
fn the_tasks_picked_are_spread_evenly_and_are_always_the_same() {
    let all: Vec<Task> = (0..10).map(|n| task("", &n.to_string(), "")).collect();
    let picked =
        |limit| task::pick(all.clone(), limit).into_iter().map(|task| task.typed).collect::<String>();
    assert_eq!(picked(4), "0257");
    assert_eq!(picked(99), "0123456789");
    assert_eq!(picked(0), "");
}

/// Types a text; each suggestion appears after so many characters.
fn typed(text: &str, keys: usize, suggestions: &[(usize, &str)]) -> Typed {
    let mut screen = Screen::new(text, keys);
    loop {
        let at = screen.written().chars().count();
        if let Some((_, suggestion)) = suggestions.iter().find(|(after, _)| *after == at) {
            screen.show(suggestion);
        }
        screen.note(Outcome::Empty);
        if screen.press().is_none() {
            return screen.end();
        }
    }
}

#[test]
fn a_right_suggestion_of_two_characters_saves_keys() {
    assert_eq!(typed("abcdef", 99, &[]).presses(), 6);
    assert_eq!(typed("abcdef", 99, &[(0, "abcdef\n")]).presses(), 1);
    assert_eq!(typed("abcdef", 99, &[(2, "cde")]).presses(), 4);
    // One character is no gain, and what goes on after the author stopped is wrong.
    assert_eq!(typed("abcdef", 99, &[(5, "f")]).presses(), 6);
    assert_eq!(typed("abcdef", 99, &[(0, "abcdefg")]).presses(), 6);
    // Only what was typed counts.
    assert_eq!(typed("abcdef", 3, &[(1, "bcdef")]).presses(), 2);
}

#[test]
fn a_suggestion_stays_while_it_is_typed_along() {
    let shown = |typed: Typed| typed.screens.iter().map(|key| key.shown).collect::<Vec<_>>();
    assert_eq!(shown(typed("abcd", 99, &[(0, "abx")])), [3, 2, 1, 0]);
    assert_eq!(shown(typed("abcd", 99, &[(0, "abcd"), (2, "")])), [4, 3, 0, 0]);
}

#[test]
fn quantiles_lie_between_values() {
    let of = |values: &[f64], q| quantile(values.iter().copied(), q);
    assert_eq!(of(&[], 0.5), None);
    assert_eq!(of(&[7.0], 0.95), Some(7.0));
    assert_eq!(of(&[3.0, 1.0, 2.0], 0.5), Some(2.0));
    assert_eq!(of(&[10.0, 20.0, 30.0], 0.75), Some(25.0));
}

#[test]
fn only_new_suggestions_are_timed_and_ratios_above_one_speak_for_us() {
    let screen = |outcome| Key { outcome, shown: 4, right: true };
    let computed = |ms, prefill| screen(Outcome::Computed(Work { ms, prefill, decoded: 5 }));
    let side = |ms, prefill, answer| {
        Side(vec![Typed { screens: vec![computed(900.0, 300), computed(ms, prefill), screen(answer)] }])
    };
    let (ours, peer) = (side(20.0, 2, Outcome::TypedThrough), side(100.0, 3, Outcome::Unanswered));
    let both = figures(&ours, Some(&peer));
    assert_eq!(both["key_to_suggestion"]["p50"], json!({ "ours": 20.0, "peer": 100.0, "ratio": 5.0 }));
    assert_eq!(both["prefill_tokens_per_key"], json!({ "ours": 2.0, "peer": 3.0, "ratio": 1.5 }));
    assert_eq!(both["answered_share"], json!({ "ours": 100.0, "peer": 50.0, "ratio": 2.0 }));
    assert_eq!(both["typed_through"], json!({ "ours": 1.0, "peer": 0.0 }));
    assert_eq!(both["first_suggestion"]["p50"]["ours"], 900.0);
    let alone = figures(&ours, None);
    assert_eq!(alone["key_to_suggestion"]["p50"], json!({ "ours": 20.0 }));
}
