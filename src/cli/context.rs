//! `infill-ls context`: what the model would be shown for a completion, part by part, and why. Nothing is generated.

mod sent;

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::place::Place;
use super::run_args::{self, RunArgs};
use crate::complete::{self, Budget};
use crate::config::Settings;

/// Arguments of `context`.
#[derive(Debug, Args)]
pub struct ContextArgs {
    /// Where it would be completed; lines and columns count from 1, columns in characters
    #[arg(value_name = "FILE:LINE:COL")]
    place: Place,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
    /// Tokens that other files may have; the setting `prompt.context_tokens`
    #[arg(long, value_name = "N")]
    context_tokens: Option<usize>,
    /// Print the very bytes that would be sent to the remote source of --set remote.kind=…, and where to
    #[arg(long)]
    remote: bool,
    #[command(flatten)]
    run: RunArgs,
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Shown {
    file: String,
    project: String,
    tokens: usize,
    parts: Vec<Part>,
}

/// One part of the prompt, in the order in which it is sent.
#[derive(Debug, Serialize)]
struct Part {
    source: &'static str,
    path: String,
    reason: String,
    tokens: usize,
    text: String,
}

/// Prints the parts of the prompt.
///
/// # Errors
/// When the file or the model cannot be read, or there is no such line.
pub fn run(args: ContextArgs) -> anyhow::Result<ExitCode> {
    let opened = args.place.open()?;
    if opened.is_excluded() {
        writeln!(std::io::stderr().lock(), "{} is excluded by a .infillignore", opened.shown)?;
        return Ok(ExitCode::FAILURE);
    }
    let mut settings = Settings::default();
    args.run.apply(&mut settings);
    settings.prompt.context_tokens = args.context_tokens.unwrap_or(settings.prompt.context_tokens);
    if args.remote {
        return sent::run(opened, settings);
    }
    let (_source, counter) = run_args::load(&settings)?;
    let context = opened.context(settings.prompt.context_tokens, &*counter);
    let budget = Budget {
        prefix_tokens: settings.prompt.prefix_tokens.get(),
        suffix_tokens: settings.prompt.suffix_tokens,
    };
    let anchored = complete::prompt(&opened.snapshot, opened.offset, Some(&opened.shown), &budget, &*counter);
    let mut parts: Vec<Part> = Vec::new();
    for piece in context.iter().flat_map(|context| &context.pieces) {
        let (path, reason, text) = (piece.path.clone(), piece.reason.clone(), piece.text.clone());
        parts.push(Part { source: piece.source.name(), path, reason, tokens: piece.tokens, text });
    }
    let prompt = anchored.prompt;
    let of_file = [
        (
            "requirement",
            prompt.requirement.unwrap_or_default(),
            "comments that govern the cursor and lie before the prefix",
        ),
        ("prefix", prompt.prefix, "the file up to where the cursor's line begins"),
        ("suffix", prompt.suffix, "the file after the cursor"),
        ("typed", prompt.typed, "the cursor's line up to the cursor, as the beginning of what is written"),
    ];
    for (source, text, reason) in of_file.into_iter().filter(|(_, text, _)| !text.is_empty()) {
        let tokens = counter.count(&text);
        parts.push(Part { source, path: opened.shown.clone(), reason: reason.into(), tokens, text });
    }
    let tokens = parts.iter().map(|part| part.tokens).sum();
    let project = context.map(|context| context.project.clone()).unwrap_or_default();
    print(&Shown { file: opened.shown, project, tokens, parts }, args.json)?;
    Ok(ExitCode::SUCCESS)
}

fn print(shown: &Shown, json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(shown)?)?;
        return Ok(());
    }
    writeln!(out, "{}: about {} tokens, in this order", shown.file, shown.tokens)?;
    for part in &shown.parts {
        writeln!(out, "\n{:>6}  {:<11}  {}: {}", part.tokens, part.source, part.path, part.reason)?;
        // The file itself is in front of the reader.
        if part.path != shown.file {
            part.text.lines().try_for_each(|line| writeln!(out, "        | {line}"))?;
        }
    }
    Ok(())
}
