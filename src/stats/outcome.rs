//! What happened to one suggestion, as it is written down: numbers and words of our own, never a document's text or name.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// What a user did with a suggestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// All of it was accepted.
    Accepted,
    /// Words or lines of it were accepted, and then something else was written.
    Partly,
    /// It was typed by hand to its end: right, and of no use.
    Typed,
    /// Something else was written, or another suggestion took its place.
    Passed,
    /// It was gone before anybody could read it, which says nothing about it.
    Glimpsed,
}

/// Where a suggestion was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// As ghost text.
    Inline,
    /// In the completion menu.
    Menu,
}

/// What is known of a suggestion when it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The language id of the document.
    pub language: String,
    /// Where it was shown.
    pub place: Place,
    /// From the request to the answer, in milliseconds.
    pub ms: u64,
    /// Tokens generated for it; none when it was known already.
    pub tokens: usize,
    /// The mean probability of its tokens, where the source tells it.
    #[serde(default)]
    pub confidence: Option<f32>,
}

/// What happened to one suggestion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The day, such as `2026-11-25`, in UTC. More than the day nobody needs to know.
    pub day: String,
    /// What was known when it was shown.
    #[serde(flatten)]
    pub facts: Facts,
    /// What the user did.
    pub fate: Fate,
    /// Whether that was concluded from the edits; otherwise the editor told it.
    pub inferred: bool,
    /// How many candidates there were to choose from.
    pub candidates: usize,
    /// Its characters.
    pub characters: usize,
    /// Its lines.
    pub lines: usize,
    /// Characters accepted, not those typed by hand.
    pub accepted: usize,
    /// Keys that this saved: what was accepted, less one key for each time.
    pub keys_saved: usize,
    /// How long it stood there, in milliseconds.
    pub stood_ms: u64,
    /// The share of what was accepted that was still there after 30 seconds; unknown where the document was closed
    /// sooner.
    #[serde(default)]
    pub kept_30s: Option<f32>,
    /// The same after five minutes.
    #[serde(default)]
    pub kept_5min: Option<f32>,
}

/// Returns today's date in UTC.
pub fn today() -> String {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    day(since_1970.as_secs() / 86_400)
}

/// Returns a date by the days since 1970, after Howard Hinnant's `civil_from_days`. A calendar crate for one division
/// would be the larger risk.
fn day(since_1970: u64) -> String {
    let days = since_1970 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::day;

    #[test]
    fn days_have_their_dates() {
        for (since_1970, date) in
            [(0, "1970-01-01"), (59, "1970-03-01"), (11_016, "2000-02-29"), (20_782, "2026-11-25")]
        {
            assert_eq!(day(since_1970), date);
        }
    }
}
