//! Text Generation Inference: `/generate_stream` with markers in the prompt, and its chat in OpenAI's form.

use serde_json::{Value, json};

use super::ask::{Ask, Text};
use super::events::Framing;
use super::openai::{self, Going};
use super::protocol::{Beginning, Delta, Finish, Odds, Outgoing, Protocol, error_in, probability, stops};

/// Text Generation Inference.
pub(super) struct Tgi;

impl Protocol for Tgi {
    fn request(&self, ask: &Ask) -> Result<Outgoing, String> {
        let inputs = match (&ask.text, ask.family) {
            (Text::Chat(texts), _) => {
                let mut outgoing = openai::chat(ask, texts, Going::Not);
                // It serves one model and wants some name.
                outgoing.body["model"] = ask.model.as_deref().unwrap_or("tgi").into();
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
        let is_drawn = 0.0 < params.temperature;
        let mut parameters = json!({
            "max_new_tokens": params.max_tokens,
            "do_sample": is_drawn,
            "return_full_text": false,
            "stop": stops(ask),
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
        let body = json!({ "inputs": inputs, "parameters": parameters });
        let begins_with = Beginning::none();
        Ok(Outgoing { path: "generate_stream", body, framing: Framing::Sse, begins_with, cut_at: &[] })
    }

    fn read(&self, event: &Value) -> Result<Delta, String> {
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
        if token["special"] == true {
            // The end of the text has a name that is no part of it.
            return Ok(Delta { finish, ..Delta::default() });
        }
        let text = token["text"].as_str().ok_or("the server sent a token without text")?.to_owned();
        let odds = probability(&token["logprob"]);
        let tokens = odds.map(|probability| Odds { bytes: text.len(), probability, others: Vec::new() });
        Ok(Delta { tokens: tokens.into_iter().collect(), text, finish, prompt: None })
    }

    fn models(&self) -> Option<(&'static str, &'static str)> {
        // No request needs it, but the name tells the markers.
        Some(("info", "/model_id"))
    }

    fn sign_of_life(&self) -> &'static str {
        "health"
    }
}
