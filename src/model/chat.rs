//! The chat form of a model: the Jinja template that its file carries. What a user writes never meets the template as text:
//! it is rendered with marks in the place of the messages, and only what stands between these marks may hold special tokens.

use minijinja::value::Kwargs;
use minijinja::{Environment, Error, ErrorKind, Value, context};

use super::tokenizer::TextPart;
use super::{GgufFile, TokenId, Tokenizer};

/// The marks of the system's and the user's message: letters that are nobody's, so that no template treats them as anything.
const MARKS: [&str; 2] = ["\u{e0f0}\u{e0f1}", "\u{e0f2}\u{e0f3}"];

const NAME: &str = "chat";

/// A chat template.
#[derive(Debug)]
pub struct ChatTemplate {
    environment: Environment<'static>,
    begin: String,
    end: String,
}

/// A part of a prompt in chat form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChatPart {
    /// A special token.
    Marker(TokenId),
    /// Text that is encoded as plain text.
    Text(String),
}

impl ChatTemplate {
    /// Compiles a template; `begin` and `end` are the texts that it may ask for.
    ///
    /// # Errors
    /// When it is no template.
    pub fn new(source: &str, begin: &str, end: &str) -> Result<Self, String> {
        let mut environment = Environment::new();
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", |message: String| -> Result<Value, Error> {
            Err(Error::new(ErrorKind::InvalidOperation, message))
        });
        // The day is nothing to a completion, and a prompt that changes by the day could not be tested.
        environment.add_function("strftime_now", |_format: String, _: Kwargs| "today");
        // A template that is made to run for ever is stopped.
        environment.set_fuel(Some(1_000_000));
        let compiled = environment.add_template_owned(NAME, source.to_owned());
        compiled.map_err(|error| error.to_string())?;
        let template = Self { environment, begin: begin.to_owned(), end: end.to_owned() };
        template.rendered(true).or_else(|_| template.rendered(false)).map_err(|error| error.to_string())?;
        Ok(template)
    }

    /// Returns the template that a file carries, if it is one that can be used.
    pub(super) fn from_gguf(file: &GgufFile, tokenizer: &Tokenizer) -> Option<Self> {
        let token = |name: &str| {
            let id = file.number(&format!("tokenizer.ggml.{name}_token_id"))?;
            let bytes = tokenizer.bytes(TokenId::try_from(id).ok()?);
            Some(String::from_utf8_lossy(bytes).into_owned())
        };
        let source = file.string("tokenizer.chat_template")?;
        usable(Self::new(source, &token("bos").unwrap_or_default(), &token("eos").unwrap_or_default()))
    }

    /// Returns the template of a checkpoint's `tokenizer_config.json`, if it is one that can be used.
    pub(super) fn from_json(config: &serde_json::Value, file: Option<String>) -> Option<Self> {
        let token = |name: &str| {
            let token = &config[name];
            token.as_str().or_else(|| token["content"].as_str()).unwrap_or_default().to_owned()
        };
        let given = &config["chat_template"];
        let named = given.as_array().and_then(|all| all.iter().find(|one| one["name"] == "default"));
        let given = named.map_or(given, |named| &named["template"]).as_str().map(str::to_owned);
        usable(Self::new(&file.or(given)?, &token("bos_token"), &token("eos_token")))
    }

    /// Returns a system's and a user's message in the model's form, and the beginning of the answer. A model that knows no
    /// system gets its message in front of the user's.
    ///
    /// # Errors
    /// What the template says.
    pub fn render(
        &self,
        tokenizer: &Tokenizer,
        [system, user, answer]: [&str; 3],
    ) -> Result<Vec<ChatPart>, String> {
        let (text, user) = match self.rendered(true) {
            Ok(text) => (text, user.to_owned()),
            Err(_) => {
                let text = self.rendered(false).map_err(|error| error.to_string())?;
                (text, format!("{system}\n\n{user}"))
            }
        };
        let mut parts = Vec::new();
        let mut rest = text.as_str();
        while let Some((at, mark)) = MARKS.iter().filter_map(|mark| Some((rest.find(mark)?, *mark))).min() {
            literal(tokenizer, &rest[..at], &mut parts);
            add(if mark == MARKS[0] { system } else { &user }, &mut parts);
            rest = &rest[at + mark.len()..];
        }
        literal(tokenizer, rest, &mut parts);
        add(answer, &mut parts);
        Ok(parts)
    }

    fn rendered(&self, with_system: bool) -> Result<String, Error> {
        let turn = |role: &str, content: &str| context! { role => role, content => content };
        let system = with_system.then(|| turn("system", MARKS[0]));
        let messages: Vec<Value> = system.into_iter().chain([turn("user", MARKS[1])]).collect();
        self.environment.get_template(NAME)?.render(context! {
            messages,
            add_generation_prompt => true,
            bos_token => self.begin,
            eos_token => self.end,
            enable_thinking => false,
        })
    }
}

/// Adds text of the template's own, in which special tokens are special.
fn literal(tokenizer: &Tokenizer, text: &str, parts: &mut Vec<ChatPart>) {
    for part in tokenizer.cut_at_markers(text) {
        match part {
            TextPart::Text(text) => add(text, parts),
            TextPart::Marker(id) => parts.push(ChatPart::Marker(id)),
        }
    }
}

/// Adds plain text, in one piece with the text before it: it is encoded as if it had been written in one go.
fn add(text: &str, parts: &mut Vec<ChatPart>) {
    match parts.last_mut() {
        Some(ChatPart::Text(last)) => last.push_str(text),
        _ if text.is_empty() => {}
        _ => parts.push(ChatPart::Text(text.to_owned())),
    }
}

fn usable(template: Result<ChatTemplate, String>) -> Option<ChatTemplate> {
    template.inspect_err(|error| tracing::warn!(%error, "the model's chat template cannot be used")).ok()
}
