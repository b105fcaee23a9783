//! One user who types lines of a file, key by key, and looks at what is suggested.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::tally::Tally;
use crate::assist::infill::{Infill, InfillRequest, Written, infill};
use crate::cli::bench::typing::task::Task;
use crate::complete::{self, Anchored, Completion, Reason};
use crate::config::Settings;
use crate::engine::CancelToken;
use crate::source::Source;
use crate::text::{Language, Snapshot};

/// Somebody at a keyboard.
pub struct User {
    branch: u64,
    source: Arc<dyn Source>,
    settings: Arc<Settings>,
    pace: Duration,
    keys: usize,
    seen: Tally,
}

/// What is on screen.
type Ghost = Option<Shown>;

/// A suggestion, and the text and place that it was made for.
struct Shown(Completion, Snapshot, usize);

impl Shown {
    /// Returns what is left of it in a newer text.
    fn at(&self, snapshot: &Snapshot, offset: usize) -> Option<Self> {
        let Self(completion, then, place) = self;
        let left = complete::interpolate(completion, then, *place, snapshot, offset)?;
        Some(Self(left, snapshot.clone(), offset))
    }
}

/// A request under way, and what it was made for. As in the language server it goes on while what is typed is what is being
/// written.
struct Pending {
    answer: Pin<Box<dyn Future<Output = Infill> + Send>>,
    written: Written,
    snapshot: Snapshot,
    offset: usize,
    since: Instant,
}

impl User {
    /// Returns a user with a document of their own, a pause between keys, and the most keys of a line.
    pub fn new(
        branch: u64,
        source: Arc<dyn Source>,
        settings: Arc<Settings>,
        pace: Duration,
        keys: usize,
    ) -> Self {
        Self { branch, source, settings, pace, keys, seen: Tally::default() }
    }

    /// Types lines, from the `first` one on and round again, until the time is over.
    pub async fn type_all(mut self, tasks: &[(PathBuf, Task)], first: usize, until: Instant) -> Tally {
        for (file, task) in tasks.iter().cycle().skip(first) {
            if until <= Instant::now() {
                break;
            }
            self.type_line(file, task, until).await;
        }
        self.seen
    }

    async fn type_line(&mut self, file: &Path, task: &Task, until: Instant) {
        let mut anchors = Vec::new();
        let mut ghost: Ghost = None;
        let mut pending: Option<Pending> = None;
        let ends = task.typed.char_indices().map(|(at, c)| at + c.len_utf8()).take(self.keys);
        let mut key = Instant::now();
        for end in std::iter::once(0).chain(ends) {
            if until <= key || task.typed.len() <= end {
                break;
            }
            let head = format!("{}{}", task.before, &task.typed[..end]);
            let snapshot = Snapshot::new(Language::from_id(&task.language), &format!("{head}{}", task.after));
            self.seen.keys += 1;
            let left = ghost.take().and_then(|ghost| ghost.at(&snapshot, head.len()));
            let next = key + self.pace;
            let goes_on = pending.as_ref().is_some_and(|pending| {
                let typed = head.get(pending.offset..);
                typed.is_some_and(|typed| pending.written.agrees_with(typed))
            });
            if left.is_some() {
                self.seen.typed_through += 1;
                ghost = left;
            } else if goes_on {
                self.seen.joined += 1;
            } else {
                self.seen.dropped += u64::from(pending.take().is_some());
                match complete::silence(&snapshot, head.len()) {
                    Some(reason) => self.seen.silent(reason),
                    None => pending = self.ask(file, task, (snapshot.clone(), head.len()), &anchors),
                }
            }
            if let Some(asked) = &mut pending
                && let Ok(answer) = tokio::time::timeout_at(next, &mut asked.answer).await
            {
                anchors = answer.anchors;
                let shown = answer.result.and_then(|completion| {
                    let made = Shown(completion, asked.snapshot.clone(), asked.offset);
                    made.at(&snapshot, head.len()).ok_or(Reason::Overtaken)
                });
                match shown {
                    Ok(shown) => {
                        self.seen.shown_ms.push(asked.since.elapsed().as_secs_f64() * 1e3);
                        ghost = Some(shown);
                    }
                    // What it began to write is not what was typed meanwhile.
                    Err(Reason::Cancelled) => self.seen.dropped += 1,
                    Err(reason) => self.seen.silent(reason),
                }
                pending = None;
            }
            tokio::time::sleep_until(next).await;
            key = next;
        }
        self.seen.dropped += u64::from(pending.is_some());
    }

    /// Begins a request, with the prompts of the last one where they still fit.
    fn ask(
        &mut self,
        file: &Path,
        task: &Task,
        (snapshot, offset): (Snapshot, usize),
        anchors: &[Anchored],
    ) -> Option<Pending> {
        let counter = self.source.counter()?;
        let written = Written::default();
        let request = InfillRequest {
            snapshot: snapshot.clone(),
            offset,
            path: Some(task.path.clone()),
            file: Some(file.to_owned()),
            branch: self.branch,
            settings: Arc::clone(&self.settings),
            anchors: anchors.to_vec(),
            contexts: Vec::new(),
            idle: false,
            written: written.clone(),
        };
        self.seen.requests += 1;
        let answer = Box::pin(infill(request, Arc::clone(&self.source), counter, CancelToken::new()));
        Some(Pending { answer, written, snapshot, offset, since: Instant::now() })
    }
}
