//! The figures of the typing benchmark, from what was noted key by key: as JSON with stable names and as a table.

use serde_json::{Map, Value, json};

use super::screen::{Key, Outcome, Typed, Work};

/// What was measured of one side.
#[derive(Debug, Default)]
pub struct Side(pub Vec<Typed>);

/// A figure: its name in JSON, its line in the table, its decimals, how the sides compare.
struct Figure {
    name: &'static str,
    line: &'static str,
    decimals: usize,
    better: Better,
    of: fn(&Side) -> Option<f64>,
}

/// Which side's figure is divided by the other's, so that more than 1 speaks for us.
#[derive(Clone, Copy)]
enum Better {
    Less,
    More,
    /// There is no ratio.
    Neither,
}

const FIGURES: &[Figure] = &[
    figure("keys", "keys", 0, Better::Neither, |side| Some(side.keys().count() as f64)),
    figure("answered_share", "answered before the next key, %", 1, Better::More, |side| {
        side.share(|key| key.outcome != Outcome::Unanswered)
    }),
    figure("new_suggestions", "  with a new suggestion", 0, Better::Neither, |side| {
        Some(side.work().count() as f64)
    }),
    figure("typed_through", "  typed through", 0, Better::Neither, |side| side.number(Outcome::TypedThrough)),
    figure("empty", "  with nothing to show", 0, Better::Neither, |side| side.number(Outcome::Empty)),
    figure("unanswered", "not answered", 0, Better::Neither, |side| side.number(Outcome::Unanswered)),
    figure("key_to_suggestion.p50", "key to new suggestion, ms p50", 1, Better::Less, |side| {
        quantile(side.work().map(|work| work.ms), 0.5)
    }),
    figure("key_to_suggestion.p95", "key to new suggestion, ms p95", 1, Better::Less, |side| {
        quantile(side.work().map(|work| work.ms), 0.95)
    }),
    figure("prefill_tokens_per_key", "  tokens of prefill, mean", 2, Better::Less, |side| {
        mean(side.work().map(|work| work.prefill as f64))
    }),
    figure("decoded_tokens_per_key", "  tokens decoded, mean", 2, Better::Neither, |side| {
        mean(side.work().map(|work| work.decoded as f64))
    }),
    figure("first_suggestion.p50", "cursor's arrival to suggestion, ms p50", 1, Better::Less, |side| {
        quantile(side.arrivals().map(|work| work.ms), 0.5)
    }),
    figure("first_suggestion.prefill_tokens", "  tokens of prefill, mean", 1, Better::Neither, |side| {
        mean(side.arrivals().map(|work| work.prefill as f64))
    }),
    figure("shown_share", "screens with a suggestion, %", 1, Better::Neither, |side| {
        side.share(|key| key.shown > 0)
    }),
    figure("right_share", "  that is what was written, % of screens", 1, Better::More, |side| {
        side.share(|key| key.right)
    }),
    figure("keys_saved_share", "keys saved, %", 1, Better::More, Side::saved),
];

const fn figure(
    name: &'static str,
    line: &'static str,
    decimals: usize,
    better: Better,
    of: fn(&Side) -> Option<f64>,
) -> Figure {
    Figure { name, line, decimals, better, of }
}

impl Side {
    fn keys(&self) -> impl Iterator<Item = &Key> {
        self.0.iter().flat_map(|typed| typed.screens.iter().skip(1))
    }

    /// Returns all screens, those at the cursor's arrival too.
    fn screens(&self) -> impl Iterator<Item = &Key> {
        self.0.iter().flat_map(|typed| &typed.screens)
    }

    fn work(&self) -> impl Iterator<Item = Work> {
        self.keys().filter_map(computed)
    }

    fn arrivals(&self) -> impl Iterator<Item = Work> {
        self.0.iter().filter_map(|typed| typed.screens.first().and_then(computed))
    }

    fn number(&self, outcome: Outcome) -> Option<f64> {
        Some(self.keys().filter(|key| key.outcome == outcome).count() as f64)
    }

    fn share(&self, is: fn(&Key) -> bool) -> Option<f64> {
        mean(self.keys().map(|key| if is(key) { 100.0 } else { 0.0 }))
    }

    fn saved(&self) -> Option<f64> {
        let all = self.screens().count();
        let pressed: usize = self.0.iter().map(Typed::presses).sum();
        (all > 0).then(|| 100.0 * (1.0 - pressed as f64 / all as f64))
    }
}

fn computed(key: &Key) -> Option<Work> {
    match key.outcome {
        Outcome::Computed(work) => Some(work),
        _ => None,
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.fold((0.0, 0), |(sum, n), value| (sum + value, n + 1));
    (n > 0).then(|| sum / f64::from(n))
}

/// Returns a quantile, between two values where it falls between them; `None` of nothing.
pub fn quantile(values: impl Iterator<Item = f64>, q: f64) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let at = last as f64 * q;
    let (low, high) = (values[at as usize], values[(at as usize + 1).min(last)]);
    Some(low + (high - low) * at.fract())
}

/// Returns the figures under their names: `{"key_to_suggestion": {"p50": {"ours", "peer", "ratio"}, …}, …}`. The peer's and
/// the ratio are missing where there are none.
pub fn figures(ours: &Side, peer: Option<&Side>) -> Value {
    let mut figures = json!({});
    for Figure { name, better, of, .. } in FIGURES {
        let values = (of(ours), peer.and_then(of));
        let mut figure = Map::new();
        let ratio = match (better, values) {
            (Better::Less, (Some(ours), Some(peer))) if ours > 0.0 => Some(peer / ours),
            (Better::More, (Some(ours), Some(peer))) if peer > 0.0 => Some(ours / peer),
            _ => None,
        };
        for (key, value) in [("ours", values.0), ("peer", values.1), ("ratio", ratio)] {
            figure.extend(value.map(|value| (key.to_owned(), json!(value))));
        }
        *name.split('.').fold(&mut figures, |at, part| &mut at[part]) = figure.into();
    }
    figures
}

/// Returns each new suggestion by itself, so that one that cost much can be found: the number of its task, the key (0 is
/// the cursor's arrival), and what it cost.
pub fn each(side: &Side) -> Value {
    let of_task = |(task, typed): (usize, &Typed)| {
        let keys =
            typed.screens.iter().enumerate().filter_map(|(key, screen)| Some((key, computed(screen)?)));
        let row = |(key, Work { ms, prefill, decoded })| json!({ "task": task, "key": key, "ms": ms, "prefill": prefill, "decoded": decoded });
        keys.map(row).collect::<Vec<_>>()
    };
    side.0.iter().enumerate().flat_map(of_task).collect()
}

/// Returns the lines of the table.
pub fn rows(figures: &Value) -> Vec<Vec<String>> {
    let mut rows = vec![["", "infill-ls", "llama.vim", "ratio"].map(String::from).to_vec()];
    for Figure { name, line, decimals, .. } in FIGURES {
        let figure = name.split('.').fold(figures, |at, part| &at[part]);
        let cell = |key: &str, decimals: usize| {
            figure[key].as_f64().map_or("-".into(), |value| format!("{value:.decimals$}"))
        };
        rows.push(vec![(*line).into(), cell("ours", *decimals), cell("peer", *decimals), cell("ratio", 2)]);
    }
    rows
}
