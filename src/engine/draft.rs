//! Drafts: tokens that may follow, checked by the model several at once. Checking costs little more than one token does and
//! cannot change what is written. They come from the text itself or from a smaller model, and for each of the two it is
//! learned how long a draft pays.

mod lookup;
mod pace;
mod small;

use std::time::Duration;

use crate::model::TokenId;
pub(super) use lookup::Lookup;
use pace::Pace;
pub(super) use small::{Drafting, SmallModel};

/// Where a draft came from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Origin {
    /// The text before it.
    #[default]
    Lookup,
    /// The smaller model.
    Small,
}

/// Tokens that may follow.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) tokens: Vec<TokenId>,
    pub(super) origin: Origin,
}

/// What is known of drafts of either origin; kept from job to job, for one is too short to learn from.
#[derive(Default)]
pub(super) struct Paces {
    lookup: Pace,
    small: Pace,
}

impl Paces {
    fn of(&mut self, origin: Origin) -> &mut Pace {
        match origin {
            Origin::Lookup => &mut self.lookup,
            Origin::Small => &mut self.small,
        }
    }

    /// Returns how many tokens of an origin to draft for the next pass.
    pub(super) fn length(&mut self, origin: Origin) -> usize {
        self.of(origin).length()
    }

    /// Counts a drafted token, all before which were right.
    pub(super) fn checked(&mut self, origin: Origin, right: bool) {
        self.of(origin).checked(right);
    }

    /// Counts the time of a pass, with that of its draft.
    pub(super) fn took(&mut self, draft: &Draft, time: Duration) {
        match draft.tokens.len() {
            0 => {
                self.lookup.took(0, time);
                self.small.took(0, time);
            }
            drafted => self.of(draft.origin).took(drafted, time),
        }
    }
}
