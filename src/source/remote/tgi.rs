//! Text Generation Inference: `/generate_stream` with markers in the prompt, and its chat in OpenAI's form. Of its backends
//! the one over llama.cpp takes no stop string, and draws each token whether it is told to or not.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use serde_json::{Value, json};

use super::ask::{Ask, Text};
use super::events::Framing;
use super::fault::Fault;
use super::openai::{self, Going};
use super::protocol::{Beginning, Delta, Finish, Odds, Outgoing, Protocol, error_in, probability};

/// So little of the probabilities is left to a draw that it takes the likeliest token: zero is not taken.
const LIKELIEST: f32 = 1e-6;

/// Text Generation Inference.
#[derive(Debug, Default)]
pub(super) struct Tgi {
    /// Whether it is over llama.cpp, which is told by its taking no stop string. It draws each token then.
    is_over_llama_cpp: AtomicBool,
}

impl Protocol for Tgi {
    fn request(&self, ask: &Ask) -> Result<Outgoing, String> {
        let is_drawn = 0.0 < ask.params.temperature;
        let likeliest_only = !is_drawn && self.is_over_llama_cpp.load(Relaxed);
        let inputs = match (&ask.text, ask.family) {
            (Text::Chat(texts), _) => {
                let mut outgoing = openai::chat(ask, texts, Going::Not);
                // It serves one model; any other name than this is taken for an adapter's.
                outgoing.body["model"] = "tgi".into();
                if likeliest_only {
                    outgoing.body["top_p"] = LIKELIEST.into();
                }
                return Ok(outgoing);
            }
            (Text::Plain(text), _) => text.clone(),
            (Text::Gap(gap), Some(family)) => family.prompt(&gap.at_cursor()),
            (Text::Gap(_), None) => {
                return Err(
                    "the server takes no suffix, and no model's name tells its markers: set `remote.markers`"
                        .into(),
                );
            }
        };
        let params = &ask.params;
        let mut parameters = json!({
            "max_new_tokens": params.max_tokens,
            "do_sample": is_drawn,
            "return_full_text": false,
            // Why the answer ended, and how long the prompt was.
            "details": true,
        });
        if is_drawn {
            parameters["temperature"] = params.temperature.into();
            parameters["seed"] = (params.seed & u64::from(u32::MAX)).into();
        }
        if let Some(top_k) = params.top_k {
            parameters["top_k"] = top_k.into();
        }
        // It takes what is less than all only.
        if let Some(top_p) = params.top_p.filter(|&top_p| top_p < 1.0) {
            parameters["top_p"] = top_p.into();
        }
        if likeliest_only {
            parameters["top_p"] = LIKELIEST.into();
        }
        let body = json!({ "inputs": inputs, "parameters": parameters });
        let begins_with = Beginning::none();
        let path = "generate_stream";
        Ok(Outgoing { path, body, framing: Framing::Sse, begins_with, cut_at: ask.ends() })
    }

    fn read(&self, event: &Value) -> Result<Delta, Fault> {
        if event.get("choices").is_some() {
            return openai::read(event);
        }
        error_in(event)?;
        let token = event.get("token").ok_or("the server sent no `token`")?;
        let finish = event["details"]["finish_reason"].as_str().map(|reason| match reason {
            "length" => Finish::Length,
            _ => Finish::End,
        });
        let finish = finish.or(event["generated_text"].is_string().then_some(Finish::End));
        let prompt = event["details"]["input_length"].as_u64().map(|tokens| (tokens as usize, 0));
        if token["special"] == true {
            // Whatever it stands for, it is no text, and what the model was writing is over.
            return Ok(Delta { finish, cut: Some(Finish::End), prompt, ..Delta::default() });
        }
        let mut text = token["text"].as_str().ok_or("the server sent a token without text")?.to_owned();
        // Over llama.cpp each token is read by itself, and a part of a character cannot be.
        let lost = text.find(char::REPLACEMENT_CHARACTER);
        text.truncate(lost.unwrap_or(text.len()));
        let cut = lost.map(|_| Finish::Length);
        // Where all but the likeliest token were taken out of the draw, that one is always certain.
        let odds = probability(&token["logprob"]).filter(|_| !self.is_over_llama_cpp.load(Relaxed));
        let tokens = odds.map(|probability| Odds { bytes: text.len(), probability, others: Vec::new() });
        Ok(Delta { tokens: tokens.into_iter().collect(), text, finish, cut, prompt })
    }

    fn models(&self) -> Option<(&'static str, &'static str)> {
        // No request needs it, but the name tells the markers.
        Some(("info", "/model_id"))
    }

    fn learns(&self) -> bool {
        true
    }

    fn learn(&self, told: &Value) {
        self.is_over_llama_cpp.store(told["max_stop_sequences"] == 0, Relaxed);
    }

    fn sign_of_life(&self) -> &'static str {
        "health"
    }
}
