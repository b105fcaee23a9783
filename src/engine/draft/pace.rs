//! How long a draft should be: as long as it is likely to save more time than it costs, by what was seen so far.

use std::time::Duration;

/// Tokens drafted at most: up to here a pass is bound by reading the weights, which it does once for all its tokens.
const MOST: usize = 8;
/// Passes without a draft, once none seems to pay, until one is tried again.
const RETRY: u32 = 32;
/// Tokens drafted for such a try.
const TRIED: usize = 2;
/// What a drafted token is taken to cost at least, as a share of a pass.
const LEAST_COST: f32 = 0.02;
/// The weight of the newest token among those that were right or wrong, and of the newest pass among those timed.
const NEWEST_TOKEN: f32 = 1.0 / 16.0;
const NEWEST_PASS: f32 = 1.0 / 4.0;

/// What is known of drafts; kept from job to job, for one is too short to learn from.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Pace {
    /// The share of drafted tokens that were right, of those before which all were right.
    right: f32,
    /// What a drafted token adds to the time of a pass, as a share of a pass without a draft.
    cost: f32,
    /// Seconds of a pass without a draft.
    plain: Option<f32>,
    /// Passes since the last one with a draft.
    idle: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self { right: 0.6, cost: 0.05, plain: None, idle: 0 }
    }
}

impl Pace {
    /// Returns how many tokens to draft for the next pass.
    pub(in crate::engine) fn length(&self) -> usize {
        match self.best() {
            0 if self.idle >= RETRY => TRIED,
            length => length,
        }
    }

    /// Counts a drafted token, all before which were right.
    pub(in crate::engine) fn checked(&mut self, right: bool) {
        self.right += NEWEST_TOKEN * (f32::from(u8::from(right)) - self.right);
    }

    /// Counts the time of a pass with a draft of `drafted` tokens.
    pub(in crate::engine) fn took(&mut self, drafted: usize, time: Duration) {
        let time = time.as_secs_f32();
        self.idle = if drafted == 0 { self.idle.saturating_add(1) } else { 0 };
        match (drafted, self.plain) {
            (0, plain) => {
                let plain = plain.unwrap_or(time);
                self.plain = Some(plain + NEWEST_PASS * (time - plain));
            }
            (_, Some(plain)) if plain > 0.0 => {
                // A moment in which the machine was busy with something else must not end drafting for long, nor one
                // that made a plain pass slow keep it going for nothing.
                let cost = ((time / plain - 1.0) / drafted as f32).clamp(LEAST_COST, 1.0);
                self.cost += NEWEST_PASS * (cost - self.cost);
            }
            _ => {}
        }
    }

    /// Returns the length that promises the most tokens for the time.
    fn best(&self) -> usize {
        let (mut best, mut most, mut tokens, mut likely) = (0, 1.0, 1.0, 1.0);
        for length in 1..=MOST {
            likely *= self.right;
            tokens += likely;
            let speed = tokens / (1.0 + self.cost * length as f32);
            if speed > most {
                (best, most) = (length, speed);
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{MOST, Pace, RETRY};

    fn after(right: bool, tokens: usize) -> Pace {
        let mut pace = Pace::default();
        (0..tokens).for_each(|_| pace.checked(right));
        pace
    }

    #[test]
    fn drafts_grow_while_they_are_right_and_end_when_they_are_wrong() {
        let first = Pace::default().length();
        assert!((1..MOST).contains(&first));
        assert_eq!(after(true, 60).length(), MOST);
        assert_eq!(after(false, 60).length(), 0);
    }

    #[test]
    fn what_was_given_up_is_tried_again_and_can_come_back() {
        let mut pace = after(false, 60);
        let mut tries = 0;
        for _ in 0..2 * (RETRY + 1) {
            let length = pace.length();
            tries += u32::from(length > 0);
            pace.took(length, Duration::from_millis(10));
        }
        assert_eq!(tries, 2);
        (0..20).for_each(|_| pace.checked(true));
        assert!(pace.length() > 0);
    }

    #[test]
    fn where_a_drafted_token_costs_a_pass_nothing_is_drafted() {
        let mut pace = after(true, 10);
        pace.took(0, Duration::from_millis(10));
        (0..20).for_each(|_| pace.took(4, Duration::from_millis(50)));
        assert_eq!(pace.length(), 0);
        (0..20).for_each(|_| pace.took(2, Duration::from_millis(11)));
        assert!(pace.length() > 2);
    }
}
