//! The engine with a scripted model: what it writes and what stops a job; beneath it, whose turn it is and what rows it keeps.

use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use infill_ls::engine::{
    CancelToken, Engine, FinishReason, GenerationParams, Job, JobError, JobOutput, Parts, PromptTokens,
    RestAfter,
};
use infill_ls::model::{
    Compute, ForwardError, KvCache, LanguageModel, LoadOptions, Logits, ModelError, Output, Sequence,
    TokenId, Tokenizer, load,
};

use crate::tiny_model;

mod rows;
mod turns;

/// A model that writes a fixed text after every prompt, then ends. Each pass waits for a permit when `gate` is there.
struct Scripted {
    answer: Vec<TokenId>,
    end: TokenId,
    vocabulary: usize,
    gate: Option<Gate>,
}

struct Gate {
    entered: Sender<usize>,
    permits: Mutex<Receiver<()>>,
}

impl LanguageModel for Scripted {
    fn new_cache(&self, capacity: usize) -> Result<KvCache, ModelError> {
        Ok(KvCache::without_layers(capacity))
    }

    fn forward(
        &self,
        sequence: &mut Sequence<'_>,
        tokens: &[TokenId],
        output: Output,
        interrupted: &dyn Fn() -> bool,
    ) -> Result<Option<Logits>, ForwardError> {
        sequence.reserve(tokens.len())?;
        if let Some(gate) = &self.gate {
            gate.entered.send(tokens.len()).unwrap();
            gate.permits.lock().unwrap().recv().unwrap();
        }
        if interrupted() {
            return Err(ForwardError::Interrupted);
        }
        sequence.commit(tokens);
        let held: Vec<TokenId> = sequence.tokens().collect();
        let rows = if output == Output::All { tokens.len() } else { 1 };
        Logits::from_rows((0..rows).rev().map(|behind| self.row(&held[..held.len() - behind])).collect())
            .map(Some)
    }
}

impl Scripted {
    /// The logits after `held`: the prompt ends with a `>`; what follows it was written by us.
    fn row(&self, held: &[TokenId]) -> Vec<f32> {
        let written = held.iter().rev().take_while(|&&token| token != TokenId::from(b'>')).count();
        let next = self.answer.get(written).copied().unwrap_or(self.end);
        let mut row = vec![0.0; self.vocabulary];
        row[next as usize] = 1.0;
        row
    }
}

struct Bench {
    engine: Engine,
    tokenizer: Arc<Tokenizer>,
    replies: (Sender<Reply>, Receiver<Reply>),
}

type Reply = (u32, Result<JobOutput, JobError>);

/// Lets passes through one by one.
struct Passes {
    entered: Receiver<usize>,
    permits: Sender<()>,
}

impl Bench {
    /// Returns one in which no job gives way and nothing rests.
    fn new(answer: &str, context: usize, gated: bool) -> (Self, Passes) {
        Self::with_times([Duration::from_secs(600); 3], answer, context, gated)
    }

    /// Returns one with other times for a turn and until a document rests.
    fn with_times(times: [Duration; 3], answer: &str, context: usize, gated: bool) -> (Self, Passes) {
        let [turn, ready, tail] = times;
        let dir = tempfile::tempdir().unwrap();
        let options = LoadOptions { context: 64, threads: 1, compute: Compute::Kernels };
        let tokenizer = load(&tiny_model::write_good(dir.path()), options).unwrap().tokenizer;
        let (entered, heard) = channel();
        let (permits, permitted) = channel();
        let model = Scripted {
            answer: tokenizer.encode(answer).unwrap(),
            end: tokenizer.special("<|endoftext|>").unwrap(),
            vocabulary: tokenizer.vocabulary(),
            gate: gated.then(|| Gate { entered, permits: Mutex::new(permitted) }),
        };
        let tokenizer = Arc::new(tokenizer);
        let parts = Parts {
            model: Box::new(model),
            draft_model: None,
            tokenizer: tokenizer.clone(),
            context,
            cache_bytes: 0,
            turn,
            rest_after: RestAfter { ready, tail },
        };
        let bench = Self { engine: Engine::start(parts).unwrap(), tokenizer, replies: channel() };
        (bench, Passes { entered: heard, permits })
    }

    fn submit(&self, id: u32, branch: u64, prompt: &str, params: GenerationParams) -> CancelToken {
        self.submit_when(false, id, branch, prompt, params)
    }

    fn submit_idle(&self, id: u32, branch: u64, prompt: &str) {
        self.submit_when(true, id, branch, prompt, params());
    }

