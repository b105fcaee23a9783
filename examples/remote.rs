//! Holds the remote source against a real server: `same URL SOURCE…` compares each answer with what the server says itself to
//! the very bytes that were sent, and `overhead URL SOURCE…` what the source takes beyond a plain request. The server is a
//! `llama-server`; `REMOTE_KIND`, `REMOTE_MODEL`, `REMOTE_MARKERS` and `REMOTE_KEY` in the environment name another one. No
//! part of the program.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use infill_ls::assist::infill::{InfillRequest, Written, source_request};
use infill_ls::cli::bench::typing::task::{self, Task};
use infill_ls::config::Settings;
use infill_ls::engine::GenerationParams;
use infill_ls::source::{KeySource, MarkerChoice, RemoteKind, RemoteOptions, RemoteSource, Request, Source};
use infill_ls::text::{Language, Snapshot};
use serde_json::Value;

/// Characters of a line that are typed before it is asked: between words, inside of them, and nothing.
const TYPED: [usize; 3] = [0, 5, 9];

/// Tokens of an answer; for the overhead few, so that what the server computes is nearly the same each time.
const SAME_TOKENS: usize = 32;
const OVERHEAD_TOKENS: usize = 4;

/// Markers with which Qwen's coders end an answer.
const MARKERS: [&str; 4] = ["<|endoftext|>", "<|file_sep|>", "<|fim_pad|>", "<|im_end|>"];

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, url, files @ ..] = arguments.as_slice() else { bail!("same|overhead URL SOURCE…") };
    let mut tasks = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file)?;
        tasks.extend(task::pick(task::from_source(Path::new(file), &text), 20));
    }
    let set = |name: &str| std::env::var(name).ok();
    let kind = match set("REMOTE_KIND").as_deref() {
        None | Some("llama-server") => RemoteKind::LlamaServer,
        Some("openai") => RemoteKind::Openai,
        Some("vllm") => RemoteKind::Vllm,
        Some("tgi") => RemoteKind::Tgi,
        Some("ollama") => RemoteKind::Ollama,
        Some(other) => bail!("`{other}` is no kind that this knows"),
    };
    let key = set("REMOTE_KEY").map(|key| KeySource::Known(key.as_str().into()));
    let source = RemoteSource::new(RemoteOptions {
        kind,
        url: Some(url.clone()),
        model: set("REMOTE_MODEL"),
        key,
        markers: match set("REMOTE_MARKERS").as_deref() {
            Some("suffix") => MarkerChoice::Suffix,
            Some("qwen") => MarkerChoice::Qwen,
            _ => MarkerChoice::Auto,
        },
        folders: vec!["*".into()],
        connect: Duration::from_secs(2),
        read: Duration::from_secs(120),
        ca_file: None,
        proxy: false,
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    match what.as_str() {
        "same" => same(&runtime, &source, &tasks),
        "overhead" => overhead(&runtime, &source, &tasks),
        other => bail!("`{other}` is neither same nor overhead"),
    }
}

/// Returns the request for a place on a line, as the language server makes it.
fn request(source: &RemoteSource, task: &Task, typed: usize, max_tokens: usize) -> anyhow::Result<Request> {
    let typed: String = task.typed.chars().take(typed).collect();
    let head = format!("{}{typed}", task.before);
    let counter = source.counter().context("no count of tokens")?;
    let request = InfillRequest {
        snapshot: Snapshot::new(Language::from_id(&task.language), &format!("{head}{}", task.after)),
        offset: head.len(),
        path: Some(task.path.clone()),
        file: None,
        branch: 1,
        settings: Arc::new(Settings::default()),
        anchors: Vec::new(),
        contexts: Vec::new(),
        idle: false,
        written: Written::default(),
    };
    let params = GenerationParams { max_tokens, ..GenerationParams::default() };
    Ok(Request { params, ..source_request(&request, &*counter) })
}

/// Returns a client that opens a connection for each request: the server closes those that wait.
fn agent() -> ureq::Agent {
    ureq::Agent::new_with_config(ureq::Agent::config_builder().max_idle_connections(0).build())
}

/// Sends bytes as they are, as curl would, and returns the text of the answer.
fn plain(agent: &ureq::Agent, url: &str, body: &[u8]) -> anyhow::Result<String> {
    let mut request = agent.post(url).header("Content-Type", "application/json");
    if let Ok(key) = std::env::var("REMOTE_KEY") {
        request = request.header("Authorization", format!("Bearer {key}"));
    }
    let answer = request.send(body)?.into_body().read_to_string()?;
    let mut text = String::new();
    // Ollama's lines are the events themselves.
    let events = answer.lines().map(|line| line.strip_prefix("data:").unwrap_or(line).trim_start());
    for event in events.filter(|event| event.starts_with('{')) {
        let event: Value = serde_json::from_str(event)?;
        let places = ["/content", "/response", "/choices/0/text", "/token/text"];
        text += places.iter().find_map(|place| event.pointer(place)?.as_str()).unwrap_or_default();
    }
    // vLLM and TGI are not told to stop at a marker; what comes behind one is no part of the answer.
    let end = MARKERS.iter().filter_map(|marker| text.find(marker)).min();
    text.truncate(end.unwrap_or(text.len()));
    Ok(text)
}

fn same(runtime: &tokio::runtime::Runtime, source: &RemoteSource, tasks: &[Task]) -> anyhow::Result<()> {
    let agent = agent();
    let (mut asked, mut same, mut held, mut cold_same) = (0, 0, 0, 0);
    for task in tasks {
        for typed in TYPED {
            let request = request(source, task, typed, SAME_TOKENS)?;
            let preview = runtime.block_on(source.preview(&request))?;
            // A prompt that is computed in another number of pieces may be answered otherwise, by the server to itself too, so
            // that it is computed once, for both.
            let cold = plain(&agent, &preview.url, &preview.body)?;
            let ours = runtime.block_on(source.generate(request))?.text;
            let theirs = plain(&agent, &preview.url, &preview.body)?;
            // What the server was held to is no part of a suggestion, for it is there already.
            let body: Value = serde_json::from_slice(&preview.body)?;
            let beginning = beginning(&body);
            let expected = theirs.strip_prefix(&beginning);
            asked += 1;
            cold_same += usize::from(cold == theirs);
            held += usize::from(!beginning.is_empty());
            same += usize::from(expected == Some(&ours));
            if expected != Some(&ours) {
                writeln!(std::io::stdout(), "{}+{typed}: {ours:?} and {theirs:?}", task.id)?;
            }
        }
    }
    writeln!(
        std::io::stdout(),
        "{same} of {asked} answers are the server's own; {held} were held to a beginning; \
         to the same bytes the server itself had said the same in {cold_same}, before it had the prompt"
    )?;
    ensure!(same == asked, "they differ");
    Ok(())
}

/// Returns what the grammar of a request makes the answer begin with.
fn beginning(body: &Value) -> String {
    let grammar = body["grammar"].as_str().unwrap_or_default();
    let literal = grammar.strip_prefix("root ::= ").and_then(|rest| rest.strip_suffix(" .*"));
    literal.and_then(|literal| serde_json::from_str(literal).ok()).unwrap_or_default()
}

fn overhead(runtime: &tokio::runtime::Runtime, source: &RemoteSource, tasks: &[Task]) -> anyhow::Result<()> {
    let agent = agent();
    let (mut ours, mut theirs, mut again, mut made) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for task in tasks {
        let ask = || request(source, task, TYPED[1], OVERHEAD_TOKENS);
        let preview = runtime.block_on(source.preview(&ask()?))?;
        // The first answer computes the prompt; the others find it there.
        plain(&agent, &preview.url, &preview.body)?;
        for _ in 0..3 {
            let begun = Instant::now();
            plain(&agent, &preview.url, &preview.body)?;
            theirs.push(begun.elapsed());
            let begun = Instant::now();
            let request = ask()?;
            made.push(begun.elapsed());
            let request = Request { watch: Box::new(|_| ControlFlow::Continue(())), ..request };
            runtime.block_on(source.generate(request))?;
            ours.push(begun.elapsed());
            let begun = Instant::now();
            plain(&agent, &preview.url, &preview.body)?;
            again.push(begun.elapsed());
        }
    }
    // Of each round, before the times are sorted.
    let beyond = |times: &[Duration]| {
        let differences = times.iter().zip(&theirs).map(|(a, b)| (a.as_secs_f64() - b.as_secs_f64()) * 1e3);
        let mut differences: Vec<f64> = differences.collect();
        differences.sort_by(f64::total_cmp);
        [0.5, 0.95].map(|q| differences[((differences.len() - 1) as f64 * q) as usize])
    };
    ensure!(!ours.is_empty(), "there is nothing to ask in the files");
    let (more, noise) = (beyond(&ours), beyond(&again));
    let quantiles = |times: &mut Vec<Duration>| {
        times.sort();
        let at = |q: f64| times[((times.len() - 1) as f64 * q) as usize].as_secs_f64() * 1e3;
        format!("{:.2} and {:.2}", at(0.5), at(0.95))
    };
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{} requests; p50 and p95 in ms: ours {}, plain {}, plain once more {}, of ours making the prompt {}",
        ours.len(),
        quantiles(&mut ours),
        quantiles(&mut theirs),
        quantiles(&mut again),
        quantiles(&mut made)
    )?;
    writeln!(out, "ours beyond plain, ms: p50 {:.2}, p95 {:.2}", more[0], more[1])?;
    writeln!(out, "plain beyond plain, ms: p50 {:.2}, p95 {:.2}", noise[0], noise[1])?;
    Ok(())
}
