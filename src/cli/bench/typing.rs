//! `infill-ls bench typing`: replays real keystrokes through the language server, as an editor does, and the same ones
//! against a running `llama-server`, as llama.vim does; task by task in turn, so that a slow moment hits both.
//!
//! Times are from the key to the whole text, with the peer's token bound for both. They count where a new suggestion was
//! computed; those known already and those empty are told apart.

pub mod editor;
pub mod llama_vim;
pub mod ours;
pub mod report;
pub mod screen;
pub mod task;
pub mod theirs;

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::{Value, json};
use tokio::process::Command;

use self::editor::Editor;
use self::ours::{Counters, Ours};
use self::report::{Side, quantile};
use self::screen::Pace;
use self::task::Task;
use self::theirs::Theirs;
use super::table;
use crate::cli::model_args::ModelChoice;
use crate::cli::progress::terminal_progress;
use crate::fetch::Progress;
use crate::model;

/// How long an answer is waited for when no key cuts the wait short.
const PATIENCE: Duration = Duration::from_secs(20);

/// Arguments of `bench typing`.
#[derive(Debug, Args)]
pub struct TypingArgs {
    #[command(flatten)]
    model: ModelChoice,
    /// The address of a running llama-server with the same model and threads, asked in turn as llama.vim asks
    #[arg(long, value_name = "URL")]
    peer: Option<String>,
    /// Types what is missing in the tasks of a file, one JSON record a line
    #[arg(long, value_name = "FILE.jsonl", required_unless_present = "file")]
    task: Vec<PathBuf>,
    /// Types lines of a source file
    #[arg(long, value_name = "SOURCE")]
    file: Vec<PathBuf>,
    /// The most characters typed of a task
    #[arg(long, default_value = "40", value_name = "N")]
    keys: NonZeroUsize,
    /// From key to key; 0 waits for each answer
    #[arg(long, default_value_t = 180, value_name = "MS")]
    interval_ms: u64,
    /// The most tasks, or lines, of a file, evenly spread over it
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: usize,
    /// Threads of ours; the peer's are its own setting
    #[arg(long, value_name = "N", default_value_t = model::physical_cores())]
    threads: usize,
    /// Also write the figures to FILE
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// What was measured.
struct Measured {
    ours: Side,
    peer: Option<Side>,
    cancel_us: Vec<f64>,
    /// What our server computed in the whole run, also for keys that were not answered.
    counters: Counters,
}

/// Measures and prints.
pub(super) fn run(args: TypingArgs) -> anyhow::Result<ExitCode> {
    let tasks = tasks(&args)?;
    let model = args.model.obtain()?;
    let peer = args.peer.as_deref().map(Theirs::connect).transpose()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let measured = runtime.block_on(measure(&args, &model, peer.as_ref(), &tasks))?;
    let report = report(&args, tasks.len(), &measured);
    print(&args, &report)?;
    if let Some(file) = &args.json {
        let text = serde_json::to_string_pretty(&report)?;
        std::fs::write(file, text + "\n").with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn tasks(args: &TypingArgs) -> anyhow::Result<Vec<Task>> {
    let read = |path: &PathBuf| {
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
    };
    let mut tasks = Vec::new();
    for path in &args.task {
        let all = task::from_records(&read(path)?).with_context(|| path.display().to_string())?;
        tasks.extend(task::pick(all, args.limit));
    }
    for path in &args.file {
        tasks.extend(task::pick(task::from_source(path, &read(path)?), args.limit));
    }
    if tasks.is_empty() {
        bail!("there is nothing to type in the files of --task and --file");
    }
    Ok(tasks)
}

async fn measure(
    args: &TypingArgs,
    model: &Path,
    peer: Option<&Theirs>,
    tasks: &[Task],
) -> anyhow::Result<Measured> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["serve", "--threads", &args.threads.to_string(), "--model"])
        .arg(model)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let pipes = child.stdout.take().zip(child.stdin.take());
    let (output, input) = pipes.context("the language server has no pipes")?;
    let mut editor = Editor::connect(output, input);
    editor.begin(ours::ROOT, options()).await?;
    let mut ours = Ours::new(editor);
    let pace = pace(args);
    let mut sides = (Side::default(), peer.map(|_| Side::default()));
    let progress = terminal_progress();
    for (number, task) in tasks.iter().enumerate() {
        progress.report(&format!("typing {} of {}: {}", number + 1, tasks.len(), task.id), 0, 0);
        sides.0.0.push(ours.type_task(task, &pace).await.with_context(|| task.id.clone())?);
        if let Some((peer, side)) = peer.zip(sides.1.as_mut()) {
            // The one other task of this runtime reads what our server says, on a thread of its own.
            side.0.push(peer.type_task(task, &pace).with_context(|| task.id.clone())?);
        }
    }
    let counters = ours.counters().await?;
    let cancel_us = std::mem::take(&mut ours.cancel_us);
    ours.end().await?;
    child.wait().await?;
    Ok(Measured { ours: sides.0, peer: sides.1, cancel_us, counters })
}

/// Returns our settings: the defaults, but the peer's bound for the length of a suggestion, and nothing for the statistics of
/// the person at this machine.
fn options() -> Value {
    json!({
        "completion": { "line_tokens": llama_vim::PREDICT, "block_tokens": llama_vim::PREDICT },
        "stats": { "enabled": false },
    })
}

fn pace(args: &TypingArgs) -> Pace {
    let interval = (args.interval_ms > 0).then(|| Duration::from_millis(args.interval_ms));
    Pace { interval, patience: PATIENCE, keys: args.keys.into() }
}

fn report(args: &TypingArgs, tasks: usize, measured: &Measured) -> Value {
    let Measured { ours, peer, cancel_us, counters } = measured;
    let mut typing = report::figures(ours, peer.as_ref());
    typing["each"] = report::each(ours);
    typing["tasks"] = json!(tasks);
    typing["interval_ms"] = json!(args.interval_ms);
    typing["most_tokens"] = json!(llama_vim::PREDICT);
    typing["cancel_us"] = json!({
        "p95": quantile(cancel_us.iter().copied(), 0.95),
        "max": counters.max_cancel_us,
        "seen": cancel_us.len(),
    });
    typing["whole_run"] =
        json!({ "prefill_tokens": counters.prefill_tokens, "decoded_tokens": counters.decoded_tokens });
    json!({
        "cpu": { "kernels": model::cpu_kernel(), "features": model::cpu_features(), "threads": args.threads },
        "typing": typing,
    })
}

fn print(args: &TypingArgs, report: &Value) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let typing = &report["typing"];
    let features = model::cpu_features().join(" ");
    writeln!(out, "kernels {}; CPU features {features}; {} threads", model::cpu_kernel(), args.threads)?;
    let pace = match args.interval_ms {
        0 => "each key after the answer to the last".into(),
        ms => format!("{ms} ms from key to key"),
    };
    writeln!(out, "{} tasks, {pace}, at most {} tokens for both", typing["tasks"], llama_vim::PREDICT)?;
    table::write(&mut out, &report::rows(typing))?;
    let cancel = &typing["cancel_us"];
    match cancel["p95"].as_f64() {
        Some(p95) => {
            let (max, seen) = (cancel["max"].as_f64().unwrap_or(0.0), &cancel["seen"]);
            writeln!(
                out,
                "cancel to compute stopped, ms: p95 {:.1}, longest {:.1}, of {seen} seen",
                p95 / 1e3,
                max / 1e3
            )
        }
        None => writeln!(out, "cancel to compute stopped: nothing was cancelled"),
    }
}