    fn submit_when(
        &self,
        idle: bool,
        id: u32,
        branch: u64,
        prompt: &str,
        params: GenerationParams,
    ) -> CancelToken {
        let (cancel, replies) = (CancelToken::new(), self.replies.0.clone());
        let prompt =
            PromptTokens { tokens: self.tokenizer.encode(prompt).unwrap(), ..PromptTokens::default() };
        let watch = Box::new(|piece: &str| match piece.contains('.') {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        });
        let reply = move |result| replies.send((id, result)).unwrap();
        let mut job = Job::new(branch, prompt, params, watch, cancel.clone(), reply);
        job.request.idle = idle;
        self.engine.submit(job);
        cancel
    }

    fn reply(&self) -> Reply {
        self.replies.1.recv_timeout(Duration::from_secs(20)).expect("no reply came")
    }

    fn run_idle(&self, prompt: &str, others: Vec<String>) -> JobOutput {
        let tokens = |text: &str| self.tokenizer.encode(text).unwrap();
        let tokens = |text: &str| PromptTokens { tokens: tokens(text), ..PromptTokens::default() };
        let replies = self.replies.0.clone();
        let watch = Box::new(|_: &str| ControlFlow::Continue(()));
        let reply = move |result| replies.send((1, result)).unwrap();
        let mut job = Job::new(1, tokens(prompt), params(), watch, CancelToken::new(), reply);
        job.request.idle = true;
        job.request.others = others.iter().map(|other| tokens(other)).collect();
        self.engine.submit(job);
        self.reply().1.unwrap()
    }

    fn run(&self, prompt: &str, params: GenerationParams) -> JobOutput {
        self.submit(0, 1, prompt, params);
        self.reply().1.unwrap()
    }
}

impl Passes {
    fn entered(&self) -> usize {
        self.entered.recv_timeout(Duration::from_secs(20)).expect("the model was not asked")
    }

    fn let_all_through(&self) {
        for _ in 0..10_000 {
            let _ = self.permits.send(());
        }
    }
}

fn params() -> GenerationParams {
    GenerationParams::default()
}

#[test]
fn it_writes_until_the_model_ends_the_text() {
    let (bench, _) = Bench::new("caf\u{e9} \u{1f600}", 512, false);
    let output = bench.run("drink>", params());
    assert_eq!((output.text.as_str(), output.finish), ("caf\u{e9} \u{1f600}", FinishReason::EndOfText));
    assert_eq!(output.usage.prompt_tokens, 6);
}

#[test]
fn it_says_how_sure_the_model_was_of_each_token_and_of_the_end() {
    let (bench, _) = Bench::new("ab", 512, false);
    let tokens = bench.run("drink>", params()).tokens;
    assert_eq!(tokens.iter().map(|odds| odds.end).collect::<Vec<_>>(), [1, 2, 2]);
    let vocabulary = bench.tokenizer.vocabulary() as f32;
    // The script gives one token a logit of 1 and all others 0.
    let likely = 1f32.exp() / (vocabulary - 1.0 + 1f32.exp());
    let near = |a: f32, b: f32| (a - b).abs() < 1e-6;
    assert!(tokens[..2].iter().all(|odds| near(odds.probability, likely)), "{tokens:?}");
    assert_eq!(tokens[2].ended, tokens[2].probability);
    assert!(tokens[2].ended > tokens[0].ended && tokens[0].ended > 0.0, "{tokens:?}");
}

#[test]
fn the_watcher_the_token_bound_and_the_context_end_it() {
    let (bench, _) = Bench::new("one. two", 64, false);
    let output = bench.run("p>", params());
    assert_eq!((output.text.as_str(), output.finish), ("one.", FinishReason::Stop));
    let (bench, _) = Bench::new("abcdefghijklmnopqrstuvwxyz", 24, false);
    let output = bench.run("p>", GenerationParams { max_tokens: 5, ..params() });
    assert_eq!((output.text.as_str(), output.finish), ("abcde", FinishReason::Length));
    let output = bench.run("p>", params());
    assert_eq!((output.text.len(), output.finish), (23, FinishReason::Length));
    bench.submit(9, 1, &"x".repeat(24), params());
    assert_eq!(bench.reply().1, Err(JobError::TooLong { tokens: 24, context: 24 }));
}

#[test]
fn a_used_up_time_budget_ends_it_with_what_there_is() {
    let (bench, _) = Bench::new("text", 64, false);
    let output = bench.run("p>", GenerationParams { time_budget: Some(Duration::ZERO), ..params() });
    assert_eq!((output.text.as_str(), output.finish), ("", FinishReason::Time));
}

