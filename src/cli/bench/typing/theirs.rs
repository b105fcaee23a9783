//! The peer's side of the typing benchmark: a running `llama-server`, asked for each key as llama.vim asks it. A request
//! that is not answered before the next key is cancelled in the only way there is: its connection is closed.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::Value;

use super::llama_vim::{Around, Kept};
use super::screen::{Outcome, Pace, Screen, Typed, Work};
use super::task::Task;

/// A `llama-server`.
pub struct Theirs {
    agent: ureq::Agent,
    url: String,
}

/// What it generated.
struct Reply {
    content: String,
    prefill: u64,
    decoded: u64,
}

impl Theirs {
    /// Asks a server whether it is ready.
    ///
    /// # Errors
    /// When it is not; the message says how one is started.
    pub fn connect(url: &str) -> anyhow::Result<Self> {
        // llama.vim starts a process for each request, so none finds a connection open.
        let config = ureq::Agent::config_builder().max_idle_connections(0).build();
        let peer =
            Self { agent: ureq::Agent::new_with_config(config), url: url.trim_end_matches('/').into() };
        let health = peer.agent.get(format!("{}/health", peer.url)).call();
        health.with_context(|| {
            format!("no llama-server is ready at {url}; start one with the same model and threads: llama-server -m FILE -t N -np 1 -b 2048")
        })?;
        Ok(peer)
    }

    /// Types a task.
    ///
    /// # Errors
    /// When the server has ended or refuses a request.
    pub fn type_task(&self, task: &Task, pace: &Pace) -> anyhow::Result<Typed> {
        let mut screen = Screen::new(&task.typed, pace.keys);
        let mut kept = Kept::default();
        let mut first = true;
        loop {
            let around = Around::new(&format!("{}{}", task.before, screen.written()), &task.after);
            let outcome = self.key(&around, &mut kept, &mut screen, pace, first)?;
            screen.note(outcome);
            first = false;
            if screen.press().is_none() {
                return Ok(screen.end());
            }
        }
    }

    fn key(
        &self,
        around: &Around,
        kept: &mut Kept,
        screen: &mut Screen<'_>,
        pace: &Pace,
        first: bool,
    ) -> anyhow::Result<Outcome> {
        let key = Instant::now();
        let through =
            kept.typed_through(around).map(|rest| around.shown(rest)).filter(|rest| !rest.is_empty());
        // A suggestion that is typed through stays, and is asked for anew all the same.
        let reply = match around.request() {
            Some(body) => self.ask(&body, pace.next_key(key, first))?,
            None => Some(Reply { content: String::new(), prefill: 0, decoded: 0 }),
        };
        let ms = key.elapsed().as_secs_f64() * 1e3;
        let answered = reply.is_some();
        let suggestion = reply.as_ref().map(|reply| around.shown(&reply.content)).unwrap_or_default();
        if let Some(reply) = reply.as_ref().filter(|reply| !reply.content.is_empty()) {
            kept.keep(around, &reply.content);
        }
        let outcome = match (through.is_some(), reply) {
            (true, _) => Outcome::TypedThrough,
            (false, None) => Outcome::Unanswered,
            (false, Some(_)) if suggestion.is_empty() => Outcome::Empty,
            (false, Some(Reply { prefill, decoded, .. })) => Outcome::Computed(Work { ms, prefill, decoded }),
        };
        if let Some(shown) = through.or(answered.then_some(suggestion)) {
            screen.show(&shown);
        }
        let next = pace.next_key_if_answered(key, first);
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        Ok(outcome)
    }

    /// Sends a request; `None` when it was not answered until then.
    fn ask(&self, body: &Value, until: Instant) -> anyhow::Result<Option<Reply>> {
        let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        let url = format!("{}/infill", self.url);
        let request = self.agent.post(&url).config().timeout_global(Some(left)).build();
        let reply = request.send_json(body).and_then(|mut answer| answer.body_mut().read_json::<Value>());
        let reply = match reply {
            Ok(reply) => reply,
            Err(ureq::Error::Timeout(_)) => return Ok(None),
            Err(error) => return Err(error).context(format!("{url} failed")),
        };
        // The fields asked for come under their paths; a server that does not know how to choose sends them nested.
        let number =
            |path: &str| reply.get(path).or(reply.pointer(&format!("/{path}"))).and_then(Value::as_u64);
        match (reply["content"].as_str(), number("timings/prompt_n"), number("timings/predicted_n")) {
            (Some(content), Some(prefill), Some(decoded)) => {
                Ok(Some(Reply { content: content.into(), prefill, decoded }))
            }
            _ => bail!("{url} answered without `content` and `timings`; is it llama-server?"),
        }
    }
}
