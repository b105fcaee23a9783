//! Which prompts would do for a request, in which order, with and without other files before the document.

use std::sync::Arc;

use infill_ls::assist::infill::{Infill, InfillRequest, Written, infill};
use infill_ls::complete::{Anchored, Context, Piece, PieceSource, Prompt};
use infill_ls::config::Settings;
use infill_ls::engine::CancelToken;
use infill_ls::source::{Input, Source};
use infill_ls::text::{Language, Snapshot};

use crate::support::Script;

type Files = Option<Arc<Context>>;

fn files(name: &str) -> Files {
    let piece = Piece {
        path: name.into(),
        file: name.into(),
        text: "x\n".into(),
        source: PieceSource::Definitions,
        reason: String::new(),
        tokens: 1,
    };
    Some(Arc::new(Context { project: "p".into(), pieces: vec![piece], names: Vec::new() }))
}

/// Completes at the end of `text` and returns the prompts, the best one first, and what came of it.
async fn ask(text: &str, contexts: &[Files], anchors: Vec<Anchored>) -> (Vec<Prompt>, Infill) {
    let script = Script::says("1");
    let request = InfillRequest {
        snapshot: Snapshot::new(
            Language::from_id("python"),
            &format!("{text}\n{}", "after = 1\n".repeat(400)),
        ),
        offset: text.len(),
        path: Some("a.py".into()),
        file: None,
        branch: 1,
        settings: Arc::new(Settings::default()),
        anchors,
        contexts: contexts.to_vec(),
        idle: false,
        written: Written::default(),
    };
    let counter = script.counter().unwrap();
    let outcome = infill(request, script.clone(), counter, CancelToken::new()).await;
    let Some(Input::Infill(first)) = script.seen().pop() else { panic!("nothing was asked") };
    (std::iter::once(first).chain(script.last_others()).collect(), outcome)
}

/// The first piece of the files before a prompt, and how long its suffix is.
fn shown(prompt: &Prompt) -> (&str, usize) {
    let context = prompt.context.as_ref();
    (context.map_or("nothing", |context| &context.pieces[0].path), prompt.suffix.len())
}

#[tokio::test]
async fn the_best_files_first_then_those_that_serve_and_at_last_a_short_prompt_without_any() {
    let (prompts, outcome) = ask("a = 1\nb = ", &[files("new.py"), files("old.py")], Vec::new()).await;
    let order: Vec<&str> = prompts.iter().map(|prompt| shown(prompt).0).collect();
    assert_eq!(order, ["new.py", "new.py", "old.py", "old.py", "nothing"]);
    let suffixes: Vec<usize> = prompts.iter().map(|prompt| shown(prompt).1).collect();
    assert!(
        suffixes[0] > suffixes[1] && suffixes[0] == suffixes[2] && suffixes[1] == suffixes[3],
        "{suffixes:?}"
    );
    // Made ready is what can be used soon, not what waits for the whole file to be computed.
    assert_eq!(shown(&outcome.next.unwrap()).0, "old.py");
}

#[tokio::test]
async fn a_slow_machine_reads_half_a_thousand_tokens_all_the_same() {
    // The speed of the scripted model is not known: nothing is taken to be slower.
    let (prompts, _) = ask("a = 1\nb = ", &[], Vec::new()).await;
    let lines = |prompt: &Prompt| prompt.suffix.matches("after").count();
    // Four tokens a line, and one for the end of the cursor's: all of a suffix, half of what can be read, a quarter of it.
    assert_eq!(prompts.iter().map(lines).collect::<Vec<_>>(), [99, 63, 31]);
}

#[tokio::test]
async fn nothing_chosen_yet_is_no_reason_to_wait() {
    let (prompts, _) = ask("a = 1\nb = ", &[], Vec::new()).await;
    assert!(prompts.iter().all(|prompt| prompt.context.is_none()));
    assert_eq!(prompts[0].prefix, "a = 1\n");
}

#[tokio::test]
async fn a_typed_run_keeps_the_files_that_it_began_with() {
    let (_, first) = ask("a = 1\nb = ", &[files("old.py")], Vec::new()).await;
    let (prompts, _) = ask("a = 1\nb = compute(", &[files("new.py")], first.anchors).await;
    let kept: Vec<_> = prompts.iter().filter(|prompt| shown(prompt).0 == "old.py").collect();
    assert!(!kept.is_empty());
    for prompt in kept {
        // The same prompt but for what was typed: it costs the new letters only.
        assert_eq!((prompt.prefix.as_str(), prompt.typed.as_str()), ("a = 1\n", "b = compute("));
    }
    assert_eq!(shown(&prompts[0]).0, "new.py");
}
