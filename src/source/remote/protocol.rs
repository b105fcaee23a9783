//! What each kind of server's interface is made of: a request in, pieces of an answer out. How these travel is the
//! client's business, and what becomes of them is the same for all.

use serde_json::Value;

use super::ask::Ask;
use super::events::Framing;
use super::fault::{Fault, FaultKind};

/// The most stop strings that all servers take.
pub(super) const MOST_STOPS: usize = 4;

/// An interface of servers.
pub(super) trait Protocol: Send + Sync {
    /// Returns what is sent.
    ///
    /// # Errors
    /// When such a server cannot do it; the message says what to do.
    fn request(&self, ask: &Ask) -> Result<Outgoing, String>;

    /// Reads one event of the answer.
    ///
    /// # Errors
    /// When it says that something failed, or is not what such a server sends.
    fn read(&self, event: &Value) -> Result<Delta, Fault>;

    /// Returns where the server lists its models and where in that list the first name is, if a request must name one.
    fn models(&self) -> Option<(&'static str, &'static str)>;

    /// Whether the server is asked for that list even where the settings say the name, for it tells more.
    fn learns(&self) -> bool {
        false
    }

    /// Takes what that list tells.
    fn learn(&self, _told: &Value) {}

    /// Returns what has the server load a model and answers when that is done, where it loads one when it is first asked.
    fn load(&self, _model: &str) -> Option<(&'static str, Value)> {
        None
    }

    /// Returns a path whose answer says that the server is there.
    fn sign_of_life(&self) -> &'static str;
}

/// What is sent.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// The path of the address.
    pub path: &'static str,
    /// The body.
    pub body: Value,
    /// How the answer comes.
    pub framing: Framing,
    /// What the answer begins with, which is no part of what is wanted.
    pub begins_with: Beginning,
    /// Texts at which the answer is cut here, where the server would hold pieces back to look for them.
    pub cut_at: &'static [&'static str],
}

/// What an answer begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Beginning {
    /// Just so: the server is held to it.
    Held(String),
    /// Perhaps so: some servers repeat what was written for the model, others do not.
    Perhaps(String),
}

/// A piece of an answer.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Delta {
    /// The text.
    pub text: String,
    /// The tokens that it consists of, where the server tells.
    pub tokens: Vec<Odds>,
    /// Why the answer is over, if the server says that it is.
    pub finish: Option<Finish>,
    /// Why no more of it is wanted, if so, though the server may go on.
    pub cut: Option<Finish>,
    /// Tokens of the prompt, and of these the ones that the server held already, where it tells.
    pub prompt: Option<(usize, usize)>,
}

/// How sure the model was of a token.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Odds {
    /// Bytes of the token.
    pub bytes: usize,
    /// Its probability.
    pub probability: f32,
    /// Other tokens that could have stood there, with their probabilities.
    pub others: Vec<(String, f32)>,
}

/// Why an answer is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finish {
    /// The model ended it, or a stop string.
    End,
    /// The bound of tokens was reached.
    Length,
}

impl Beginning {
    /// An answer that begins with what is wanted.
    pub(super) fn none() -> Self {
        Self::Held(String::new())
    }
}

/// Returns what an event says of a failure, if it does: a status that is sent before the answer begins cannot tell.
pub(super) fn error_in(event: &Value) -> Result<(), Fault> {
    let error = match event.get("error") {
        None | Some(Value::Null) => return Ok(()),
        Some(error) => error,
    };
    let message = error.as_str().or_else(|| error["message"].as_str()).unwrap_or("no reason is given");
    let message = format!("the server failed: {}", message.chars().take(200).collect::<String>());
    let status = error["code"].as_u64().and_then(|code| u16::try_from(code).ok());
    let kind = match (event["error_type"].as_str(), status) {
        (Some("validation"), _) => FaultKind::Request,
        (Some("overloaded"), _) => FaultKind::Busy,
        (_, Some(status @ 400..)) => FaultKind::of_status(status),
        _ => FaultKind::Broken,
    };
    Err(Fault::new(kind, message))
}

/// Returns a probability from its logarithm.
pub(super) fn probability(logarithm: &Value) -> Option<f32> {
    Some(logarithm.as_f64()?.exp().clamp(0.0, 1.0) as f32)
}

/// Returns the stop strings of a family, as many as all servers take.
pub(super) fn stops(ask: &Ask) -> Vec<&'static str> {
    ask.family.map(|family| family.ends.iter().copied().take(MOST_STOPS).collect()).unwrap_or_default()
}
