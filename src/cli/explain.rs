//! `infill-ls explain`: what a file, or a part of it, does.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::json;

use super::assistant::{self, AnswerArgs, Assistant, order, streams, to_terminal};
use crate::assist::{Audience, Focus, explain};

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A file, with a line (its function) or lines behind a colon: src/main.rs:12, src/main.rs:10-30; `-` is standard input
    #[arg(value_name = "FILE[:LINE[-LINE]]")]
    place: String,
    /// Explain it to somebody who is learning to program
    #[arg(long)]
    beginner: bool,
    /// The language, where the file's name does not say it
    #[arg(long, value_name = "NAME")]
    language: Option<String>,
    #[command(flatten)]
    answer: AnswerArgs,
}

/// Explains and prints.
///
/// # Errors
/// When the file or the model cannot be read, or there are no such lines.
pub fn run(args: ExplainArgs) -> anyhow::Result<ExitCode> {
    let (file, lines) = place(&args.place);
    let opened = assistant::open(&file, args.language.as_deref())?;
    let snapshot = &opened.snapshot;
    let name = opened.path.as_deref().and_then(|path| Some(path.file_name()?.to_string_lossy()));
    let focus = match lines {
        None => Focus::file(snapshot, name.as_deref()),
        Some((first, last)) if last == 0 || first == 0 || last < first || snapshot.line_count() < last => {
            bail!(
                "{} has {} lines; there are no lines {first} to {last}",
                file.display(),
                snapshot.line_count()
            )
        }
        Some((first, last)) if first == last => {
            let start = snapshot.line_start(first - 1);
            Focus::at(snapshot, start..start)
                .or_else(|| Focus::at(snapshot, start..snapshot.line_end(first - 1)))
        }
        Some((first, last)) => {
            Focus::at(snapshot, snapshot.line_start(first - 1)..snapshot.line_end(last - 1))
        }
    };
    let focus = focus.context("there is nothing to explain: no code there")?;
    let audience = if args.beginner { Audience::Beginner } else { Audience::Colleague };
    let assistant = Assistant::start(&args.answer.run)?;
    let streams = streams(args.answer.json);
    let order = order(args.answer.max_new_tokens.get(), opened.path.as_deref(), to_terminal(streams));
    let page = assistant.wait(explain(&focus, audience, &*assistant.source, &order))?;
    let mut out = std::io::stdout().lock();
    match () {
        () if args.answer.json => {
            writeln!(out, "{}", json!({ "title": page.title, "text": page.text, "tokens": page.tokens }))?;
        }
        () if streams => writeln!(out)?,
        () => write!(out, "{}", page.text)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the file, and the lines behind its name. A name may hold colons itself.
fn place(text: &str) -> (PathBuf, Option<(usize, usize)>) {
    let lines = |text: &str| {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        Some((first.parse().ok()?, last.parse().ok()?))
    };
    match text.rsplit_once(':').and_then(|(file, rest)| Some((file, lines(rest)?))) {
        Some((file, lines)) => (file.into(), Some(lines)),
        None => (text.into(), None),
    }
}
