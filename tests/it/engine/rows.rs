//! What the engine keeps computed, what it makes ready ahead, and what is freed again.

use std::ops::ControlFlow;
use std::time::Duration;

use infill_ls::engine::{CancelToken, Job, Preparation, PromptTokens, Purpose, Readiness};

use super::{Bench, params};

#[test]
fn a_forgotten_branch_is_computed_anew() {
    let (bench, _) = Bench::new("xy", 512, false);
    bench.run("same>", params());
    bench.engine.forget(1);
    assert_eq!(bench.run("same>", params()).usage.reused_tokens, 0);
}

fn file_of(bench: &Bench, text: &str) -> Preparation {
    prepared(bench, Purpose::File, "", text)
}

/// Makes ready `text` behind `head`.
fn prepared(bench: &Bench, purpose: Purpose, head: &str, text: &str) -> Preparation {
    let tokens = bench.tokenizer.encode(&format!("{head}{text}")).unwrap();
    Preparation { branch: 1.into(), purpose, tokens, head: head.len(), readiness: Readiness::default() }
}

/// Waits until the engine has made `tokens` tokens ready, which it says nothing about.
fn wait_until_prepared(bench: &Bench, tokens: u64) {
    let deadline = std::time::Instant::now() + Duration::from_secs(120);
    while bench.engine.totals().counters().prepared_tokens < tokens {
        assert!(std::time::Instant::now() < deadline, "nothing was made ready");
        std::thread::yield_now();
    }
}

#[test]
fn a_file_computed_ahead_serves_every_cursor_in_it() {
    let (bench, _) = Bench::new("xy", 2048, false);
    let file: String = (0..40).map(|n| format!("line {n:03} of the file\n")).collect();
    bench.engine.prepare(file_of(&bench, &file));
    wait_until_prepared(&bench, file.len() as u64);
    for cursor in [600, 200, 840] {
        let output = bench.run(&format!("{}|suffix>", &file[..cursor]), params());
        let usage = output.usage;
        assert!(usage.reused_tokens + 16 > cursor, "at {cursor}: {usage:?}");
        assert_eq!(output.text, "xy");
    }
    // The file's rows are still there, though three requests wrote behind them.
    let whole = bench.run(&format!("{file}>"), params());
    assert!(whole.usage.prefill_tokens <= 16, "{:?}", whole.usage);
}

#[test]
fn a_file_behind_other_files_takes_nothing_from_the_one_that_serves() {
    let (bench, _) = Bench::new("xy", 2048, false);
    let file = "text of the file ".repeat(20);
    bench.engine.prepare(prepared(&bench, Purpose::File, "<", &file));
    wait_until_prepared(&bench, 341);
    let behind = prepared(&bench, Purpose::NewContext, "[other files]<", &file);
    let readiness = behind.readiness.clone();
    assert!(!readiness.is_reached());
    bench.engine.prepare(behind);
    wait_until_prepared(&bench, 341 + 354);
    for head in ["<", "[other files]<", "<"] {
        let usage = bench.run(&format!("{head}{file}>"), params()).usage;
        assert!(usage.prefill_tokens <= 16, "{head}: {usage:?}");
    }
    assert!(readiness.is_reached());
    // A third beginning takes the place of the one that was written longer ago.
    bench.engine.prepare(prepared(&bench, Purpose::NewContext, "{others}<", &file));
    wait_until_prepared(&bench, 341 + 354 + 349);
    assert!(bench.run(&format!("{{others}}<{file}>"), params()).usage.prefill_tokens <= 16);
    assert!(bench.run(&format!("[other files]<{file}>"), params()).usage.prefill_tokens <= 16);
    assert!(bench.run(&format!("<{file}>"), params()).usage.prefill_tokens > 300);
}

#[test]
fn a_document_that_rests_keeps_its_file_and_the_one_that_was_used_last_keeps_all() {
    let (bench, _) =
        Bench::with_times([Duration::from_secs(600), Duration::ZERO, Duration::ZERO], "xy", 2048, false);
    let file = "text of the file ".repeat(20);
    bench.engine.prepare(prepared(&bench, Purpose::File, "<", &file));
    let behind = prepared(&bench, Purpose::NewContext, "[others]<", &file);
    bench.engine.prepare(behind.clone());
    wait_until_prepared(&bench, 341 + 349);
    let asked = |branch: u64, head: &str| {
        bench.submit(0, branch, &format!("{head}{file}and a suffix of it>"), params());
        bench.reply().1.unwrap().usage.prefill_tokens
    };
    assert!(asked(1, "[others]<") > 10);
    assert_eq!(asked(1, "[others]<"), 1);
    // Another document is used: the tail goes, and so does the file behind nothing.
    asked(2, "<");
    assert!((10..40).contains(&asked(1, "[others]<")));
    asked(2, "<");
    assert!(asked(1, "<") > 300);
}

