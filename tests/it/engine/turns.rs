//! Whose turn it is when several jobs wait, and that a long one gives way and goes on.

use std::time::Duration;

use infill_ls::engine::{FinishReason, GenerationParams, JobError, Usage};

use super::{Bench, params};

/// A job gives way as soon as another one waits.
const IMPATIENT: [Duration; 3] = [Duration::ZERO, Duration::from_secs(600), Duration::from_secs(600)];

#[test]
fn a_newer_job_of_a_document_overtakes_the_one_that_runs_and_the_one_that_waits() {
    let (bench, passes) = Bench::new("xy", 512, true);
    bench.submit(1, 7, "a>", params());
    passes.entered();
    bench.submit(2, 7, "b>", params());
    bench.submit(3, 7, "c>", params());
    passes.let_all_through();
    let mut replies = [bench.reply(), bench.reply(), bench.reply()];
    replies.sort_by_key(|(id, _)| *id);
    assert_eq!(replies[0].1, Err(JobError::Overtaken));
    assert_eq!(replies[1].1, Err(JobError::Overtaken));
    assert_eq!(replies[2].1.as_ref().unwrap().text, "xy");
    assert_eq!(bench.engine.totals().counters().cancelled, 2);
}

#[test]
fn documents_do_not_overtake_each_other_and_the_newest_goes_first() {
    let (bench, passes) = Bench::new("xy", 512, true);
    bench.submit(1, 1, "a>", params());
    passes.entered();
    bench.submit(2, 2, "b>", params());
    bench.submit(3, 3, "c>", params());
    passes.let_all_through();
    let order = [bench.reply(), bench.reply(), bench.reply()].map(|(id, result)| (id, result.unwrap().text));
    assert_eq!(order.map(|(id, text)| (id, text == "xy")), [(1, true), (3, true), (2, true)]);
}

#[test]
fn a_long_job_gives_way_after_its_turn_and_goes_on_from_there() {
    let letters = "abcdefghijklmnop";
    let (bench, passes) = Bench::with_times(IMPATIENT, letters, 512, true);
    bench.submit(1, 1, "a>", params());
    passes.entered();
    // One token, for after it the short one would give way in its turn once it has run for as long.
    bench.submit(2, 2, "b>", GenerationParams { max_tokens: 1, ..params() });
    passes.let_all_through();
    let [short, long] = [bench.reply(), bench.reply()];
    assert_eq!((short.0, short.1.unwrap().text.as_str()), (2, "a"));
    let output = long.1.unwrap();
    assert_eq!((output.text.as_str(), output.finish), (letters, FinishReason::EndOfText));
    assert_eq!(output.tokens.len(), letters.len() + 1);
    let Usage { prompt_tokens, reused_tokens, prefill_tokens, decoded_tokens, .. } = output.usage;
    assert_eq!((prompt_tokens, reused_tokens, prefill_tokens, decoded_tokens), (2, 0, 2, 16));
}

#[test]
fn giving_way_changes_nothing_of_what_is_drawn() {
    let drawn = GenerationParams { temperature: 1.0, seed: 7, max_tokens: 20, ..params() };
    let (bench, _) = Bench::new("xy", 512, false);
    let alone = bench.run("drink>", drawn.clone());
    let (bench, passes) = Bench::with_times(IMPATIENT, "xy", 512, true);
    bench.submit(1, 1, "drink>", drawn.clone());
    passes.entered();
    bench.submit(2, 2, "other>", drawn);
    passes.let_all_through();
    for (_, result) in [bench.reply(), bench.reply()] {
        let output = result.unwrap();
        assert_eq!((output.text, output.tokens), (alone.text.clone(), alone.tokens.clone()));
    }
}

#[test]
fn a_long_prompt_gives_way_between_its_chunks() {
    let (bench, passes) = Bench::with_times(IMPATIENT, "xy", 2048, true);
    bench.submit(1, 1, &format!("{}>", "p".repeat(400)), params());
    passes.entered();
    bench.submit(2, 2, "b>", GenerationParams { max_tokens: 1, ..params() });
    passes.let_all_through();
    let [short, long] = [bench.reply(), bench.reply()];
    assert_eq!((short.0, short.1.unwrap().text.as_str()), (2, "x"));
    let Usage { prompt_tokens, reused_tokens, prefill_tokens, .. } = long.1.unwrap().usage;
    assert_eq!((prompt_tokens, reused_tokens, prefill_tokens), (401, 0, 401));
}

#[test]
fn a_job_that_gave_way_is_overtaken_and_cancelled_like_any_other() {
    let (bench, passes) = Bench::with_times(IMPATIENT, "abcdefgh", 512, true);
    let cancel = bench.submit(1, 1, "a>", params());
    bench.submit(2, 2, "b>", params());
    // One of the two has given way when the third pass begins.
    for _ in 0..2 {
        passes.entered();
        passes.permits.send(()).unwrap();
    }
    passes.entered();
    bench.submit(3, 2, "c>", params());
    cancel.cancel();
    passes.let_all_through();
    let mut replies = [bench.reply(), bench.reply(), bench.reply()];
    replies.sort_by_key(|(id, _)| *id);
    let [first, second, third] = replies.map(|(_, result)| result);
    assert_eq!((first, second), (Err(JobError::Cancelled), Err(JobError::Overtaken)));
    assert_eq!(third.unwrap().text, "abcdefgh");
}
