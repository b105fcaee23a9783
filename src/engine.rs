//! The engine: the one thread that owns the model, and the jobs that it runs. Jobs come in tokens and go out in text;
//! what the text is for is not known here.
//!
//! [`Engine::submit`] puts a job into the queue. The thread takes the newest one, finds the cache branch of its
//! document, computes what the branch does not hold yet, and writes token by token until something ends it.

mod branches;
mod cancel;
mod decode;
mod draft;
mod generate;
mod heal;
mod interrupt;
mod job;
mod prepare;
mod queue;
mod totals;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

pub use cancel::{CancelOnDrop, CancelToken};
pub use job::{
    BranchId, FinishReason, GenerationParams, Job, JobError, JobOutput, JobRequest, PromptTokens, TokenOdds,
    Usage, Watch,
};
pub use prepare::{Preparation, Purpose, Readiness};
pub use totals::{Counters, Totals};

use crate::model::kernels::{give_back, in_background};
use crate::model::{LanguageModel, Tokenizer};
use branches::{Branches, Work};
use draft::SmallModel;
use generate::{Generator, Outcome};
use interrupt::Interrupt;
use queue::{Freed, Next, Queue};

/// What the engine thread needs to run.
pub struct Parts {
    /// The network.
    pub model: Box<dyn LanguageModel>,
    /// A smaller network with the same vocabulary, which drafts for it.
    pub draft_model: Option<Box<dyn LanguageModel>>,
    /// Its tokenizer.
    pub tokenizer: Arc<Tokenizer>,
    /// Tokens that a cache branch holds at most.
    pub context: usize,
    /// Bytes of keys and values kept at most, over all documents.
    pub cache_bytes: usize,
    /// How long a job runs at least before it gives way to one of another document or window.
    pub turn: Duration,
    /// When documents keep less.
    pub rest_after: RestAfter,
}

/// How long a document is unused before less of it is kept, if another one was used since.
#[derive(Debug, Clone, Copy)]
pub struct RestAfter {
    /// Before what was made ready is freed.
    pub ready: Duration,
    /// Before no more is kept than the rows of its file.
    pub tail: Duration,
}

/// The handle of the engine thread; dropping it cancels what runs and joins the thread.
pub struct Engine {
    queue: Arc<Queue>,
    totals: Arc<Totals>,
    thread: Option<JoinHandle<()>>,
}

impl Engine {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(parts: Parts) -> std::io::Result<Self> {
        let (queue, totals) = (Arc::new(Queue::new(parts.turn)), Arc::new(Totals::default()));
        let (jobs, counted) = (queue.clone(), totals.clone());
        let run = move || run(parts, &jobs, &counted);
        let thread = std::thread::Builder::new().name("engine".into()).spawn(run)?;
        Ok(Self { queue, totals, thread: Some(thread) })
    }

    /// Queues a job; its reply is called exactly once, on the engine thread or, when the job is overtaken while it
    /// waits, on the caller's.
    pub fn submit(&self, job: Job) {
        if !job.request.idle {
            self.totals.took_job();
        }
        for overtaken in self.queue.push(job) {
            if !overtaken.request.idle {
                self.totals.cancelled(None);
            }
            (overtaken.reply)(Err(JobError::Overtaken));
        }
    }

    /// Has rows made ready while nobody waits.
    pub fn prepare(&self, preparation: Preparation) {
        self.queue.prepare(preparation);
    }

    /// Frees the cache of a branch.
    pub fn forget(&self, branch: impl Into<BranchId>) {
        self.queue.forget(Freed::Branch(branch.into()));
    }

    /// Frees all that is kept for a window: it is gone, and nothing is done for it any more.
    pub fn forget_window(&self, window: u32) {
        for job in self.queue.forget(Freed::Window(window)) {
            (job.reply)(Err(JobError::Cancelled));
        }
    }

    /// Returns the running totals.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        for job in self.queue.close() {
            (job.reply)(Err(JobError::Cancelled));
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the engine thread panicked");
        }
    }
}

/// What is computed of the documents.
struct Rows {
    branches: Branches,
    small: Option<SmallModel>,
}

impl Rows {
    fn until_rest(&self) -> Option<Duration> {
        let small = self.small.as_ref().and_then(|small| small.branches.until_rest());
        self.branches.until_rest().into_iter().chain(small).min()
    }