#[test]
fn what_was_made_ready_rests_before_the_tail_that_serves() {
    let hour = Duration::from_secs(3600);
    let (bench, _) = Bench::with_times([hour, Duration::ZERO, hour], "xy", 2048, false);
    let file = "text of the file ".repeat(20);
    bench.engine.prepare(prepared(&bench, Purpose::File, "", &file));
    wait_until_prepared(&bench, 340);
    let asked = |branch: u64, suffix: &str| {
        bench.submit(0, branch, &format!("{file}|{suffix}>"), params());
        bench.reply().1.unwrap().usage.prefill_tokens
    };
    assert!(asked(1, "what serves") > 10);
    let next = format!("{file}|made ready>");
    bench.engine.prepare(prepared(&bench, Purpose::Prompt, "", &next));
    wait_until_prepared(&bench, 340 + 12);
    // Another document is used.
    asked(2, "");
    assert_eq!(asked(1, "what serves"), 1);
    assert!(asked(1, "made ready") > 10);
}

#[test]
fn an_edit_of_the_file_keeps_the_other_files_before_it() {
    let (bench, _) = Bench::new("xy", 2048, false);
    let head = format!("{}<", "other file ".repeat(20));
    bench.engine.prepare(prepared(&bench, Purpose::File, &head, "first text"));
    wait_until_prepared(&bench, 231);
    bench.engine.prepare(prepared(&bench, Purpose::File, &head, "second text"));
    wait_until_prepared(&bench, 231 + 11);
    assert_eq!(bench.engine.totals().counters().prepared_tokens, 231 + 11);
}

#[test]
fn an_edit_takes_rows_away_from_the_edit_on_only() {
    let (bench, _) = Bench::new("xy", 2048, false);
    let file = "abcdefghij".repeat(40);
    bench.engine.prepare(file_of(&bench, &file));
    wait_until_prepared(&bench, 400);
    let edited = format!("{}EDIT{}", &file[..200], &file[200..]);
    bench.engine.prepare(file_of(&bench, &edited));
    wait_until_prepared(&bench, 400 + 204);
    let counters = bench.engine.totals().counters();
    assert_eq!(counters.prepared_tokens, 400 + 204);
    assert!(bench.run(&format!("{edited}>"), params()).usage.prefill_tokens <= 16);
}

#[test]
fn idle_work_gives_way_to_a_job_and_is_taken_up_again() {
    let (bench, passes) = Bench::new("xy", 2048, true);
    bench.engine.prepare(file_of(&bench, &"f".repeat(400)));
    passes.entered();
    bench.submit(1, 2, "job>", params());
    passes.let_all_through();
    assert_eq!(bench.reply().1.unwrap().text, "xy");
    wait_until_prepared(&bench, 400);
}

#[test]
fn where_the_whole_prompt_takes_too_long_the_short_one_is_taken_until_it_is_ready() {
    let (bench, _) = Bench::new("xy", 4096, false);
    let long = format!("{}>", "long ".repeat(300));
    let ask = || {
        let tokens =
            |text: &str| PromptTokens { tokens: bench.tokenizer.encode(text).unwrap(), ..Default::default() };
        let replies = bench.replies.0.clone();
        let watch = Box::new(|_: &str| ControlFlow::Continue(()));
        let reply = move |result| replies.send((0, result)).unwrap();
        let mut job = Job::new(1, tokens(&long), params(), watch, CancelToken::new(), reply);
        (job.request.others, job.request.latency) = (vec![tokens("short>")], Duration::from_nanos(1));
        bench.engine.submit(job);
        bench.reply().1.unwrap().usage.prompt_tokens
    };
    assert_eq!(ask(), 6);
    bench.engine.prepare(prepared(&bench, Purpose::Prompt, "", &long));
    wait_until_prepared(&bench, long.len() as u64);
    assert_eq!(ask(), long.len());
}

#[test]
fn what_is_made_ready_does_not_take_the_rows_that_serve_now() {
    // However short they are.
    for length in [200, 20] {
        let (bench, _) = Bench::new("xy", 4096, false);
        let (serving, better) =
            (format!("prefix {}>", "s".repeat(length)), format!("prefix {}>", "b".repeat(300)));
        bench.run(&serving, params());
        bench.engine.prepare(prepared(&bench, Purpose::Prompt, "", &better));
        wait_until_prepared(&bench, 300);
        assert_eq!(bench.run(&serving, params()).usage.prefill_tokens, 1);
        assert_eq!(bench.run(&better, params()).usage.prefill_tokens, 1);
    }
}

#[test]
fn guesses_at_other_places_one_after_the_other_leave_the_rows_that_serve() {
    let (bench, _) = Bench::new("xy", 4096, false);
    let serving = "prefix with a suffix and typed>";
    bench.run(serving, params());
    for guess in ["one", "two", "three", "four"] {
        bench.run_idle(&format!("prefix {guess}, which is another place in the file>"), Vec::new());
    }
    assert_eq!(bench.run(serving, params()).usage.prefill_tokens, 1);
}
