//! `infill-ls complete`: one completion, printed.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;

use super::progress::terminal_progress;
use super::run_args::{self, RunArgs};
use crate::assist::infill::{InfillRequest, Written, infill};
use crate::complete::Completion;
use crate::config::Settings;
use crate::engine::CancelToken;
use crate::fetch::Progress;
use crate::source::Source;
use crate::text::{Language, Position, PositionEncoding, Snapshot, TextEdit};

/// Lines shown before and after the completion in a preview.
const AROUND: usize = 5;

/// A person who asks on the command line would rather wait than get half of it.
const TIME_MS: NonZeroUsize = NonZeroUsize::new(120_000).expect("it is not 0");

/// Arguments of `complete`.
#[derive(Debug, Args)]
pub struct CompleteArgs {
    /// Where to complete; lines and columns count from 1, columns in characters
    #[arg(value_name = "FILE:LINE:COL")]
    place: Place,
    /// Print the lines around the completion too, with the completion marked
    #[arg(long)]
    in_place_preview: bool,
    #[command(flatten)]
    run: RunArgs,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    file: PathBuf,
    line: u32,
    column: u32,
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not FILE:LINE:COL, such as src/main.rs:12:5");
        let mut parts = text.rsplitn(3, ':');
        let mut number = || parts.next().and_then(|part| part.parse::<u32>().ok()).filter(|&n| n > 0);
        let (column, line) = (number().ok_or_else(wrong)?, number().ok_or_else(wrong)?);
        let file = parts.next().filter(|file| !file.is_empty()).ok_or_else(wrong)?;
        Ok(Self { file: file.into(), line, column })
    }
}

/// Completes and prints; exits with 1 when there is nothing to suggest.
///
/// # Errors
/// When the file or the model cannot be read, or there is no such line.
pub fn run(args: CompleteArgs) -> anyhow::Result<ExitCode> {
    let (snapshot, offset) = open(&args.place)?;
    let mut settings = Settings::default();
    args.run.apply(&mut settings);
    settings.completion.time_ms = TIME_MS;
    settings.completion.latency_ms = TIME_MS;
    let source = run_args::start(&settings);
    {
        let progress = terminal_progress();
        let mut report = |stage: &str, done, total| progress.report(stage, done, total);
        source.wait(&mut report).map_err(anyhow::Error::msg)?;
    }
    let request = request(&args.place.file, snapshot.clone(), offset, settings);
    let counter = source.counter().context("the model has no tokenizer")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let infill = runtime.block_on(infill(request, source, counter, CancelToken::new()));
    match infill.result {
        Ok(completion) => {
            print(&completion, &snapshot, offset, args.in_place_preview)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(reason) => {
            writeln!(std::io::stderr().lock(), "no completion ({}): {}", reason.code(), reason.explain())?;
            Ok(ExitCode::FAILURE)
        }
    }
}

fn open(place: &Place) -> anyhow::Result<(Snapshot, usize)> {
    let bytes =
        std::fs::read(&place.file).with_context(|| format!("cannot read {}", place.file.display()))?;
    let text = String::from_utf8_lossy(&bytes);
    let snapshot = Snapshot::new(Language::from_path(&place.file), &text);
    if place.line as usize > snapshot.line_count() {
        bail!("{} has {} lines, not {}", place.file.display(), snapshot.line_count(), place.line);
    }
    let position = Position { line: place.line - 1, character: place.column - 1 };
    let offset = snapshot.offset(position, PositionEncoding::Utf32);
    Ok((snapshot, offset))
}

fn request(file: &Path, snapshot: Snapshot, offset: usize, settings: Settings) -> InfillRequest {
    let path = file.file_name().map(|name| name.to_string_lossy().into_owned());
    InfillRequest {
        snapshot,
        offset,
        path,
        branch: 0,
        settings: Arc::new(settings),
        anchors: Vec::new(),
        idle: false,
        written: Written::default(),
    }
}

fn print(completion: &Completion, snapshot: &Snapshot, offset: usize, preview: bool) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if !preview {
        return writeln!(out, "{}", completion.text);
    }
    let edit = TextEdit { range: completion.range.clone(), text: completion.text.clone() };
    let text = edit.apply(&snapshot.text());
    let (from, to) = (completion.range.start, completion.range.start + completion.text.len());
    let first = text[..offset.min(text.len())].matches('\n').count();
    let last = text[..to].matches('\n').count();
    let mut start = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let end = start + line.len();
        if number + AROUND >= first && number <= last + AROUND {
            let marked = start < to && end > from;
            let mark = if marked { '>' } else { ' ' };
            writeln!(out, "{mark} {:>4} | {}", number + 1, line.trim_end_matches(['\r', '\n']))?;
        }
        start = end;
    }
    Ok(())
}
