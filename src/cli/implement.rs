//! `infill-ls implement`: the function that a comment describes, or the body of one.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::bail;
use clap::Args;
use serde_json::json;

use super::assistant::{self, AnswerArgs, Assistant, diff, order, to_log};
use crate::assist::{Options, Product, Task, applied, perform};
use crate::config::Settings;

/// Arguments of `implement`.
#[derive(Debug, Args)]
pub struct ImplementArgs {
    /// The line, from 1, of a comment or of a function without a body
    #[arg(value_name = "FILE:LINE")]
    place: Place,
    /// Run the examples in the comment on the function, in a temporary folder, without a network
    #[arg(long)]
    run_examples: bool,
    /// Write the function into the file; otherwise the change is only shown
    #[arg(long)]
    write: bool,
    #[command(flatten)]
    answer: AnswerArgs,
}

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    file: PathBuf,
    line: usize,
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not FILE:LINE, such as src/main.py:12");
        let (file, line) = text.rsplit_once(':').ok_or_else(wrong)?;
        let line = line.parse().ok().filter(|&line| line > 0).ok_or_else(wrong)?;
        Ok(Self { file: file.into(), line })
    }
}

/// Writes the function.
///
/// # Errors
/// When the file or the model cannot be read, or nothing came that parses.
pub fn run(args: ImplementArgs) -> anyhow::Result<ExitCode> {
    let Place { file, line } = &args.place;
    let opened = assistant::open(file, None)?;
    let snapshot = &opened.snapshot;
    if snapshot.line_count() < *line {
        bail!("{} has {} lines, not {line}", file.display(), snapshot.line_count());
    }
    let mut settings = Settings::default().actions;
    settings.run_examples = args.run_examples;
    settings.tokens = args.answer.max_new_tokens;
    let options = Options { settings, file: Some(file.clone()), folder: None };
    let at = snapshot.line_end(line - 1);
    let assistant = Assistant::start(&args.answer.run)?;
    let order = order(args.answer.max_new_tokens.get(), Some(Path::new(file)), to_log());
    let task = Task::Implement { variant: 0 };
    let done = assistant.wait(perform(&task, snapshot, at..at, &*assistant.source, &order, &options))?;
    let Product::Edits(ways) = done.product else { bail!("the model wrote no function") };
    let before = snapshot.text();
    let after = ways.first().map(|edits| applied(&before, edits).0).unwrap_or_else(|| before.clone());
    if args.write {
        assistant::write(file, &after)?;
    }
    let mut out = std::io::stdout().lock();
    match args.answer.json {
        true => writeln!(out, "{}", json!({ "text": after, "tokens": done.tokens, "written": args.write }))?,
        false => write!(out, "{}", diff(&before, &after, &file.to_string_lossy()))?,
    }
    Ok(ExitCode::SUCCESS)
}
