//! What a window asks in between and needs at once: how many tokens a text is, and what was computed. It has a connection of
//! its own and is waited for; counts are remembered, for most of a prompt is the same from one line to the next.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ahash::RandomState;
use interprocess::local_socket::{Stream, prelude::*};

use super::place::Place;
use super::protocol::{Hello, Running, ToEngine, ToWindow, receive_blocking, send_blocking};
use crate::complete::TokenCount;
use crate::engine::Counters;

/// How long an answer may take; only an engine that is stopped takes so long.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long nothing is asked after an answer that did not come: a prompt has dozens of pieces to be counted.
const REST: Duration = Duration::from_secs(30);

/// Counts that are remembered: some hundred kilobytes, and several files in pieces of some hundred bytes.
const REMEMBERED: usize = 8192;

/// Bytes that a token has at least on average, for a count while no engine answers.
const BYTES_PER_TOKEN: usize = 3;

/// The questions to one engine.
pub(super) struct Questions {
    /// `None` where nobody can be asked.
    place: Option<Place>,
    hello: Hello,
    way: Mutex<Way>,
    known: Mutex<Known>,
    counters: Mutex<Counters>,
}

/// The connection, kept from one question to the next.
#[derive(Default)]
struct Way {
    stream: Option<Stream>,
    rests_until: Option<Instant>,
}

/// Counts by the hashes of texts: the younger ones, and those before them. At 64 bits two texts of a session do not meet.
#[derive(Default)]
struct Known {
    hasher: RandomState,
    young: std::collections::HashMap<u64, u32>,
    old: std::collections::HashMap<u64, u32>,
}

impl Known {
    fn find(&mut self, text: &str) -> Result<usize, u64> {
        let hash = self.hasher.hash_one((text, text.len()));
        let count = self.young.get(&hash).copied().or_else(|| {
            let count = self.old.remove(&hash)?;
            self.keep(hash, count as usize);
            Some(count)
        });
        count.map(|count| count as usize).ok_or(hash)
    }

    fn keep(&mut self, hash: u64, count: usize) {
        if REMEMBERED / 2 <= self.young.len() {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(hash, u32::try_from(count).unwrap_or(u32::MAX));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Questions {
    pub(super) fn new(place: Option<Place>, key: &str) -> Self {
        let hello = Hello::of(key, false);
        Self { place, hello, way: Mutex::default(), known: Mutex::default(), counters: Mutex::default() }
    }

    /// Returns what was computed, as far as the engine tells it.
    pub(super) fn counters(&self) -> Counters {
        match self.ask(&ToEngine::Counters) {
            Some(ToWindow::Counters(counters)) => {
                *lock(&self.counters) = counters;
                counters
            }
            _ => *lock(&self.counters),
        }
    }

    pub(super) fn report(&self) -> Option<Running> {
        match self.ask(&ToEngine::Report)? {
            ToWindow::Report(running) => Some(running),
            _ => None,
        }
    }

    /// Tells the engine to end; returns whether it heard that.
    pub(super) fn stop(&self) -> bool {
        matches!(self.ask(&ToEngine::Stop), Some(ToWindow::Closing))
    }

    /// Asks, over a new connection where the one that was there does not work.
    fn ask(&self, question: &ToEngine) -> Option<ToWindow> {
        let mut way = lock(&self.way);
        let began = Instant::now();
        if way.rests_until.is_some_and(|until| began < until) {
            return None;
        }
        let kept = way.stream.take();
        let was_kept = kept.is_some();
        let mut answer = kept.or_else(|| self.connect()).and_then(|open| asked(open, question));
        if answer.is_none() && was_kept && began.elapsed() < PATIENCE {
            answer = self.connect().and_then(|open| asked(open, question));
        }
        let is_stopped = answer.is_none() && PATIENCE <= began.elapsed();
        way.rests_until = is_stopped.then(|| Instant::now() + REST);
        let (open, answer) = answer?;
        way.stream = Some(open);
        Some(answer)
    }

    fn connect(&self) -> Option<Stream> {
        let stream = self.place.as_ref()?.connect_blocking().ok()?;
        // Not all platforms have time limits here; where there are none an engine that is stopped is waited for.
        let _ =
            stream.set_recv_timeout(Some(PATIENCE)).and_then(|()| stream.set_send_timeout(Some(PATIENCE)));
        let (stream, answer) = asked(stream, &ToEngine::Hello(self.hello.clone()))?;
        matches!(answer, ToWindow::Hello { .. }).then_some(stream)
    }
}

fn asked(mut stream: Stream, question: &ToEngine) -> Option<(Stream, ToWindow)> {
    let answer = send_blocking(&mut stream, question).and_then(|()| receive_blocking(&mut stream));
    answer
        .inspect_err(|error| tracing::debug!(%error, "a question got no answer"))
        .ok()
        .map(|it| (stream, it))
}

impl TokenCount for Questions {
    fn count(&self, text: &str) -> usize {
        if text.is_empty() {
            return 0;
        }
        let hash = match lock(&self.known).find(text) {
            Ok(count) => return count,
            Err(hash) => hash,
        };
        match self.ask(&ToEngine::Count(vec![text.to_owned()])) {
            Some(ToWindow::Counts(counts)) if counts.len() == 1 => {
                lock(&self.known).keep(hash, counts[0]);
                counts[0]
            }
            _ => text.len().div_ceil(BYTES_PER_TOKEN),
        }
    }
}