    fn rest(&mut self) {
        self.branches.rest();
        self.small.iter_mut().for_each(|small| small.branches.rest());
    }

    fn forget(&mut self, freed: Freed) {
        self.branches.forget(|id| freed.contains(id));
        self.small.iter_mut().for_each(|small| small.branches.forget(|id| freed.contains(id)));
    }
}

fn run(parts: Parts, queue: &Queue, totals: &Totals) {
    let Parts { model, draft_model, tokenizer, context, cache_bytes, turn: _, rest_after } = parts;
    let small = |model| SmallModel::new(model, cache_bytes, context, rest_after);
    let branches = Branches::new(cache_bytes, context, rest_after);
    let mut rows = Rows { branches, small: draft_model.map(small) };
    let generator = Generator::new(model.as_ref(), &tokenizer, totals);
    while let Some(next) = queue.pop(rows.until_rest()) {
        match next {
            Next::Run(job, interrupt) if job.request.idle => {
                in_background(|| answer(*job, &interrupt, &mut rows, &generator, queue));
            }
            Next::Run(job, interrupt) => answer(*job, &interrupt, &mut rows, &generator, queue),
            Next::Prepare(preparation, interrupt) => {
                in_background(|| make_ready(preparation, &interrupt, &mut rows, &generator, queue));
            }
            Next::Rest => {
                rows.rest();
                give_back();
            }
            Next::Forget(freed) => {
                rows.forget(freed);
                give_back();
            }
        }
    }
}

/// Makes rows ready, and after them those of the smaller model.
fn make_ready(
    preparation: Preparation,
    interrupt: &Interrupt,
    rows: &mut Rows,
    generator: &Generator<'_>,
    queue: &Queue,
) {
    let mut result = preparation.run(&mut rows.branches, generator.model, interrupt, generator.totals);
    if let Ok(true) = result {
        preparation.readiness.reach();
        if let Some(SmallModel { model, branches }) = &mut rows.small {
            // What it computes says nothing about the speed of the larger one.
            result = preparation.run(branches, model.as_ref(), interrupt, &Totals::default());
        }
    }
    queue.done();
    tracing::debug!(branch = ?preparation.branch, purpose = ?preparation.purpose, ?result, "made ready");
    match result {
        Ok(true) => {}
        Ok(false) => queue.put_back(preparation),
        Err(error) => tracing::warn!(%error, "nothing could be made ready"),
    }
}

fn answer(job: Job, interrupt: &Interrupt, rows: &mut Rows, generator: &Generator<'_>, queue: &Queue) {
    let Job { branch, mut request, cancel, reply } = job;
    let (totals, idle) = (generator.totals, request.idle);
    totals.set_busy(true);
    let work = if idle { Work::Idle } else { Work::Asked };
    let awake = generator.model.wake().map_err(|error| JobError::Failed(error.to_string()));
    let result = awake.and_then(|()| {
        rows.branches.of(branch, generator.model).map_err(|error| JobError::Failed(error.to_string()))
    });
    let outcome = result.and_then(|held| {
        request.choose(|tokens| held.held(tokens), totals.prefill_per_second());
        let tokens = &request.prompt.tokens;
        let sequence = held.sequence(tokens, tokens.len().saturating_sub(1), work, generator.model);
        let (sequence, written) = sequence.map_err(|error| JobError::Failed(error.to_string()))?;
        let small = rows.small.as_mut().filter(|_| !idle && request.params.draft);
        let small = small.and_then(|small| small.begin(branch, &request.prompt.tokens));
        Ok(generator.generate(sequence, written, small, request, interrupt))
    });
    queue.done();
    totals.set_busy(false);
    let (result, reply) = match outcome {
        Ok(Outcome::GaveWay(request)) => {
            tracing::debug!(?branch, "gave way");
            match queue.resume_later(Job { branch, request, cancel, reply }) {
                Some(job) => (Err(JobError::Overtaken), job.reply),
                None => return,
            }
        }
        Ok(Outcome::Ended(result)) => (result, reply),
        Err(error) => (Err(error), reply),
    };
    match &result {
        Ok(JobOutput { finish, usage, .. }) => tracing::debug!(?branch, ?finish, ?usage, "generated"),
        Err(error) => tracing::debug!(?branch, %error, "nothing generated"),
    }
    if !idle && matches!(result, Err(JobError::Cancelled | JobError::Overtaken)) {
        totals.cancelled(interrupt.since());
    }
    reply(result);
}
