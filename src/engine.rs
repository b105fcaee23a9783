//! The engine: the one thread that owns the model, and the jobs that it runs.

mod cancel;
mod job;

pub use cancel::{CancelOnDrop, CancelToken};
pub use job::{FinishReason, GenerationParams, Usage, Watch};
