//! llama.cpp's own server: `/infill` with other files beside, `/completion` for plain text, and its chat. It knows the
//! model's markers, keeps what it has computed in slots, and can be held to a beginning by a grammar.

use serde_json::{Value, json};

use super::ask::{Ask, Gap, Text};
use super::events::Framing;
use super::fault::Fault;
use super::markers::without_markers;
use super::openai;
use super::protocol::{Beginning, Delta, Finish, Odds, Outgoing, Protocol, error_in, probability};
use crate::engine::GenerationParams;

/// Tokens that are told with their probabilities; more where the answer is held to a beginning, for it is the share of the
/// token among those that agree with that which counts.
const TOLD: usize = 1;
const TOLD_HELD: usize = 10;

/// Tokens that repeating the held beginning may take.
const HELD_TOKENS: usize = 8;

/// llama.cpp's server.
pub(super) struct LlamaServer;

impl Protocol for LlamaServer {
    fn request(&self, ask: &Ask) -> Result<Outgoing, String> {
        match &ask.text {
            Text::Gap(gap) => Ok(infill(gap, &ask.params)),
            Text::Plain(text) => {
                let body =
                    with_sampling(json!({ "prompt": text, "n_predict": ask.params.max_tokens }), &ask.params);
                let begins_with = Beginning::none();
                Ok(Outgoing { path: "completion", body, framing: Framing::Sse, begins_with, cut_at: &[] })
            }
            Text::Chat(texts) => {
                let mut outgoing = openai::chat(ask, texts, openai::Going::OnItsOwn);
                outgoing.body["cache_prompt"] = true.into();
                Ok(outgoing)
            }
        }
    }

    fn read(&self, event: &Value) -> Result<Delta, Fault> {
        if event.get("choices").is_some() {
            return openai::read(event);
        }
        error_in(event)?;
        let text = event["content"].as_str().ok_or("the server sent no `content`")?.to_owned();
        let tokens = event["completion_probabilities"].as_array().map(Vec::as_slice).unwrap_or_default();
        let finish = (event["stop"] == true).then(|| match event["stop_type"].as_str() {
            Some("limit") => Finish::Length,
            _ => Finish::End,
        });
        let count = |name: &str| event["timings"][name].as_u64().map(|count| count as usize);
        let prompt = count("prompt_n").map(|computed| {
            let cached = count("cache_n").unwrap_or_default();
            (computed + cached, cached)
        });
        Ok(Delta { text, tokens: tokens.iter().filter_map(odds).collect(), finish, cut: None, prompt })
    }

    fn models(&self) -> Option<(&'static str, &'static str)> {
        None
    }

    fn sign_of_life(&self) -> &'static str {
        "health"
    }
}

fn infill(gap: &Gap, params: &GenerationParams) -> Outgoing {
    let (prompt, held) = gap.held();
    let files: Vec<Value> =
        gap.files.iter().map(|(path, text)| json!({ "filename": path, "text": text })).collect();
    let mut body = json!({
        "input_prefix": gap.before,
        "input_suffix": gap.after,
        "input_extra": files,
        "prompt": without_markers(prompt),
        "n_predict": params.max_tokens,
        "n_probs": TOLD,
    });
    if !held.is_empty() {
        body["n_predict"] = (params.max_tokens + HELD_TOKENS).into();
        body["n_probs"] = TOLD_HELD.into();
        body["grammar"] = format!("root ::= {} .*", literal(held)).into();
    }
    let begins_with = Beginning::Held(held.to_owned());
    let body = with_sampling(body, params);
    Outgoing { path: "infill", body, framing: Framing::Sse, begins_with, cut_at: &[] }
}

fn with_sampling(mut body: Value, params: &GenerationParams) -> Value {
    body["stream"] = true.into();
    body["cache_prompt"] = true.into();
    // The server takes the slot whose text is most like this one.
    body["id_slot"] = (-1).into();
    body["temperature"] = params.temperature.into();
    body["samplers"] = json!(["top_k", "top_p", "temperature"]);
    body["top_k"] = params.top_k.map_or(0, |top_k| top_k).into();
    body["top_p"] = params.top_p.unwrap_or(1.0).into();
    if 0.0 < params.temperature {
        body["seed"] = (params.seed & u64::from(u32::MAX)).into();
    }
    body
}

/// Returns a text as a literal of llama.cpp's grammars.
fn literal(text: &str) -> String {
    let mut literal = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => literal.extend(['\\', c]),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            c => literal.push(c),
        }
    }
    literal + "\""
}

fn odds(token: &Value) -> Option<Odds> {
    let text = |token: &Value| token["token"].as_str().map(str::to_owned);
    let bytes = token["bytes"].as_array().map(Vec::len).or_else(|| Some(text(token)?.len()))?;
    let top = token["top_logprobs"].as_array().map(Vec::as_slice).unwrap_or_default();
    let others = top
        .iter()
        .filter(|other| other["id"] != token["id"])
        .filter_map(|other| Some((text(other)?, probability(&other["logprob"])?)));
    Some(Odds { bytes, probability: probability(&token["logprob"])?, others: others.collect() })
}
