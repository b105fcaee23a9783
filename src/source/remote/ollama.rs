//! Ollama: `/api/generate` with a suffix, which it puts into the form that the model's own template has, or with markers
//! and `raw`; and `/api/chat`. The answer is one JSON document a line.

use serde_json::{Value, json};

use super::ask::{Ask, Text};
use super::events::Framing;
use super::fault::Fault;
use super::protocol::{Beginning, Delta, Finish, Odds, Outgoing, Protocol, error_in, probability, stops};

/// Ollama.
pub(super) struct Ollama;

impl Protocol for Ollama {
    fn request(&self, ask: &Ask) -> Result<Outgoing, String> {
        let mut begins_with = Beginning::none();
        let (path, mut body) = match &ask.text {
            Text::Chat([system, user, answer_start]) => {
                let mut messages = Vec::new();
                if !system.is_empty() {
                    messages.push(json!({ "role": "system", "content": system }));
                }
                messages.push(json!({ "role": "user", "content": user }));
                if !answer_start.is_empty() {
                    messages.push(json!({ "role": "assistant", "content": answer_start }));
                }
                begins_with = Beginning::Perhaps(answer_start.clone());
                ("api/chat", json!({ "messages": messages }))
            }
            Text::Plain(text) => ("api/generate", json!({ "prompt": text, "raw": true })),
            Text::Gap(gap) => match ask.family {
                Some(family) => {
                    ("api/generate", json!({ "prompt": family.prompt(&gap.at_cursor()), "raw": true }))
                }
                None => {
                    let before = gap.at_cursor().before;
                    // An empty suffix would be none, and then the prompt is a question to a chat.
                    let after = if gap.after.is_empty() { "\n" } else { gap.after.as_str() };
                    ("api/generate", json!({ "prompt": before, "suffix": after }))
                }
            },
        };
        let params = &ask.params;
        let mut options = json!({ "num_predict": params.max_tokens, "temperature": params.temperature });
        if !ask.ends().is_empty() {
            options["stop"] = json!(stops(ask));
        }
        if 0.0 < params.temperature {
            options["seed"] = (params.seed & u64::from(u32::MAX)).into();
        }
        if let Some(top_k) = params.top_k {
            options["top_k"] = top_k.into();
        }
        if let Some(top_p) = params.top_p {
            options["top_p"] = top_p.into();
        }
        body["model"] = ask.model.as_deref().ok_or("no model is there; set `remote.model`")?.into();
        body["stream"] = true.into();
        body["options"] = options;
        // Versions that do not know it pass over it.
        body["logprobs"] = true.into();
        Ok(Outgoing { path, body, framing: Framing::Lines, begins_with, cut_at: &[] })
    }

    fn read(&self, event: &Value) -> Result<Delta, Fault> {
        error_in(event)?;
        let text = event["response"].as_str().or_else(|| event["message"]["content"].as_str());
        let text = text.ok_or("the server sent neither `response` nor `message`")?.to_owned();
        let finish = (event["done"] == true).then(|| match event["done_reason"].as_str() {
            Some("length") => Finish::Length,
            _ => Finish::End,
        });
        let told = event["logprobs"].as_array().map(Vec::as_slice).unwrap_or_default();
        let odds = |token: &Value| {
            let bytes =
                token["bytes"].as_array().map(Vec::len).or_else(|| Some(token["token"].as_str()?.len()))?;
            Some(Odds { bytes, probability: probability(&token["logprob"])?, others: Vec::new() })
        };
        let prompt = event["prompt_eval_count"].as_u64().map(|tokens| (tokens as usize, 0));
        Ok(Delta { text, tokens: told.iter().filter_map(odds).collect(), finish, cut: None, prompt })
    }

    fn models(&self) -> Option<(&'static str, &'static str)> {
        Some(("api/tags", "/models/0/name"))
    }

    fn load(&self, model: &str) -> Option<(&'static str, Value)> {
        Some(("api/generate", json!({ "model": model, "stream": false })))
    }

    fn sign_of_life(&self) -> &'static str {
        "api/version"
    }
}
