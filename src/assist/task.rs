//! The tasks: which of them a place in a document offers, and the way from a task to what comes of it.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::check::applied;
use super::check_command::CheckCommand;
use super::document::{document, undocumented};
use super::edit::edit;
use super::examples::Trial;
use super::explain::{Audience, explain};
use super::focus::Focus;
use super::implement::{self, Choice};
use super::limits::Limits;
use super::mend::{Accepts, Fault, mend};
use super::order::{AssistError, Order, Step};
use super::page::Page;
use super::rename::{named, rename};
use super::rewrite::Rewritten;
use super::simplify::simplify;
use super::translate::translate;
use super::write_tests::{Place, can_test, write_tests};
use crate::config::ActionSettings;
use crate::source::Source;
use crate::text::{Language, Snapshot, TextEdit};

/// Something that a person can ask for at a place in a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "camelCase")]
pub enum Task {
    /// The function that a comment describes, or the body of one.
    Implement {
        /// Which way of writing it: the likeliest is 0.
        #[serde(default)]
        variant: u64,
    },
    /// A change that does away with a fault.
    Mend {
        /// What the compiler or linter says.
        message: String,
    },
    /// What code does, in words.
    Explain {
        /// For whom.
        #[serde(default)]
        audience: Audience,
    },
    /// A docstring or documentation comment.
    Document,
    /// Tests, where tests stand.
    WriteTests,
    /// A better name.
    Rename,
    /// The same in less code.
    Simplify,
    /// The same in another language.
    Translate {
        /// The protocol's identifier of that language.
        language: String,
    },
    /// A change in words.
    Edit {
        /// The words.
        instruction: String,
    },
}

/// A task that a place offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// What it is called in a menu.
    pub title: String,
    /// What it is.
    pub task: Task,
    /// The place that it is about, in bytes.
    pub range: Range<usize>,
}

/// What a task is done with beside its [`Order`].
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The settings of the actions.
    pub settings: ActionSettings,
    /// Where the document lies, if it is a file.
    pub file: Option<PathBuf>,
    /// The project's folder.
    pub folder: Option<PathBuf>,
}

/// A task that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// What came of it.
    pub product: Product,
    /// Tokens generated.
    pub tokens: usize,
}

/// What comes of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Product {
    /// Edits of the document, the best way first; never empty.
    Edits(Vec<Vec<TextEdit>>),
    /// A text to read.
    Page(Page),
    /// A new file.
    NewFile(PathBuf, String),
    /// Text behind the end of another file.
    Append(PathBuf, String),
}

impl Options {
    fn limits(&self, network: bool) -> Limits {
        let memory = self.settings.run_memory_mb.get() as u64;
        Limits {
            seconds: self.settings.run_seconds.get() as u64,
            memory_mb: (!network).then_some(memory),
            network,
        }
    }

    fn choice(&self, variant: u64) -> Choice {
        let trial = self.settings.run_examples.then(|| Trial { limits: self.limits(false) });
        Choice { attempts: self.settings.attempts.get(), variant, trial }
    }

    /// Returns the check command, with which mended code is judged.
    pub fn check(&self) -> Option<CheckCommand> {
        let line = self.settings.check.clone()?;
        let beside = || self.file.as_ref()?.parent().map(std::path::Path::to_owned);
        let folder = self.folder.clone().or_else(beside)?;
        Some(CheckCommand { line, folder, limits: self.limits(true) })
    }
}

/// Returns what a selection, or a cursor, and the faults that the editor knows there offer, the likeliest wish first.
pub fn offers(
    snapshot: &Snapshot,
    range: Range<usize>,
    faults: &[Fault],
    settings: &ActionSettings,
) -> Vec<Offer> {
    let mut found = Vec::new();
    let mut offer = |title: String, task: Task, range: &Range<usize>| {
        found.push(Offer { title, task, range: range.clone() });
    };
    for fault in faults {
        let message: String = fault.message.lines().next().unwrap_or_default().chars().take(60).collect();
        let task = Task::Mend { message: fault.message.clone() };
        offer(format!("Mend: {message}"), task, &fault.range);
    }
    if let Some(plan) = implement::plan(snapshot, range.start) {
        let title = if plan.is_described() {
            "Write the function this comment describes"
        } else {
            "Fill in this body"
        };
        offer(title.into(), Task::Implement { variant: 0 }, &range);
    }
    let Some(focus) = Focus::at(snapshot, range.clone()) else { return found };
    let what = &focus.what;
    offer(format!("Explain {what}"), Task::Explain { audience: Audience::Colleague }, &range);
    offer(format!("Explain {what} to a beginner"), Task::Explain { audience: Audience::Beginner }, &range);
    if undocumented(snapshot, range.start).is_some() {
        offer(format!("Document {what}"), Task::Document, &range);
    }
    if can_test(&focus) {
        offer(format!("Write tests for {what}"), Task::WriteTests, &range);
    }
    if let Some(named) = named(snapshot, range.start) {
        offer(format!("Name `{}` better", named.text()), Task::Rename, &range);
    }
    offer(format!("Simplify {what}"), Task::Simplify, &range);
    for id in &settings.translate_to {
        let language = Language::from_id(id);
        if language != snapshot.language() && language != Language::PLAIN {
            let title = format!("Translate {what} to {}", language.name());
            offer(title, Task::Translate { language: id.clone() }, &range);
        }
    }
    found
}

