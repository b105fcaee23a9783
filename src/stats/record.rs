//! One answered request, as it is written down.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// The outcome of a request whose answer showed something.
pub const SHOWN: &str = "shown";

/// One answered request. It has no field that could hold a document's text or name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// When it was answered, in seconds since 1970.
    pub time: u64,
    /// The method of the protocol.
    pub method: String,
    /// The language id of the document; empty when it is not open.
    pub language: String,
    /// [`SHOWN`], or the code of the reason why not.
    pub outcome: String,
    /// From the request to its answer, in milliseconds.
    pub ms: u64,
    /// Tokens generated for it.
    pub tokens: usize,
}

impl Record {
    /// Returns the record of a request that was answered just now.
    pub fn now(method: &str, language: &str, outcome: &str, took: Duration, tokens: usize) -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            time: since_1970.as_secs(),
            method: method.into(),
            language: language.into(),
            outcome: outcome.into(),
            ms: took.as_millis().try_into().unwrap_or(u64::MAX),
            tokens,
        }
    }
}
