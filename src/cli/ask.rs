//! `infill-ls ask`: a question, or a conversation in the terminal.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;
use serde_json::json;

use super::assistant::{self, AnswerArgs, Assistant, order, streams};
use crate::assist::{Attached, Heard, Order, Step, Turn, ask};
use crate::text::Language;

/// Code in an answer is shown in this colour, on terminals.
const CODE: &str = "\x1b[36m";
const PLAIN: &str = "\x1b[0m";

/// Arguments of `ask`.
#[derive(Debug, Args)]
pub struct AskArgs {
    /// The question; in a terminal a conversation begins when it is left out, otherwise standard input is read
    question: Option<String>,
    /// A file that it is about; can be given several times
    #[arg(long, value_name = "FILE")]
    file: Vec<PathBuf>,
    #[command(flatten)]
    answer: AnswerArgs,
}

/// Answers.
///
/// # Errors
/// When a file or the model cannot be read.
pub fn run(args: AskArgs) -> anyhow::Result<ExitCode> {
    let mut files = Vec::new();
    for path in &args.file {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let text = assistant::read(path)?;
        files.push(Attached { name, text, language: Language::from_path(path) });
    }
    let question = match args.question.as_deref() {
        None if std::io::stdin().is_terminal() => None,
        None | Some("-") => Some(assistant::input()?),
        Some(question) => Some(question.to_owned()),
    };
    let assistant = Assistant::start(&args.answer.run)?;
    let asking = Asking { assistant, files, args };
    match question {
        Some(question) => asking.once(&question),
        None => asking.converse(),
    }
}

struct Asking {
    assistant: Assistant,
    files: Vec<Attached>,
    args: AskArgs,
}

impl Asking {
    fn order(&self, heard: Heard) -> Order {
        Order { files: self.args.file.clone(), ..order(self.args.answer.max_new_tokens.get(), None, heard) }
    }

    fn once(&self, question: &str) -> anyhow::Result<ExitCode> {
        let json = self.args.answer.json;
        let streams = streams(json);
        let order = self.order(coloured(streams));
        let page = self.assistant.wait(ask(question, &self.files, &[], &*self.assistant.source, &order))?;
        let mut out = std::io::stdout().lock();
        match () {
            () if json => writeln!(
                out,
                "{}",
                json!({ "question": question, "answer": page.text, "tokens": page.tokens })
            )?,
            () if streams => writeln!(out, "{PLAIN}")?,
            () => write!(out, "{}", page.text)?,
        }
        Ok(ExitCode::SUCCESS)
    }

    fn converse(&self) -> anyhow::Result<ExitCode> {
        let mut earlier: Vec<Turn> = Vec::new();
        let mut editor = DefaultEditor::new()?;
        writeln!(std::io::stderr().lock(), "Ask; Ctrl-C stops an answer, an empty line or Ctrl-D ends.")?;
        loop {
            let question = match editor.readline("> ") {
                Ok(line) if line.trim().is_empty() => return Ok(ExitCode::SUCCESS),
                Ok(line) => line,
                // The line is given up, not the conversation.
                Err(ReadlineError::Interrupted) => continue,
                Err(ReadlineError::Eof) => return Ok(ExitCode::SUCCESS),
                Err(error) => return Err(error.into()),
            };
            editor.add_history_entry(&question)?;
            let order = self.order(coloured(true));
            let work = ask(&question, &self.files, &earlier, &*self.assistant.source, &order);
            let answered = self.assistant.wait_or_stop(&order.cancel, work);
            writeln!(std::io::stdout().lock(), "{PLAIN}")?;
            match answered {
                Ok(Some(page)) => earlier.push(Turn { question, answer: page.text }),
                Ok(None) => writeln!(std::io::stderr().lock(), "(stopped)")?,
                Err(error) => writeln!(std::io::stderr().lock(), "infill-ls: {error}")?,
            }
        }
    }
}

/// Prints an answer as it comes, what stands in fences in colour.
fn coloured(shown: bool) -> Heard {
    let in_code = Arc::new(Mutex::new(false));
    Arc::new(move |step| {
        let (true, Step::Piece(piece, answer)) = (shown, step) else { return };
        let mut in_code = in_code.lock().unwrap_or_else(PoisonError::into_inner);
        let fences = answer.lines().filter(|line| line.trim_start().starts_with("```")).count();
        let now = fences % 2 == 1;
        let colour = match (*in_code, now) {
            (false, true) => CODE,
            (true, false) => PLAIN,
            _ => "",
        };
        *in_code = now;
        let mut out = std::io::stdout().lock();
        // A terminal that is gone is found out by the printing at the end.
        let _ = write!(out, "{colour}{piece}").and_then(|()| out.flush());
    })
}
