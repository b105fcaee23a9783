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
mod job;
mod queue;
mod totals;

use std::sync::Arc;
use std::thread::JoinHandle;

pub use cancel::{CancelOnDrop, CancelToken};
pub use job::{FinishReason, GenerationParams, Job, JobError, JobOutput, JobRequest, Usage, Watch};
pub use totals::{Counters, Totals};

use crate::model::{LanguageModel, Tokenizer};
use branches::Branches;
use generate::Generator;
use queue::{Next, Queue};

/// What the engine thread needs to run.
pub struct Parts {
    /// The network.
    pub model: Box<dyn LanguageModel>,
    /// Its tokenizer.
    pub tokenizer: Arc<Tokenizer>,
    /// Tokens that a cache branch holds at most.
    pub context: usize,
    /// Cache branches kept at most, one for each document in use.
    pub branches: usize,
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
        let (queue, totals) = (Arc::new(Queue::default()), Arc::new(Totals::default()));
        let (jobs, counted) = (queue.clone(), totals.clone());
        let run = move || run(parts, &jobs, &counted);
        let thread = std::thread::Builder::new().name("engine".into()).spawn(run)?;
        Ok(Self { queue, totals, thread: Some(thread) })
    }

    /// Queues a job; its reply is called exactly once, on the engine thread or, when the job is overtaken while it
    /// waits, on the caller's.
    pub fn submit(&self, job: Job) {
        self.totals.took_job();
        if let Some(overtaken) = self.queue.push(job) {
            self.totals.cancelled(None);
            (overtaken.reply)(Err(JobError::Overtaken));
        }
    }

    /// Frees the cache of a branch.
    pub fn forget(&self, branch: u64) {
        self.queue.forget(branch);
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

fn run(parts: Parts, queue: &Queue, totals: &Totals) {
    let mut branches = Branches::new(parts.branches, parts.context);
    let generator = Generator::new(parts.model.as_ref(), &parts.tokenizer, totals);
    while let Some(next) = queue.pop() {
        let (job, interrupt) = match next {
            Next::Run(job, interrupt) => (job, interrupt),
            Next::Forget(branch) => {
                branches.forget(branch);
                continue;
            }
        };
        let reply = job.reply;
        totals.set_busy(true);
        let result = branches
            .of(job.branch, parts.model.as_ref())
            .map_err(|error| JobError::Failed(error.to_string()))
            .and_then(|cache| generator.generate(cache, job.request, &interrupt));
        queue.done();
        totals.set_busy(false);
        if matches!(result, Err(JobError::Cancelled | JobError::Overtaken)) {
            totals.cancelled(interrupt.since());
        }
        reply(result);
    }
}
