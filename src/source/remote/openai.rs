//! OpenAI's interface, which many servers have: `/v1/completions` with a suffix or with markers in the prompt, and
//! `/v1/chat/completions`. vLLM is one of them and knows more; what it knows is said here too.

use serde_json::{Value, json};

use super::ask::{Ask, Text};
use super::events::Framing;
use super::fault::Fault;
use super::protocol::{Beginning, Delta, Finish, Odds, Outgoing, Protocol, error_in, probability, stops};

/// The files of some models have vLLM shun what stands in the prompt already, unless it is told otherwise.
const NO_PENALTY: f64 = 1.0;

/// A server with OpenAI's interface.
pub(super) struct OpenAi {
    /// Whether it is vLLM, which has no suffix, and settings of its own.
    pub vllm: bool,
}

/// Whether a server goes on with an answer that is begun for the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Going {
    /// It does when the last message is the assistant's.
    OnItsOwn,
    /// vLLM does when it is told to.
    WhenTold,
    /// Mistral's does when the message says so.
    AsPrefix,
    /// It does not.
    Not,
}

impl Protocol for OpenAi {
    fn request(&self, ask: &Ask) -> Result<Outgoing, String> {
        let mut body = match &ask.text {
            Text::Chat(texts) => {
                let going = if self.vllm { Going::WhenTold } else { Going::Not };
                let mut outgoing = chat(ask, texts, going);
                if self.vllm {
                    outgoing.body["repetition_penalty"] = NO_PENALTY.into();
                }
                return Ok(outgoing);
            }
            Text::Plain(text) => json!({ "prompt": text }),
            Text::Gap(gap) => match ask.family {
                Some(family) => json!({ "prompt": family.prompt(&gap.at_cursor()) }),
                None if self.vllm => {
                    return Err("vLLM takes no suffix, and the model's name does not tell its markers: set `remote.markers`".into());
                }
                None => json!({ "prompt": gap.at_cursor().before, "suffix": gap.after }),
            },
        };
        sampling(&mut body, ask);
        body["logprobs"] = 1.into();
        let ends = ask.ends();
        if !self.vllm && !ends.is_empty() {
            body["stop"] = json!(stops(ask));
        }
        // Told to stop at a text, vLLM holds back as many characters as the longest one has: three tokens' time.
        let cut_at = if self.vllm { ends } else { &[] };
        if self.vllm {
            body["stream_options"] = json!({ "include_usage": true });
            body["repetition_penalty"] = NO_PENALTY.into();
            // Markers that the model writes are wanted, for they end the answer.
            body["skip_special_tokens"] = false.into();
            if let Some(top_k) = ask.params.top_k {
                body["top_k"] = top_k.into();
            }
        }
        let begins_with = Beginning::none();
        Ok(Outgoing { path: "v1/completions", body, framing: Framing::Sse, begins_with, cut_at })
    }

    fn read(&self, event: &Value) -> Result<Delta, Fault> {
        read(event)
    }

    fn models(&self) -> Option<(&'static str, &'static str)> {
        Some(("v1/models", "/data/0/id"))
    }

    fn sign_of_life(&self) -> &'static str {
        "v1/models"
    }
}

/// Returns a request to the chat.
pub(super) fn chat(ask: &Ask, [system, user, answer_start]: &[String; 3], going: Going) -> Outgoing {
    let mut messages = Vec::new();
    if !system.is_empty() {
        messages.push(json!({ "role": "system", "content": system }));
    }
    let told = match (going, answer_start.is_empty()) {
        (Going::Not, false) => format!("{user}\n\nBegin your answer with exactly this:\n{answer_start}"),
        _ => user.clone(),
    };
    messages.push(json!({ "role": "user", "content": told }));
    let begins = !answer_start.is_empty() && going != Going::Not;
    if begins {
        messages.push(json!({ "role": "assistant", "content": answer_start }));
        if let (Going::AsPrefix, Some(last)) = (going, messages.last_mut()) {
            last["prefix"] = true.into();
        }
    }
    let mut body = json!({ "messages": messages });
    sampling(&mut body, ask);
    if begins && going == Going::WhenTold {
        body["add_generation_prompt"] = false.into();
        body["continue_final_message"] = true.into();
    }
    let begins_with = Beginning::Perhaps(answer_start.clone());
    Outgoing { path: "v1/chat/completions", body, framing: Framing::Sse, begins_with, cut_at: &[] }
}

fn sampling(body: &mut Value, ask: &Ask) {
    let params = &ask.params;
    if let Some(model) = &ask.model {
        body["model"] = model.as_str().into();
    }
    body["max_tokens"] = params.max_tokens.into();
    body["temperature"] = params.temperature.into();
    body["stream"] = true.into();
    if let Some(top_p) = params.top_p {
        body["top_p"] = top_p.into();
    }
    if 0.0 < params.temperature {
        body["seed"] = (params.seed & u64::from(u32::MAX)).into();
    }
}

/// Reads an event of either of the two: streamed or whole.
pub(super) fn read(event: &Value) -> Result<Delta, Fault> {
    error_in(event)?;
    let choices = event["choices"].as_array().ok_or("the server sent no `choices`")?;
    let usage = &event["usage"];
    let prompt = usage["prompt_tokens"].as_u64().map(|tokens| {
        let cached = usage["prompt_tokens_details"]["cached_tokens"].as_u64().unwrap_or_default();
        (tokens as usize, cached as usize)
    });
    // The last event may tell the usage alone.
    let Some(choice) = choices.first() else { return Ok(Delta { prompt, ..Delta::default() }) };
    let texts = [&choice["text"], &choice["delta"]["content"], &choice["message"]["content"]];
    let text = texts.into_iter().find_map(Value::as_str).unwrap_or_default().to_owned();
    let finish = choice["finish_reason"].as_str().map(|reason| match reason {
        "length" => Finish::Length,
        _ => Finish::End,
    });
    Ok(Delta { text, tokens: tokens(&choice["logprobs"]), finish, cut: None, prompt })
}

/// Reads log-probabilities in either of their two forms.
fn tokens(logprobs: &Value) -> Vec<Odds> {
    let odds = |token: &Value, logprob: &Value| {
        Some(Odds { bytes: token.as_str()?.len(), probability: probability(logprob)?, others: Vec::new() })
    };
    if let Some(content) = logprobs["content"].as_array() {
        let all = content.iter().filter_map(|token| {
            let odds = odds(&token["token"], &token["logprob"])?;
            // A token that is part of a character only has no text of its own.
            Some(Odds { bytes: token["bytes"].as_array().map_or(odds.bytes, Vec::len), ..odds })
        });
        return all.collect();
    }
    match (logprobs["tokens"].as_array(), logprobs["token_logprobs"].as_array()) {
        (Some(tokens), Some(odd)) => {
            tokens.iter().zip(odd).filter_map(|(token, logprob)| odds(token, logprob)).collect()
        }
        _ => Vec::new(),
    }
}
