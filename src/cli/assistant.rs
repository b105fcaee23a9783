//! What the subcommands that ask the model share: the model started, the answer streamed to a terminal or kept for the
//! end, the file that is worked on, and the diff of what would become of it.

use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;

use super::run_args::{self, RunArgs};
use crate::assist::{AssistError, Heard, Order, Step, hunks};
use crate::complete::TokenCount;
use crate::config::Settings;
use crate::engine::CancelToken;
use crate::source::Source;
use crate::text::{Language, Snapshot};

/// The answer to each question goes into a branch of its own.
const BRANCH: u64 = 1;

/// Options of the subcommands that print an answer.
#[derive(Debug, Args)]
pub struct AnswerArgs {
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
    /// The most tokens of an answer
    #[arg(long, value_name = "N", default_value = "1024")]
    pub max_new_tokens: std::num::NonZeroUsize,
    #[command(flatten)]
    pub run: RunArgs,
}

/// A model that is ready to be asked.
pub struct Assistant {
    /// Where answers come from.
    pub source: Arc<dyn Source>,
    /// What counts its tokens.
    pub counter: Arc<dyn TokenCount + Send + Sync>,
    runtime: tokio::runtime::Runtime,
}

/// A file that is worked on; standard input has no path.
pub struct Opened {
    /// Where it lies.
    pub path: Option<PathBuf>,
    /// Its text.
    pub snapshot: Snapshot,
}

impl Assistant {
    /// Starts the model and waits until it is there.
    ///
    /// # Errors
    /// When there is none; the message says what to do.
    pub fn start(run: &RunArgs) -> anyhow::Result<Self> {
        let mut settings = Settings::default();
        run.apply(&mut settings);
        let (source, counter) = run_args::load(&settings)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        Ok(Self { source, counter, runtime })
    }

    /// Runs work to its end.
    pub fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        let done = self.runtime.block_on(work);
        run_args::tell_instead(&*self.source);
        done
    }

    /// Runs work until it is done or Ctrl-C is pressed, which stops the answer and not the program; `None` then.
    pub fn wait_or_stop<T>(
        &self,
        cancel: &CancelToken,
        work: impl Future<Output = Result<T, AssistError>>,
    ) -> Result<Option<T>, AssistError> {
        self.wait(async {
            tokio::select! {
                done = work => done.map(Some),
                _ = tokio::signal::ctrl_c() => {
                    cancel.cancel();
                    Ok(None)
                }
            }
        })
    }
}

/// Returns an order whose steps go to `heard`.
pub fn order(max_tokens: usize, path: Option<&Path>, heard: Heard) -> Order {
    let files = path.map(Path::to_owned).into_iter().collect();
    let path = path.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let cancel = CancelToken::new();
    Order { path, files, branch: BRANCH, max_tokens, bound: "--max-new-tokens", cancel, heard }
}

/// Returns whether an answer is shown while it is written: in a terminal, as text.
pub fn streams(json: bool) -> bool {
    !json && std::io::stdout().is_terminal()
}

/// Prints pieces as they come, if `streams`; what is not shown in a terminal is printed whole, at the end.
pub fn to_terminal(streams: bool) -> Heard {
    Arc::new(move |step| {
        if let (true, Step::Piece(piece, _)) = (streams, step) {
            let mut out = std::io::stdout().lock();
            // A terminal that is gone is found out by the printing at the end.
            let _ = out.write_all(piece.as_bytes()).and_then(|()| out.flush());
        }
    })
}

/// Says on standard error how it goes on, where that is a terminal.
pub fn to_log() -> Heard {
    let shown = std::io::stderr().is_terminal();
    Arc::new(move |step| {
        let mut err = std::io::stderr().lock();
        // Nobody can be told that standard error does not work.
        let _ = match step {
            Step::Attempt(attempt) if shown && attempt > 1 => writeln!(err, "attempt {attempt}"),
            Step::Note(note) if shown => writeln!(err, "{note}"),
            _ => Ok(()),
        };
    })
}

/// Reads a file; `-` is standard input, whose language must be said.
///
/// # Errors
/// When it cannot be read.
pub fn open(file: &Path, language: Option<&str>) -> anyhow::Result<Opened> {
    let is_input = file == Path::new("-");
    let text = if is_input { input()? } else { read(file)? };
    let language = match language {
        Some(id) => self::language(id)?,
        None => Language::from_path(file),
    };
    Ok(Opened { path: (!is_input).then(|| file.to_owned()), snapshot: Snapshot::new(language, &text) })
}

/// Reads all of standard input.
///
/// # Errors
/// When it cannot be read.
pub fn input() -> anyhow::Result<String> {
    let mut text = Vec::new();
    std::io::stdin().lock().read_to_end(&mut text).context("cannot read standard input")?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Reads a text file.
///
/// # Errors
/// When it cannot be read.
pub fn read(file: &Path) -> anyhow::Result<String> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Returns a language by its name.
///
/// # Errors
/// When it is not known.
pub fn language(id: &str) -> anyhow::Result<Language> {
    match Language::from_id(id) {
        Language::PLAIN => {
            bail!("`{id}` is no language known here; say one such as python, rust or typescript")
        }
        language => Ok(language),
    }
}

/// Returns the change from one text to another as `diff -u` would show it, without lines around.
pub fn diff(old: &str, new: &str, name: &str) -> String {
    let mut shown = format!("--- {name}\n+++ {name}\n");
    let mut shift = 0_isize;
    for edit in hunks(old, new, 0) {
        let (from, was) = (old[..edit.range.start].lines().count(), &old[edit.range.clone()]);
        let (minus, plus) = (was.lines().count(), edit.text.lines().count());
        // A range without lines is named by the line before it.
        let line = |at: isize, count: usize| at + isize::from(count > 0);
        let (old_line, new_line) = (line(from as isize, minus), line(from as isize + shift, plus));
        shown += &format!("@@ -{old_line},{minus} +{new_line},{plus} @@\n");
        for (mark, text) in [('-', was), ('+', edit.text.as_str())] {
            shown.extend(text.lines().map(|line| format!("{mark}{line}\n")));
        }
        shift += plus as isize - minus as isize;
    }
    shown
}

/// Writes a file's new text.
///
/// # Errors
/// When it is read-only, or cannot be written.
pub fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(file, text)
        .with_context(|| format!("{} is not changed: it cannot be written", file.display()))
}
