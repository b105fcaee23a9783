//! Mistral's service: `/v1/fim/completions`, and the chat, which goes on with an answer that is marked as its prefix. It
//! tells no probabilities.

use serde_json::{Value, json};

use super::ask::{Ask, Text};
use super::events::Framing;
use super::fault::Fault;
use super::openai::{self, Going};
use super::protocol::{Beginning, Delta, Outgoing, Protocol};

/// The model that is asked where none is named: the service's own name for the newest of its coders.
const MODEL: &str = "codestral-latest";

/// Mistral's service.
pub(super) struct Mistral;

impl Protocol for Mistral {
    fn request(&self, ask: &Ask) -> Result<Outgoing, String> {
        let model = ask.model.as_deref().unwrap_or(MODEL);
        let mut outgoing = match &ask.text {
            Text::Chat(texts) => openai::chat(ask, texts, Going::AsPrefix),
            Text::Plain(text) => fim(text, "", ask),
            Text::Gap(gap) => fim(&gap.at_cursor().before, &gap.after, ask),
        };
        outgoing.body["model"] = model.into();
        if let Some(seed) = outgoing.body.as_object_mut().and_then(|body| body.remove("seed")) {
            outgoing.body["random_seed"] = seed;
        }
        Ok(outgoing)
    }

    fn read(&self, event: &Value) -> Result<Delta, Fault> {
        openai::read(event)
    }

    fn models(&self) -> Option<(&'static str, &'static str)> {
        None
    }

    fn sign_of_life(&self) -> &'static str {
        "v1/models"
    }
}

fn fim(before: &str, after: &str, ask: &Ask) -> Outgoing {
    let params = &ask.params;
    let mut body = json!({
        "prompt": before,
        "suffix": after,
        "max_tokens": params.max_tokens,
        "temperature": params.temperature,
        "stream": true,
    });
    if let Some(top_p) = params.top_p {
        body["top_p"] = top_p.into();
    }
    if 0.0 < params.temperature {
        body["seed"] = (params.seed & u64::from(u32::MAX)).into();
    }
    let begins_with = Beginning::none();
    Outgoing { path: "v1/fim/completions", body, framing: Framing::Sse, begins_with, cut_at: &[] }
}