/// Does a task.
///
/// # Errors
/// When there is nothing to do at the place, the source fails or is stopped, or nothing of use came.
pub async fn perform(
    task: &Task,
    snapshot: &Snapshot,
    range: Range<usize>,
    source: &dyn Source,
    order: &Order,
    options: &Options,
) -> Result<Done, AssistError> {
    let nothing = |what: &str| AssistError::NothingToDo(format!("there is {what} here any more"));
    let focus = || Focus::at(snapshot, range.clone()).ok_or_else(|| nothing("no code"));
    let rewritten = |done: Rewritten| Done { product: Product::Edits(vec![done.edits]), tokens: done.tokens };
    let page = |page: Page| Done { tokens: page.tokens, product: Product::Page(page) };
    Ok(match task {
        Task::Implement { variant } => {
            let plan =
                implement::plan(snapshot, range.start).ok_or_else(|| nothing("no function to be written"))?;
            let written = implement::write(plan, source, order, &options.choice(*variant)).await?;
            let ways = written.candidates.into_iter().map(|candidate| candidate.edits).collect();
            Done { product: Product::Edits(ways), tokens: written.tokens }
        }
        Task::Mend { message } => {
            let fault = Fault { message: message.clone(), range };
            let accepts = judge(snapshot, options, order);
            rewritten(mend(snapshot, &fault, source, order, &*accepts).await?)
        }
        Task::Explain { audience } => {
            let focus = focus().or_else(|_| {
                Focus::file(snapshot, order.path.as_deref()).ok_or_else(|| nothing("no code"))
            })?;
            page(explain(&focus, *audience, source, order).await?)
        }
        Task::Document => {
            let found = undocumented(snapshot, range.start).ok_or_else(|| nothing("nothing undocumented"))?;
            let done = document(&found, source, order).await?;
            Done { product: Product::Edits(vec![vec![done.edit]]), tokens: done.tokens }
        }
        Task::WriteTests => {
            let tests = write_tests(&focus()?, options.file.as_deref(), source, order).await?;
            let product = match tests.place {
                Place::Here(edit) => Product::Edits(vec![vec![edit]]),
                Place::New(path, text) => Product::NewFile(path, text),
                Place::Append(path, text) => Product::Append(path, text),
            };
            Done { product, tokens: tests.tokens }
        }
        Task::Rename => {
            let found = named(snapshot, range.start).ok_or_else(|| nothing("no name"))?;
            let done = rename(&found, source, order).await?;
            Done { product: Product::Edits(vec![done.edits]), tokens: done.tokens }
        }
        Task::Simplify => rewritten(simplify(&focus()?, source, order).await?),
        Task::Translate { language } => {
            let to = Language::from_id(language);
            if to == Language::PLAIN {
                return Err(AssistError::NothingToDo(format!("`{language}` is no language known here")));
            }
            page(translate(&focus()?, to, source, order).await?)
        }
        Task::Edit { instruction } => rewritten(edit(&focus()?, instruction, source, order).await?),
    })
}

/// Returns what judges mended code: the check command where there is one, else nothing but its parsing.
fn judge(snapshot: &Snapshot, options: &Options, order: &Order) -> Box<Accepts> {
    let Some((check, file)) = options.check().zip(options.file.clone()) else {
        return Box::new(|_| Box::pin(async { true }));
    };
    let (text, check, heard) = (snapshot.text(), Arc::new(check), Arc::clone(&order.heard));
    Box::new(move |edits| {
        let (after, _) = applied(&text, &edits);
        let (check, file, heard) = (Arc::clone(&check), file.clone(), Arc::clone(&heard));
        Box::pin(async move {
            heard(Step::Note("checking"));
            match check.run(&file, &after).await {
                Ok(checked) => checked.passed,
                Err(message) => {
                    tracing::warn!(message, "the check could not be run");
                    true
                }
            }
        })
    })
}
