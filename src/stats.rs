//! What happened to requests and to suggestions, kept on this machine: the request log that `doctor` reads, and the
//! outcomes that `stats` shows. Never a word of anybody's text, and never a path.

mod acceptance;
mod chart;
mod journal;
mod kept;
mod outcome;
mod outcomes;
mod record;
mod requests;
mod summary;

use std::io;
use std::path::Path;

pub use acceptance::{Acceptance, LEVELS, Level};
pub use chart::{DAYS, report};
pub use kept::kept_share;
pub use outcome::{Facts, Fate, Outcome, Place, today};
pub use outcomes::{OutcomeLog, all_outcomes};
pub use record::{Record, SHOWN};
pub use requests::{RequestLog, Totals, last_records};
pub use summary::{Row, Summary};

/// Deletes all of it in `dir` and returns how many files there were. A server that runs begins anew.
///
/// # Errors
/// When a file is there and cannot be deleted.
pub fn forget(dir: &Path) -> io::Result<usize> {
    Ok(outcomes::BOOK.delete(dir)? + requests::BOOK.delete(dir)?)
}
