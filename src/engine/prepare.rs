//! Idle work: rows that a later request will need, computed in chunks while nobody waits, and given up the moment a
//! job comes. What is computed by then stays.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::BranchId;
use super::branches::{Branches, Work};
use super::interrupt::Interrupt;
use super::totals::Totals;
use crate::model::{ForwardError, LanguageModel, Output, Sequence, TokenId};

/// Tokens computed at once: an interruption loses what it falls into, and between two keys there is time for a few dozen.
const CHUNK: usize = 32;

/// Rows to make ready.
#[derive(Debug, Clone)]
pub struct Preparation {
    /// Whose rows.
    pub branch: BranchId,
    /// What for.
    pub purpose: Purpose,
    /// The tokens whose rows are wanted.
    pub tokens: Vec<TokenId>,
    /// Of a file, the tokens before its own text: rows that begin otherwise stay until these are there.
    pub head: usize,
    /// Hears that all is there.
    pub readiness: Readiness,
}

/// Whether what was to be made ready is there. Shared between the one who asks and the engine.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<Reached>);

#[derive(Default)]
struct Reached {
    is_reached: AtomicBool,
    tell: Option<Box<dyn Fn() + Send + Sync>>,
}

impl fmt::Debug for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.is_reached.fmt(f)
    }
}

impl Readiness {
    /// Returns one that also calls `tell` when it is reached, on the engine thread.
    pub fn telling(tell: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(Reached { is_reached: AtomicBool::new(false), tell: Some(Box::new(tell)) }))
    }

    /// Returns whether it was there once; an edit takes rows away again, but not its beginning.
    pub fn is_reached(&self) -> bool {
        self.0.is_reached.load(Ordering::Acquire)
    }

    /// Says that it is there.
    pub fn reach(&self) {
        self.0.is_reached.store(true, Ordering::Release);
        if let Some(tell) = &self.0.tell {
            tell();
        }
    }
}

impl PartialEq for Readiness {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// What rows are made ready for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The file, so that the prefix of any cursor is a truncation of it.
    File,
    /// A prompt that is likely to come next.
    Prompt,
    /// The file behind other files than before. After all else: what is there serves meanwhile.
    NewContext,
}

impl Preparation {
    pub(super) fn key(&self) -> (BranchId, Purpose) {
        (self.branch, self.purpose)
    }

    /// Computes what is lacking; returns whether all is there, which it is not after an interruption.
    pub(super) fn run(
        &self,
        branches: &mut Branches,
        model: &dyn LanguageModel,
        interrupt: &Interrupt,
        totals: &Totals,
    ) -> Result<bool, ForwardError> {
        let setup = |error: crate::model::ModelError| ForwardError::Setup(error.to_string());
        model.wake()?;
        let branch = branches.of(self.branch, model).map_err(setup)?;
        let mut sequence = match self.purpose {
            Purpose::File | Purpose::NewContext => {
                branch.file_sequence(&self.tokens, self.head, model).map_err(setup)?
            }
            Purpose::Prompt => {
                branch.sequence(&self.tokens, self.tokens.len(), Work::Idle, model).map_err(setup)?.0
            }
        };
        self.fill(&mut sequence, model, interrupt, totals)
    }

    fn fill(
        &self,
        sequence: &mut Sequence<'_>,
        model: &dyn LanguageModel,
        interrupt: &Interrupt,
        totals: &Totals,
    ) -> Result<bool, ForwardError> {
        let held = sequence.len().min(self.tokens.len());
        let room = sequence.capacity().saturating_sub(held);
        for chunk in self.tokens[held..].chunks(CHUNK).take(room / CHUNK) {
            let started = std::time::Instant::now();
            match model.forward(sequence, chunk, Output::Nothing, &|| interrupt.is_set()) {
                Ok(_) => totals.prepared(chunk.len(), started.elapsed()),
                Err(ForwardError::Interrupted) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}
