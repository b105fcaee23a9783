//! A source whose answers are a function of the prompt, and which can be held back.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use infill_ls::complete::{Prompt, TokenCount};
use infill_ls::engine::{Counters, FinishReason, Usage};
use infill_ls::source::{Ahead, BoxFuture, Generation, Input, Request, Source, SourceError, Status};
use tokio::sync::{Semaphore, watch};

type Answer = Box<dyn Fn(&Input) -> String + Send + Sync>;

/// A scripted model.
pub struct Script {
    answer: Answer,
    status: Mutex<Status>,
    seen: Mutex<Vec<Input>>,
    others: Mutex<Vec<Prompt>>,
    open: watch::Sender<bool>,
    /// Characters that are written before it waits.
    head: AtomicUsize,
    begun: Semaphore,
    stopped: Arc<Semaphore>,
    requests: AtomicU64,
    cancelled: Arc<AtomicU64>,
    forgotten: Mutex<Vec<u64>>,
    /// What it writes where nobody waits; `None` if there is never time for that.
    idle_answer: Mutex<Option<Answer>>,
}

/// Counts words, near enough.
struct Words;

impl TokenCount for Words {
    fn count(&self, text: &str) -> usize {
        text.split_whitespace().count() + text.matches('\n').count()
    }
}

impl Script {
    /// A model that always writes the same.
    pub fn says(text: &'static str) -> Arc<Self> {
        Self::answers(move |_| text.into())
    }

    /// A model that writes what a function makes of the prompt.
    pub fn answers(answer: impl Fn(&Input) -> String + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            answer: Box::new(answer),
            status: Mutex::new(Status::Ready { model: "scripted".into() }),
            seen: Mutex::default(),
            others: Mutex::default(),
            open: watch::Sender::new(true),
            head: AtomicUsize::new(0),
            begun: Semaphore::new(0),
            stopped: Arc::new(Semaphore::new(0)),
            requests: AtomicU64::new(0),
            cancelled: Arc::default(),
            forgotten: Mutex::default(),
            idle_answer: Mutex::default(),
        })
    }

    /// Returns the branches that were freed.
    pub fn forgotten(&self) -> Vec<u64> {
        self.forgotten.lock().unwrap().clone()
    }

    /// Makes generations begin and then wait.
    pub fn hold(&self) {
        self.open.send_replace(false);
    }

    /// Makes them write so many characters first, and then wait.
    pub fn hold_behind(&self, characters: usize) {
        self.head.store(characters, Ordering::SeqCst);
        self.hold();
    }

    /// Gives it time for what nobody waits for, and what it writes then; otherwise that is overtaken at once.
    pub fn writes_in_idle_time(&self, answer: impl Fn(&Input) -> String + Send + Sync + 'static) {
        *self.idle_answer.lock().unwrap() = Some(Box::new(answer));
    }

    /// Lets them go on.
    pub fn release(&self) {
        self.open.send_replace(true);
    }

    /// Waits until one more generation has begun.
    pub async fn begun(&self) {
        self.begun.acquire().await.unwrap().forget();
    }

    /// Waits until one more generation was stopped before its end.
    pub async fn stopped(&self) {
        self.stopped.acquire().await.unwrap().forget();
    }

    /// What was asked so far.
    pub fn seen(&self) -> Vec<Input> {
        self.seen.lock().unwrap().clone()
    }

    /// The prompts that would have done as well as the last one.
    pub fn last_others(&self) -> Vec<Prompt> {
        self.others.lock().unwrap().clone()
    }

    /// The text before the cursor of the last prompt, as the model reads it.
    pub fn last_prefix(&self) -> String {
        match self.seen().pop() {
            Some(Input::Infill(prompt)) => prompt.before_cursor(),
            other => panic!("the last prompt is {other:?}"),
        }
    }

    /// Changes what the model says of itself.
    pub fn set_status(&self, status: Status) {
        *self.status.lock().unwrap() = status;
    }
}

/// Notices a generation that is dropped before its end.
struct Watchful {
    stopped: Arc<Semaphore>,
    cancelled: Arc<AtomicU64>,
    done: bool,
}

impl Drop for Watchful {
    fn drop(&mut self) {
        if !self.done {
            self.cancelled.fetch_add(1, Ordering::SeqCst);
            self.stopped.add_permits(1);
        }
    }
}

impl Source for Script {
    fn status(&self) -> Status {
        self.status.lock().unwrap().clone()
    }

    fn counter(&self) -> Option<Arc<dyn TokenCount + Send + Sync>> {
        matches!(self.status(), Status::Ready { .. }).then(|| Arc::new(Words) as _)
    }

    fn generate(&self, mut request: Request) -> BoxFuture<Result<Generation, SourceError>> {
        if request.idle {
            let text = self.idle_answer.lock().unwrap().as_ref().map(|answer| answer(&request.input));
            return Box::pin(async move {
                let text = text.ok_or(SourceError::Overtaken)?;
                let (finish, _) = stream(&text, &mut request.watch);
                Ok(Generation { text, tokens: Vec::new(), finish, usage: Usage::default() })
            });
        }
        let text = (self.answer)(&request.input);
        self.seen.lock().unwrap().push(request.input);
        *self.others.lock().unwrap() = request.others;
        self.requests.fetch_add(1, Ordering::SeqCst);
        self.begun.add_permits(1);
        let mut open = self.open.subscribe();
        let split =
            text.char_indices().nth(self.head.load(Ordering::SeqCst)).map_or(text.len(), |(at, _)| at);
        let watchful = Watchful {
            stopped: Arc::clone(&self.stopped),
            cancelled: Arc::clone(&self.cancelled),
            done: false,
        };
        Box::pin(async move {
            let mut watchful = watchful;
            let (head, rest) = text.split_at(split);
            let (finish, first) = stream(head, &mut request.watch);
            if finish == FinishReason::Stop {
                watchful.done = true;
                let usage = Usage { decoded_tokens: first, ..Usage::default() };
                return Ok(Generation { text, tokens: Vec::new(), finish, usage });
            }
            let _ = open.wait_for(|open| *open).await;
            if request.cancel.is_cancelled() {
                return Err(SourceError::Cancelled);
            }
            let (finish, tokens) = stream(rest, &mut request.watch);
            let tokens = first + tokens;
            watchful.done = true;
            let usage = Usage { decoded_tokens: tokens, ..Usage::default() };
            Ok(Generation { text, tokens: Vec::new(), finish, usage })
        })
    }

    fn prepare(&self, _branch: u64, _ahead: Ahead) {}

    fn forget(&self, branch: u64) {
        self.forgotten.lock().unwrap().push(branch);
    }

    fn counters(&self) -> Counters {
        Counters {
            requests: self.requests.load(Ordering::SeqCst),
            cancelled: self.cancelled.load(Ordering::SeqCst),
            ..Counters::default()
        }
    }
}

/// Streams a text in pieces of three characters.
fn stream(text: &str, watch: &mut infill_ls::engine::Watch) -> (FinishReason, usize) {
    let characters: Vec<char> = text.chars().collect();
    for (index, piece) in characters.chunks(3).enumerate() {
        if watch(&piece.iter().collect::<String>()) == ControlFlow::Break(()) {
            return (FinishReason::Stop, index + 1);
        }
    }
    (FinishReason::EndOfText, characters.len().div_ceil(3))
}
