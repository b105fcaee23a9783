//! The request log: counts, the last requests, and a bounded file that `doctor` reads.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Mutex;

use serde::Serialize;

use super::journal::{Book, Journal};
use super::record::{Record, SHOWN};

/// About 4,000 requests: a few days of typing.
pub(super) const BOOK: Book =
    Book { name: "requests.jsonl", older: "requests.1.jsonl", bound: 512 * 1024, about: "requests" };

/// How many of the last requests are kept in memory.
const RECENT: usize = 50;

/// Counts requests and what came of them, and writes them down.
#[derive(Debug)]
pub struct RequestLog {
    totals: Mutex<Totals>,
    journal: Option<Journal>,
}

/// What was counted since the start.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Totals {
    /// Requests whose answer showed something.
    pub shown: u64,
    /// Requests that stayed silent, by reason code.
    pub silent: BTreeMap<String, u64>,
    /// The last requests, oldest first.
    pub recent: VecDeque<Record>,
}

impl RequestLog {
    /// Returns a log that writes to a file in `dir`, or only counts where there is none.
    ///
    /// The file is opened at the first request; what fails then is logged once and does not stop anything.
    pub fn new(dir: Option<&Path>) -> Self {
        Self { totals: Mutex::default(), journal: dir.map(|dir| Journal::new(dir, &BOOK)) }
    }

    /// Takes down one answered request.
    pub fn add(&self, record: Record) {
        tracing::info!(
            method = record.method,
            language = record.language,
            outcome = record.outcome,
            ms = record.ms,
            tokens = record.tokens,
            "answered"
        );
        if let Some(journal) = &self.journal {
            journal.write(&record);
        }
        self.lock().add(record);
    }

    /// Waits until all of it is in the file. Blocks, for a second at most.
    pub fn flush(&self) {
        if let Some(journal) = &self.journal {
            journal.flush();
        }
    }

    /// Returns the counts so far.
    pub fn totals(&self) -> Totals {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Totals> {
        self.totals.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Totals {
    fn add(&mut self, record: Record) {
        if record.outcome == SHOWN {
            self.shown += 1;
        } else {
            *self.silent.entry(record.outcome.clone()).or_default() += 1;
        }
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(record);
    }
}

/// Returns the last `count` requests written in `dir`, oldest first. Lines that are no records are left out.
pub fn last_records(dir: &Path, count: usize) -> Vec<Record> {
    let mut records: Vec<Record> = BOOK.read(dir);
    records.drain(..records.len().saturating_sub(count));
    records
}
