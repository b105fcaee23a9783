//! Measures the rules of the completion logic without a model in the way: `record` writes down what the model writes at each
//! place when nothing stops it, `replay` shows what the rules make of that. One JSON object a line, in and out;
//! `tests/bench/ablation.py` says how the two are used. No part of the program.

use std::io::{BufRead, Write};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use infill_ls::complete::{self, Budget, Completion, Mode, Reason, StopCondition};
use infill_ls::config::Settings;
use infill_ls::engine::{CancelToken, GenerationParams};
use infill_ls::fetch::Routes;
use infill_ls::model::{Compute, LoadOptions, physical_cores};
use infill_ls::source::{EmbeddedSource, Input, Request, Source, Sparing, locate};
use infill_ls::text::{Language, Snapshot};
use serde_json::{Value, json};

/// A text with a cursor in it.
struct Place {
    row: Value,
    snapshot: Snapshot,
    offset: usize,
}

impl Place {
    fn read(line: &str) -> anyhow::Result<Self> {
        let row: Value = serde_json::from_str(line)?;
        let text = |key: &str| row[key].as_str().with_context(|| format!("a row has no `{key}`"));
        let (before, after) = (text("before")?, text("after")?);
        let snapshot = Snapshot::new(Language::from_id(text("language")?), &format!("{before}{after}"));
        let offset = before.len();
        Ok(Self { snapshot, offset, row })
    }
}

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("record") => record(arguments.next().map_or(Ok(300), |seconds| seconds.parse())?),
        Some("replay") => replay(),
        _ => anyhow::bail!("use: rules record [SECONDS] | rules replay"),
    }
}

/// Records until the places or the seconds are used up.
fn record(seconds: u64) -> anyhow::Result<()> {
    let options = LoadOptions { context: 4096, threads: physical_cores(), compute: Compute::Kernels };
    let source = EmbeddedSource::start(locate(None, Routes::from_env()), None, options, Sparing::default());
    source.wait(&mut |_, _, _| ()).map_err(anyhow::Error::msg)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let started = Instant::now();
    for line in std::io::stdin().lock().lines() {
        if Duration::from_secs(seconds) < started.elapsed() {
            break;
        }
        let mut place = Place::read(&line?)?;
        let counter = source.counter().context("the model has no tokenizer")?;
        let budget = Budget { prefix_tokens: 2400, suffix_tokens: 400 };
        let anchored = complete::prompt(&place.snapshot, place.offset, None, &budget, &*counter);
        let (mut text, is_line) = (String::new(), place.row["one_line"] == true);
        let request = Request {
            branch: 1,
            input: Input::Infill(anchored.prompt),
            others: Vec::new(),
            latency: Duration::from_secs(100),
            params: GenerationParams { max_tokens: 160, ..GenerationParams::default() },
            watch: Box::new(move |piece| {
                text.push_str(piece);
                let is_whole = is_line && text.trim_start().contains('\n');
                if is_whole { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            }),
            cancel: CancelToken::new(),
            idle: false,
            files: Vec::new(),
        };
        let written = runtime.block_on(Arc::clone(&source).generate(request))?;
        if place.row["keep"] != true {
            source.forget(1);
        }
        let odds = written.tokens.iter().map(|odds| (odds.end, odds.probability, odds.ended));
        place.row["tokens"] = json!(odds.collect::<Vec<_>>());
        place.row["ended"] = json!(written.finish == infill_ls::engine::FinishReason::EndOfText);
        place.row["text"] = json!(written.text);
        writeln!(std::io::stdout().lock(), "{}", place.row)?;
    }
    Ok(())
}

/// Replays what was recorded, token by token.
fn replay() -> anyhow::Result<()> {
    for line in std::io::stdin().lock().lines() {
        let place = Place::read(&line?)?;
        let (used, result) = suggestion(&place);
        let id = &place.row["id"];
        let row = match result {
            Ok(completion) => {
                let mut text = place.snapshot.text();
                text.replace_range(completion.range.clone(), &completion.text);
                json!({ "id": id, "completion": completion.text, "new_text": text, "form": "editor", "used": used })
            }
            Err(reason) => {
                json!({ "id": id, "completion": "", "form": "editor", "used": used, "reason": reason.code() })
            }
        };
        writeln!(std::io::stdout().lock(), "{row}")?;
    }
    Ok(())
}

fn suggestion(place: &Place) -> (usize, Result<Completion, Reason>) {
    let Place { row, snapshot, offset } = place;
    if let Some(reason) = complete::silence(snapshot, *offset) {
        return (0, Err(reason));
    }
    let settings = Settings::default().completion;
    let mode = complete::mode(snapshot, *offset);
    let mut stop = StopCondition::new(mode, snapshot, *offset);
    let mut is_whole = row["ended"] == true;
    let (mut used, mut in_line, mut start) = (0, 0, 0);
    let text = row["text"].as_str().unwrap_or_default();
    for token in row["tokens"].as_array().into_iter().flatten() {
        let end = token[0].as_u64().map_or(start, |end| end as usize);
        used += 1;
        let stopped = stop.push(text.get(start..end).unwrap_or_default()).is_break();
        in_line += usize::from(stop.is_in_first_line());
        start = end;
        if stopped || (mode == Mode::Line && in_line == settings.line_tokens.get()) {
            is_whole = true;
            break;
        }
    }
    let kept = if is_whole { stop.text() } else { stop.text_cut_short() };
    (used, complete::finish(snapshot, *offset, kept))
}