#[test]
fn what_a_branch_shares_is_not_computed_again() {
    let (bench, _) = Bench::new("xy", 512, false);
    bench.run("hello world>", params());
    let output = bench.run("hello there>", params());
    assert_eq!((output.usage.reused_tokens, output.usage.prefill_tokens), (6, 6));
    let same = bench.run("hello there>", params());
    assert_eq!((same.usage.reused_tokens, same.usage.prefill_tokens), (11, 1));
    assert_eq!(same.text, output.text);
}

#[test]
fn a_cancelled_prefill_keeps_the_chunks_that_are_done() {
    let (bench, passes) = Bench::new("xy", 2048, true);
    let prompt = format!("{}>", "p".repeat(400));
    let cancel = bench.submit(1, 1, &prompt, params());
    let chunk = passes.entered();
    assert!(chunk < 400, "the whole prompt at once cannot be interrupted in between");
    passes.permits.send(()).unwrap();
    passes.entered();
    cancel.cancel();
    passes.let_all_through();
    assert_eq!(bench.reply(), (1, Err(JobError::Cancelled)));
    let counters = bench.engine.totals().counters();
    assert_eq!((counters.cancelled, counters.prefill_tokens), (1, chunk as u64));
    assert!(counters.max_cancel_us > 0);
    bench.submit(2, 1, &prompt, params());
    let output = bench.reply().1.unwrap();
    assert_eq!((output.usage.reused_tokens, output.text.as_str()), (chunk, "xy"));
}

#[test]
fn a_job_cancelled_while_it_waits_is_answered_and_computes_nothing() {
    let (bench, passes) = Bench::new("xy", 512, true);
    bench.submit(1, 1, "a>", params());
    passes.entered();
    bench.submit(2, 2, "b>", params()).cancel();
    passes.let_all_through();
    let mut replies = [bench.reply(), bench.reply()];
    replies.sort_by_key(|(id, _)| *id);
    assert_eq!(replies[1].1, Err(JobError::Cancelled));
    assert_eq!(bench.engine.totals().counters().prefill_tokens, 2);
}

#[test]
fn an_idle_job_runs_when_nothing_else_does_and_counts_as_computed_ahead() {
    let (bench, _) = Bench::new("xy", 512, false);
    bench.submit_idle(1, 1, "a>");
    assert_eq!(bench.reply().1.unwrap().text, "xy");
    let counters = bench.engine.totals().counters();
    assert_eq!((counters.requests, counters.prefill_tokens, counters.decoded_tokens), (0, 0, 0));
    assert_eq!(counters.prepared_tokens, 4);
    // What it computed serves the next one.
    assert_eq!(bench.run("a>xy", params()).usage.reused_tokens, 3);
}

#[test]
fn an_idle_job_gives_way_to_any_other_and_waits_for_none_of_its_branch() {
    let (bench, passes) = Bench::new("xy", 512, true);
    bench.submit_idle(1, 1, "a>");
    passes.entered();
    bench.submit(2, 2, "b>", params());
    passes.permits.send(()).unwrap();
    assert_eq!(bench.reply(), (1, Err(JobError::Overtaken)));
    passes.entered();
    // The other branch is busy with something better; this one is not.
    bench.submit_idle(3, 2, "b>x");
    assert_eq!(bench.reply(), (3, Err(JobError::Overtaken)));
    bench.submit_idle(4, 1, "a>");
    passes.let_all_through();
    assert_eq!([bench.reply().0, bench.reply().0], [2, 4]);
    assert_eq!(bench.engine.totals().counters().cancelled, 0);
}

#[test]
fn an_idle_job_goes_on_from_what_is_held_and_leaves_it_there() {
    let (bench, _) = Bench::new("xy", 512, false);
    let serving = "a file with a suffix of some length and typed>";
    bench.run(serving, params());
    // The better prompt would take the place of most of what serves; the other one only goes on.
    let better = "a file with a suffix of some other length>";
    assert_eq!(bench.run_idle(better, vec![format!("{serving}xy")]).usage.prefill_tokens, 1);
    assert_eq!(bench.run(serving, params()).usage.prefill_tokens, 1);
}

#[test]
fn ending_the_engine_answers_every_job() {
    let (bench, passes) = Bench::new("xy", 512, true);
    bench.submit(1, 1, "a>", params());
    passes.entered();
    bench.submit(2, 2, "b>", params());
    let Bench { engine, replies, .. } = bench;
    let ending = std::thread::spawn(move || drop(engine));
    let waiting = replies.1.recv_timeout(Duration::from_secs(20)).unwrap();
    passes.let_all_through();
    let running = replies.1.recv_timeout(Duration::from_secs(20)).unwrap();
    ending.join().unwrap();
    assert_eq!([waiting, running], [(2, Err(JobError::Cancelled)), (1, Err(JobError::Cancelled))]);
}
