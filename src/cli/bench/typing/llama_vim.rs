//! What llama.vim asks and shows, told from its documented settings and its requests, so that the peer is measured as its
//! own editor plug-in uses it: the text around the cursor by lines, the request's fields, the suggestions it keeps, and
//! those that it does not show.
//!
//! Left out: its ring of chunks from other places, empty after a start in one file; and the request that it sends ahead as
//! if a suggestion had been accepted, which would only keep the peer's one slot busy while the next key comes.

use serde_json::{Value, json};

/// Lines before and after the cursor's.
const PREFIX_LINES: usize = 256;
const SUFFIX_LINES: usize = 64;
/// The most tokens of a suggestion.
pub const PREDICT: usize = 128;
/// Milliseconds for the prompt, and for a suggestion that comes with a key. (The 1000 ms of its settings are for the
/// request that it sends ahead.) The server heeds the second after the first line only, and the first not at all.
const PROMPT_MS: u64 = 500;
const PREDICT_MS: u64 = 250;
/// Characters right of the cursor with which it still asks by itself.
const LINE_SUFFIX: usize = 8;
/// Suggestions kept, and how far back one is looked for.
const KEPT: usize = 250;
const LOOK_BACK: usize = 128;

/// The text around a cursor, as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Around {
    prefix: String,
    middle: String,
    suffix: String,
    indent: usize,
    line_prefix: String,
    line_suffix: String,
    below: Vec<String>,
}

impl Around {
    /// Looks around the cursor between two texts.
    pub fn new(before: &str, after: &str) -> Self {
        let (above, line_prefix) = before.rsplit_once('\n').unwrap_or(("", before));
        let (line_suffix, below) = after.split_once('\n').unwrap_or((after, ""));
        let above: Vec<&str> = if before.contains('\n') { above.split('\n').collect() } else { Vec::new() };
        let below: Vec<String> = below.lines().map(str::to_owned).collect();
        let above = &above[above.len().saturating_sub(PREFIX_LINES)..];
        let near = &below[..below.len().min(SUFFIX_LINES)];
        let blank = line_prefix.trim().is_empty() && line_suffix.trim().is_empty();
        // A blank line is asked for from its beginning.
        let (middle, rest) = if blank { ("", "") } else { (line_prefix, line_suffix) };
        Self {
            prefix: format!("{}\n", above.join("\n")),
            middle: middle.into(),
            suffix: format!("{rest}\n{}\n", near.join("\n")),
            indent: middle.len() - middle.trim_start().len(),
            line_prefix: line_prefix.into(),
            line_suffix: line_suffix.into(),
            below,
        }
    }

    /// Returns the body of the request, or `None` where it does not ask by itself.
    pub fn request(&self) -> Option<Value> {
        let body = json!({
            "id_slot": 0,
            "input_prefix": self.prefix,
            "input_suffix": self.suffix,
            "input_extra": [],
            "prompt": self.middle,
            "n_predict": PREDICT,
            "stop": [],
            "n_indent": self.indent,
            "top_k": 40,
            "top_p": 0.9,
            "samplers": ["top_k", "top_p", "infill"],
            "stream": false,
            "cache_prompt": true,
            "t_max_prompt_ms": PROMPT_MS,
            "t_max_predict_ms": PREDICT_MS,
            "response_fields": ["content", "timings/prompt_n", "timings/predicted_n", "truncated", "tokens_cached"],
        });
        (self.line_suffix.chars().count() <= LINE_SUFFIX).then_some(body)
    }

    /// Returns what of a generated text it shows at the cursor; empty where that only repeats what is there.
    pub fn shown(&self, content: &str) -> String {
        let mut content = content.trim_end_matches('\n');
        if (self.line_prefix.clone() + &self.line_suffix).trim().is_empty() {
            let blanks = content.len() - content.trim_start_matches([' ', '\t']).len();
            content = &content[blanks.min(self.line_prefix.len())..];
        }
        match content.trim().is_empty() || self.repeats(content) {
            true => String::new(),
            false => content.into(),
        }
    }

    /// Whether a suggestion is the rest of the line or the lines below.
    fn repeats(&self, content: &str) -> bool {
        let lines: Vec<&str> = content.split('\n').collect();
        let below: Vec<&str> = self.below.iter().map(String::as_str).collect();
        if lines == [self.line_suffix.as_str()] || lines[0].is_empty() && below.starts_with(&lines[1..]) {
            return true;
        }
        let Some(next) = below.iter().position(|line| !line.trim().is_empty()) else { return false };
        let (first, further) = (below[next], &below[next + 1..]);
        format!("{}{}", self.line_prefix, lines[0]) == first
            && match &lines[1..] {
                [] => true,
                [second] => further.first().is_some_and(|line| line.starts_with(second)),
                more => further.starts_with(more),
            }
    }
}

/// The suggestions that it keeps, newest last.
#[derive(Debug, Default)]
pub struct Kept(Vec<(String, String, String)>);

impl Kept {
    /// Keeps what was generated at a place.
    pub fn keep(&mut self, around: &Around, content: &str) {
        if self.0.len() >= KEPT {
            self.0.remove(0);
        }
        self.0.push((around.before(), around.suffix.clone(), content.into()));
    }

    /// Returns what is left of a kept text whose beginning was typed since; of several, the longest.
    pub fn typed_through(&self, around: &Around) -> Option<&str> {
        let before = around.before();
        let rest = |(then, suffix, content): &'_ (String, String, String)| {
            let typed = before.strip_prefix(then).filter(|_| *suffix == around.suffix)?;
            let rest = content.strip_prefix(typed).filter(|_| typed.chars().count() <= LOOK_BACK)?;
            Some(content.len() - rest.len()).filter(|_| !rest.is_empty())
        };
        let rests = self.0.iter().filter_map(|kept| rest(kept).map(|typed| &kept.2[typed..]));
        rests.max_by_key(|rest| rest.len())
    }
}

impl Around {
    /// Returns all that is sent of the text before the cursor.
    fn before(&self) -> String {
        format!("{}{}", self.prefix, self.middle)
    }
}
