//! The prompts that would do for a request, the best one first: which one is computed is settled by what is there. What
//! is typed along keeps the prompts that it began with, so that a key costs a token or two.

use std::sync::Arc;
use std::time::Duration;

use super::infill::InfillRequest;
use crate::complete::{self, Anchored, Budget, Context, Prompt, Reach, TokenCount};
use crate::config::Settings;

/// Tokens that are read however long it takes.
const LEAST: f64 = 512.0;

/// Returns the prompts: behind the best other files, then behind those that serve until these are computed; the whole
/// reach, then a shorter suffix, for the file before the cursor is usually there and what is after it is not; and at last
/// what a request can afford when nothing is there.
pub(super) fn prompts(request: &InfillRequest, speed: u64, counter: &dyn TokenCount) -> Vec<Anchored> {
    let InfillRequest { snapshot, offset, path, settings, anchors, contexts, .. } = request;
    let none = [None];
    let contexts = if contexts.is_empty() { &none[..] } else { contexts };
    let whole = Budget {
        prefix_tokens: settings.prompt.prefix_tokens.get(),
        suffix_tokens: settings.prompt.suffix_tokens,
    };
    let fresh = |budget: &Budget| complete::prompt(snapshot, *offset, path.as_deref(), budget, counter);
    if !settings.prompt.anchored {
        return vec![fresh(&whole).behind(contexts[0].clone()).at_cursor()];
    }
    let mut prompts: Vec<Anchored> =
        anchors.iter().filter_map(|anchored| anchored.continued(snapshot, *offset)).collect();
    let is_there = |prompts: &[Anchored], reach, context: &Option<Arc<Context>>| {
        let same = |prompt: &Anchored| prompt.reach == reach && prompt.prompt.context == *context;
        prompts.iter().any(|prompt| same(prompt) && !prompt.is_stale())
    };
    let affordable = (speed as f64 * latency(settings, speed).as_secs_f64()).max(LEAST) as usize;
    for context in contexts {
        if !is_there(&prompts, Reach::Whole, context) {
            // What differs is only what stands before it.
            let other = prompts.iter().find(|prompt| prompt.reach == Reach::Whole && !prompt.is_stale());
            let anchored = other.cloned().unwrap_or_else(|| fresh(&whole));
            prompts.push(anchored.behind(context.clone()));
        }
        let suffix_tokens = affordable / 2;
        if suffix_tokens < whole.suffix_tokens && !is_there(&prompts, Reach::Before, context) {
            let before = prompts.iter().find(|prompt| {
                prompt.reach == Reach::Whole && prompt.prompt.context == *context && !prompt.is_stale()
            });
            let before = before.map(|whole| whole.with_suffix(snapshot, suffix_tokens, counter));
            prompts.extend(before);
        }
    }
    if affordable < whole.prefix_tokens + whole.suffix_tokens && !is_there(&prompts, Reach::Short, &None) {
        prompts.push(fresh(&short_budget(&whole, affordable)).reaching(Reach::Short));
    }
    let rank = |context: &Option<Arc<Context>>| {
        contexts.iter().position(|known| known == context).unwrap_or(contexts.len())
    };
    prompts.sort_by_key(|anchored| {
        let short = anchored.reach == Reach::Short;
        (short, rank(&anchored.prompt.context), anchored.reach, anchored.is_stale())
    });
    prompts.dedup_by(|a, b| a.prompt == b.prompt);
    prompts
}

/// Returns the prompt that is to be made ready for the next request: the best one behind the files that serve now.
pub(super) fn next(prompts: &[Anchored], contexts: &[Option<Arc<Context>>]) -> Option<Prompt> {
    let serving = contexts.last().cloned().flatten();
    let best = prompts.iter().find(|anchored| anchored.prompt.context == serving);
    best.map(|anchored| anchored.prompt.clone())
}

/// Returns the time that reading a prompt may take, on a machine that reads so many tokens in a second.
///
/// A suggestion from less than [`LEAST`] tokens is quick and wrong: of one-line holes in Java, a third as many were right
/// when a busy machine cut their prompts to a hundred.
pub(super) fn latency(settings: &Settings, speed: u64) -> Duration {
    let set = Duration::from_millis(settings.completion.latency_ms.get() as u64);
    set.max(Duration::from_secs_f64(LEAST / speed.max(1) as f64))
}

/// Returns what can be read within the latency when nothing is held.
fn short_budget(whole: &Budget, affordable: usize) -> Budget {
    let suffix_tokens = whole.suffix_tokens.min(affordable / 4);
    let prefix_tokens = affordable.saturating_sub(suffix_tokens).clamp(16, whole.prefix_tokens.max(16));
    Budget { prefix_tokens, suffix_tokens }
}
