//! `infill-ls bench load`: so many users type at once against a remote source, each a file's lines at an even pace, and it
//! is counted what they get to see. What a user is here is what the language server is for one document: one request for
//! each key that the last suggestion does not answer, which goes on while what is typed is what it writes and is dropped
//! otherwise; all of it goes through the completion logic, so that a suggestion is one that would have been shown.

pub mod tally;
pub mod user;

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Args;
use serde_json::json;
use tokio::task::JoinSet;

use self::tally::Tally;
use self::user::User;
use super::table;
use super::typing::task::{self, Task};
use crate::cli::run_args::{RunArgs, start_remote};
use crate::config::Settings;
use crate::source::{Source, Status};

/// The most users: each is a connection.
const MOST_USERS: u64 = 500;

/// The longest run, in seconds.
const LONGEST: u64 = 3600;

/// Arguments of `bench load`.
#[derive(Debug, Args)]
pub struct LoadArgs {
    /// Users who type at once
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=MOST_USERS))]
    users: u64,
    /// The source files whose lines they type
    #[arg(long, value_name = "SOURCE", required = true)]
    file: Vec<PathBuf>,
    /// How long they type
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=LONGEST))]
    seconds: u64,
    /// From key to key
    #[arg(long, value_name = "MS", default_value = "180")]
    interval_ms: NonZeroUsize,
    /// The most characters typed of a line
    #[arg(long, value_name = "N", default_value = "40")]
    keys: NonZeroUsize,
    /// Also write the figures to FILE
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    #[command(flatten)]
    run: RunArgs,
}

/// Measures and prints.
///
/// # Errors
/// When there is nothing to type, no remote source is set, or it cannot be used.
pub(super) fn run(args: LoadArgs) -> anyhow::Result<ExitCode> {
    let mut settings = Settings::default();
    args.run.apply(&mut settings);
    let Some(source) = start_remote(&settings) else {
        bail!(
            "no remote source is set; say which one, as in --set remote.kind=llama-server --set 'remote.folders=*'"
        );
    };
    if let Status::Failed { message } = source.status() {
        bail!(message);
    }
    let source: Arc<dyn Source> = Arc::new(source);
    let tasks = Arc::new(tasks(&args.file)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let pace = Duration::from_millis(args.interval_ms.get() as u64);
    let time = Duration::from_secs(args.seconds);
    let begun = Instant::now();
    let tally = runtime.block_on(replay(
        args.users,
        &source,
        &Arc::new(settings),
        &tasks,
        (pace, args.keys.get(), time),
    ));
    let seconds = begun.elapsed().as_secs_f64();
    let report = source.remote();
    let mut figures = tally.figures(args.users, seconds);
    figures["interval_ms"] = json!(args.interval_ms);
    figures["remote"] = json!(report);
    let mut out = std::io::stdout().lock();
    let name = report.map(|report| report.name).unwrap_or_default();
    writeln!(
        out,
        "{} users type at {name} for {seconds:.0} s, {} ms from key to key",
        args.users, args.interval_ms
    )?;
    table::write(&mut out, &tally.rows(seconds))?;
    if let Some(file) = &args.json {
        let text = serde_json::to_string_pretty(&figures)?;
        std::fs::write(file, text + "\n").with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Lets users type until the time is over. They begin one after the other within one pause between keys, and each at another
/// line, as people do.
pub async fn replay(
    users: u64,
    source: &Arc<dyn Source>,
    settings: &Arc<Settings>,
    tasks: &Arc<Vec<(PathBuf, Task)>>,
    (pace, keys, time): (Duration, usize, Duration),
) -> Tally {
    let begun = tokio::time::Instant::now();
    let mut all = JoinSet::new();
    for number in 0..users {
        let user = User::new(number, Arc::clone(source), Arc::clone(settings), pace, keys);
        let (tasks, until) = (Arc::clone(tasks), begun + time);
        let begin = begun + pace.mul_f64(number as f64 / users as f64);
        let first = (number as usize * tasks.len()) / users as usize;
        all.spawn(async move {
            tokio::time::sleep_until(begin).await;
            user.type_all(&tasks, first, until).await
        });
    }
    let mut tally = Tally::default();
    while let Some(user) = all.join_next().await {
        match user {
            Ok(seen) => tally.add(seen),
            Err(error) => tracing::error!(%error, "a user stopped typing"),
        }
    }
    tally
}

fn tasks(files: &[PathBuf]) -> anyhow::Result<Vec<(PathBuf, Task)>> {
    let mut tasks = Vec::new();
    for file in files {
        let text =
            std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        tasks.extend(task::from_source(file, &text).into_iter().map(|task| (file.clone(), task)));
    }
    match tasks.is_empty() {
        true => bail!("there is nothing to type in the files of --file"),
        false => Ok(tasks),
    }
}
