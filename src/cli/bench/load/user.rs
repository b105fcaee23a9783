//! One user who types lines of a file, key by key, and looks at what is suggested.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::tally::Tally;
use crate::assist::infill::{Infill, InfillRequest, Written, infill};
use crate::cli::bench::typing::task::Task;
use crate::complete::{self, Anchored, Completion};
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

/// What is on screen: a suggestion, and the text and place that it was made for.
type Ghost = Option<(Completion, Snapshot, usize)>;

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
        let ends = task.typed.char_indices().map(|(at, c)| at + c.len_utf8()).take(self.keys);
        let mut key = Instant::now();
        for end in std::iter::once(0).chain(ends) {
            if until <= key || task.typed.len() <= end {
                return;
            }
            let head = format!("{}{}", task.before, &task.typed[..end]);
            let snapshot = Snapshot::new(Language::from_id(&task.language), &format!("{head}{}", task.after));
            self.seen.keys += 1;
            let left = ghost.take().and_then(|(completion, then, at)| {
                let left = complete::interpolate(&completion, &then, at, &snapshot, head.len())?;
                Some((left, snapshot.clone(), head.len()))
            });
            let next = key + self.pace;
            if left.is_some() {
                self.seen.typed_through += 1;
                ghost = left;
            } else if let Some(reason) = complete::silence(&snapshot, head.len()) {
                self.seen.silent(reason);
            } else {
                ghost = self.ask(file, task, (snapshot, head.len()), &mut anchors, next).await;
            }
            tokio::time::sleep_until(next).await;
            key = next;
        }
    }

    /// Asks, until the next key comes.
    async fn ask(
        &mut self,
        file: &Path,
        task: &Task,
        (snapshot, offset): (Snapshot, usize),
        anchors: &mut Vec<Anchored>,
        next: Instant,
    ) -> Ghost {
        let asked = Instant::now();
        let counter = self.source.counter()?;
        let request = InfillRequest {
            snapshot: snapshot.clone(),
            offset,
            path: Some(task.path.clone()),
            file: Some(file.clone()),
            branch: self.branch,
            settings: Arc::clone(&self.settings),
            anchors: anchors.clone(),
            contexts: Vec::new(),
            idle: false,
            written: Written::default(),
        };
        self.seen.requests += 1;
        let answer = infill(request, Arc::clone(&self.source), counter, CancelToken::new());
        let Ok(Infill { result, anchors: kept, .. }) = tokio::time::timeout_at(next, answer).await else {
            self.seen.dropped += 1;
            return None;
        };
        *anchors = kept;
        match result {
            Ok(completion) => {
                self.seen.shown_ms.push(asked.elapsed().as_secs_f64() * 1e3);
                Some((completion, snapshot, offset))
            }
            Err(reason) => {
                self.seen.silent(reason);
                None
            }
        }
    }
}
