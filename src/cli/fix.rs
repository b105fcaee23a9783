//! `infill-ls fix`: mends what a check finds, round after round, until it is content.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use serde_json::json;

use super::assistant::{self, AnswerArgs, Assistant, diff, order, to_log};
use crate::assist::{Accepts, CheckCommand, Checked, Limits, applied, mend, stated_faults};
use crate::text::{Snapshot, TextEdit};

/// Arguments of `fix`.
#[derive(Debug, Args)]
pub struct FixArgs {
    /// The file
    file: PathBuf,
    /// What says whether the file is right, such as 'cargo check' or 'python3 -m py_compile {file}'; it runs in a temporary
    /// copy: of the file alone where {file} is in it, else of this folder. Without it the file must only parse
    #[arg(long, value_name = "COMMAND")]
    check: Option<String>,
    /// The most rounds
    #[arg(long, value_name = "N", default_value = "5")]
    rounds: usize,
    /// Seconds that the check may take
    #[arg(long, value_name = "N", default_value = "120")]
    check_seconds: u64,
    /// Write the mended file; otherwise the change is only shown
    #[arg(long)]
    write: bool,
    #[command(flatten)]
    answer: AnswerArgs,
}

/// Mends and shows the change; exits with 1 when the check is not content in the end.
///
/// # Errors
/// When the file or the model cannot be read, or the check not be run.
pub fn run(args: FixArgs) -> anyhow::Result<ExitCode> {
    let opened = assistant::open(&args.file, None)?;
    let (language, before) = (opened.snapshot.language(), opened.snapshot.text());
    let folder = std::env::current_dir().context("there is no current folder")?;
    let file = std::path::absolute(&args.file).context("the file's folder cannot be told")?;
    let limits = Limits { seconds: args.check_seconds, memory_mb: None, network: true };
    let check = args.check.clone().map(|line| CheckCommand { line, folder, limits });
    let judge = Arc::new(Judge { check, file, language });
    let assistant = Assistant::start(&args.answer.run)?;
    let (mut text, mut tokens, mut rounds) = (before.clone(), 0, 0);
    let mut checked = assistant.wait(judge.check(&text))?;
    while !checked.passed && rounds < args.rounds {
        rounds += 1;
        let snapshot = Snapshot::new(language, &text);
        let order = order(args.answer.max_new_tokens.get(), Some(&args.file), to_log());
        let faults = stated_faults(&snapshot, &judge.file, &checked.output);
        let Some(fault) = faults.into_iter().next() else { break };
        (order.heard)(crate::assist::Step::Note(fault.message.lines().next().unwrap_or_default()));
        let accepts = judge.accepts(&text, &checked);
        match assistant.wait(mend(&snapshot, &fault, &*assistant.source, &order, &*accepts)) {
            Ok(mended) => {
                text = applied(&text, &mended.edits).0;
                tokens += mended.tokens;
            }
            Err(error) => {
                writeln!(std::io::stderr().lock(), "infill-ls: {error}")?;
                break;
            }
        }
        checked = assistant.wait(judge.check(&text))?;
    }
    if args.write && text != before {
        assistant::write(&args.file, &text)?;
    }
    report(&args, &before, &text, &checked, (rounds, tokens))?;
    Ok(if checked.passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn report(
    args: &FixArgs,
    before: &str,
    text: &str,
    checked: &Checked,
    cost: (usize, usize),
) -> anyhow::Result<()> {
    let (rounds, tokens) = cost;
    let mut out = std::io::stdout().lock();
    if args.answer.json {
        let report = json!({
            "passed": checked.passed, "rounds": rounds, "tokens": tokens, "text": text, "output": checked.output,
            "written": args.write && text != before,
        });
        writeln!(out, "{report}")?;
        return Ok(());
    }
    if text != before {
        write!(out, "{}", diff(before, text, &args.file.to_string_lossy()))?;
    }
    let mut err = std::io::stderr().lock();
    match (checked.passed, rounds) {
        (true, 0) => writeln!(err, "nothing to mend")?,
        (true, 1) => writeln!(err, "mended in one round")?,
        (true, _) => writeln!(err, "mended in {rounds} rounds")?,
        (false, _) => {
            writeln!(err, "not mended in {rounds} rounds; what is left:\n{}", checked.output.trim_end())?
        }
    }
    Ok(())
}

/// What says whether a text is right.
struct Judge {
    check: Option<CheckCommand>,
    file: PathBuf,
    language: crate::text::Language,
}

impl Judge {
    async fn check(&self, text: &str) -> anyhow::Result<Checked> {
        match &self.check {
            Some(check) => check.run(&self.file, text).await.map_err(anyhow::Error::msg),
            None => Ok(parsed(self.language, &self.file, text)),
        }
    }

    /// Accepts what passes, or has fewer faults than before: one of several is mended after the other.
    fn accepts(self: &Arc<Self>, text: &str, checked: &Checked) -> Box<Accepts> {
        let (text, judge, faults) = (text.to_owned(), Arc::clone(self), count(&checked.output));
        Box::new(move |edits: Vec<TextEdit>| {
            let (after, judge) = (applied(&text, &edits).0, Arc::clone(&judge));
            Box::pin(async move {
                let checked = judge.check(&after).await;
                checked.is_ok_and(|checked| checked.passed || count(&checked.output) < faults)
            })
        })
    }
}

fn count(output: &str) -> usize {
    output.to_lowercase().matches("error").count()
}

/// Judges by parsing alone.
fn parsed(language: crate::text::Language, file: &Path, text: &str) -> Checked {
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
    let faults = crate::syntax::faults(language, text);
    let line = |at: usize| text[..at].matches('\n').count() + 1;
    let stated =
        faults.iter().map(|fault| format!("{name}:{}: error: this does not parse\n", line(fault.start)));
    Checked { passed: faults.is_empty(), output: stated.collect() }
}
