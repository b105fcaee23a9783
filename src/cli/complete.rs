//! `infill-ls complete`: one completion, printed.

use std::io::Write;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::place::{Opened, Place};
use super::run_args::{self, RunArgs};
use crate::assist::infill::{InfillRequest, Written, infill};
use crate::complete::{Completion, Context, Reason};
use crate::config::Settings;
use crate::engine::CancelToken;
use crate::text::{Snapshot, TextEdit};

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

/// Completes and prints; exits with 1 when there is nothing to suggest.
///
/// # Errors
/// When the file or the model cannot be read, or there is no such line.
pub fn run(args: CompleteArgs) -> anyhow::Result<ExitCode> {
    let opened = args.place.open()?;
    if opened.is_excluded() {
        return silent(Reason::IgnoredFile);
    }
    let mut settings = Settings::default();
    args.run.apply(&mut settings);
    settings.completion.time_ms = TIME_MS;
    settings.completion.latency_ms = TIME_MS;
    let (source, counter) = run_args::load(&settings)?;
    let context = opened.context(settings.prompt.context_tokens, &*counter);
    let (snapshot, offset) = (opened.snapshot.clone(), opened.offset);
    let request = request(opened, context, settings);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let infill = runtime.block_on(infill(request, Arc::clone(&source), counter, CancelToken::new()));
    run_args::tell_instead(&*source);
    match infill.result {
        Ok(completion) => {
            print(&completion, &snapshot, offset, args.in_place_preview)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(reason) => silent(reason),
    }
}

fn silent(reason: Reason) -> anyhow::Result<ExitCode> {
    writeln!(std::io::stderr().lock(), "no completion ({}): {}", reason.code(), reason.explain())?;
    Ok(ExitCode::FAILURE)
}

pub(super) fn request(opened: Opened, context: Option<Arc<Context>>, settings: Settings) -> InfillRequest {
    let Opened { snapshot, offset, path, shown, .. } = opened;
    InfillRequest {
        snapshot,
        offset,
        path: Some(shown),
        file: Some(path),
        branch: 0,
        settings: Arc::new(settings),
        anchors: Vec::new(),
        contexts: vec![context],
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
