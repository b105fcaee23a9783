//! `infill-ls bench engine`: prefill and decode of the loaded model, in turn with `llama-bench` on the same file with the
//! same number of threads, so that a slow moment of a shared machine hits both.

mod process;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use clap::Args;
use serde_json::{Map, Value, json};

use self::process::{FIRST, HELD};
use super::peer::Peer;
use super::table::{self, median};
use crate::cli::model_args::ModelChoice;
use crate::model::{self, Compute, Decoder, KvCache, LanguageModel, LoadOptions, Output, Sequence};

/// Prompt lengths that are timed.
const PREFILLS: [usize; 2] = [256, 1024];
/// Context before the timed decode, and tokens decoded.
const DEPTH: usize = 256;
const DECODED: usize = 32;
/// Context lengths of the scaling table.
const CONTEXTS: [usize; 6] = [128, 256, 512, 1024, 2048, 4096];
const CHUNK: usize = 128;
/// Tokens of the passes that show what it costs to check a draft: one that was written, and none to eight drafted.
const PASSES: [usize; 4] = [1, 3, 5, 9];

/// Arguments of `bench engine`.
#[derive(Debug, Args)]
pub struct EngineArgs {
    #[command(flatten)]
    model: ModelChoice,
    /// The llama-bench program to run in turn with ours
    #[arg(long, value_name = "PATH")]
    peer: Option<PathBuf>,
    /// Threads for both
    #[arg(long, default_value_t = model::physical_cores())]
    threads: usize,
    /// Times that each is run; the median counts
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Leave out the table of threads and context lengths
    #[arg(long)]
    no_scaling: bool,
    /// Only load, read a prompt of N tokens and print the memory in use; what the run as a whole starts in turn
    #[arg(long, value_name = "N", hide = true)]
    read_prompt: Option<usize>,
    /// Also write the figures to FILE
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// One figure: tokens per second of both, round by round.
#[derive(Default)]
struct Timed {
    ours: Vec<f64>,
    peer: Vec<f64>,
}

/// Measures and prints.
pub(super) fn run(args: EngineArgs) -> anyhow::Result<ExitCode> {
    let path = args.model.obtain()?;
    if let Some(n) = args.read_prompt {
        process::read_prompt(&path, args.threads, n)?;
        return Ok(ExitCode::SUCCESS);
    }
    let decoder = load(&path, args.threads)?;
    let peer = args.peer.clone().map(|program| Peer { program, model: path.clone(), threads: args.threads });
    let mut timed: Vec<(&str, usize, Timed)> = PREFILLS.map(|n| ("prefill", n, Timed::default())).into();
    timed.push(("decode", DEPTH, Timed::default()));
    for _ in 0..args.rounds.max(1) {
        for (kind, tokens, timed) in &mut timed {
            let prefill = *kind == "prefill";
            timed.ours.push(if prefill {
                prefill_speed(&decoder, *tokens)?
            } else {
                decode_speed(&decoder, *tokens)?
            });
            if let Some(peer) = &peer {
                timed.peer.push(if prefill {
                    peer.prefill(*tokens)?
                } else {
                    peer.decode(DECODED, *tokens)?
                });
            }
        }
    }
    let passes = passes(&decoder, args.rounds.max(1))?;
    drop(decoder);
    let processes = processes(&path, &args, peer.as_ref())?;
    let scaling = if args.no_scaling { Vec::new() } else { scaling(&path, args.threads)? };
    let mut report = report(&timed, &scaling, args.threads);
    report["first_token_ms"] = processes.first_token.clone();
    report["memory_mb"] = processes.memory.clone();
    report["passes_ms"] =
        passes.iter().map(|(tokens, ms)| (tokens.to_string(), json!(ms))).collect::<Map<_, _>>().into();
    print(&report, &timed, &passes, &scaling)?;
    if let Some(file) = &args.json {
        let text = serde_json::to_string_pretty(&report)?;
        std::fs::write(file, text + "\n").with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The figures of fresh processes.
struct Processes {
    first_token: Value,
    memory: Value,
}

/// Starts processes in turn with the peer's: `--rounds` times for the time to the first token, once for the memory.
fn processes(path: &std::path::Path, args: &EngineArgs, peer: Option<&Peer>) -> anyhow::Result<Processes> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..args.rounds.max(1) {
        ours.push(process::ours(path, args.threads, FIRST)?.0.time.as_secs_f64() * 1e3);
        if let Some(peer) = peer {
            theirs.push(process::theirs(peer, FIRST)?.time.as_secs_f64() * 1e3);
        }
    }
    let megabytes = |bytes: u64| (bytes / 1_000_000) as f64;
    let (taken, held) = process::ours(path, args.threads, HELD)?;
    let mut memory = json!({
        "ours": megabytes(held.resident),
        "ours_peak": megabytes(taken.peak),
        "file": megabytes(std::fs::metadata(path)?.len()),
        "cache": megabytes(held.cache),
    });
    if let Some(peer) = peer {
        memory["peer"] = json!(megabytes(process::theirs(peer, HELD)?.peak));
        memory["ratio"] = json!(megabytes(held.resident) / memory["peer"].as_f64().unwrap_or(0.0));
    }
    let mut first_token = json!({ "ours": median(ours) });
    if peer.is_some() {
        first_token["peer"] = json!(median(theirs));
        first_token["ratio"] = json!(ratio(&first_token));
    }
    Ok(Processes { first_token, memory })
}

/// Returns ours divided by the peer's.
fn ratio(figure: &Value) -> f64 {
    figure["ours"].as_f64().unwrap_or(0.0) / figure["peer"].as_f64().unwrap_or(f64::NAN)
}

fn load(path: &std::path::Path, threads: usize) -> anyhow::Result<Decoder> {
    let context = CONTEXTS[CONTEXTS.len() - 1] + CHUNK;
    Ok(model::load(path, LoadOptions { context, threads, compute: Compute::Kernels })?.decoder)
}

/// Returns `n` tokens that look like nothing in particular, the same at each run.
fn tokens(n: usize) -> Vec<u32> {
    (0..n as u32).map(|i| i.wrapping_mul(2_654_435_761) % 100_000).collect()
}

fn fill(decoder: &Decoder, cache: &mut KvCache, tokens: &[u32], last: Output) -> anyhow::Result<()> {
    let mut chunks = tokens.chunks(CHUNK).peekable();
    while let Some(chunk) = chunks.next() {
        let output = if chunks.peek().is_some() { Output::Nothing } else { last };
        decoder.forward(&mut Sequence::new(cache), chunk, output, &|| false)?;
    }
    Ok(())
}

fn prefill_speed(decoder: &Decoder, n: usize) -> anyhow::Result<f64> {
    let mut cache = decoder.new_cache(n)?;
    let tokens = tokens(n);
    let started = Instant::now();
    fill(decoder, &mut cache, &tokens, Output::Last)?;
    Ok(n as f64 / started.elapsed().as_secs_f64())
}

fn decode_speed(decoder: &Decoder, depth: usize) -> anyhow::Result<f64> {
    let mut cache = decoder.new_cache(depth + DECODED)?;
    fill(decoder, &mut cache, &tokens(depth), Output::Nothing)?;
    decode(decoder, &mut cache, DECODED)
}

/// Returns the milliseconds of a pass by its tokens, the median of several, each length in turn.
fn passes(decoder: &Decoder, rounds: usize) -> anyhow::Result<Vec<(usize, f64)>> {
    let mut cache = decoder.new_cache(DEPTH + CHUNK)?;
    fill(decoder, &mut cache, &tokens(DEPTH), Output::Nothing)?;
    let mut took = PASSES.map(|_| Vec::new());
    for _ in 0..4 * rounds {
        for (tokens_of_pass, took) in PASSES.iter().zip(&mut took) {
            let started = Instant::now();
            let tokens = tokens(*tokens_of_pass);
            decoder.forward(&mut Sequence::new(&mut cache), &tokens, Output::All, &|| false)?;
            took.push(started.elapsed().as_secs_f64() * 1e3);
            cache.truncate(DEPTH);
        }
    }
    Ok(PASSES.into_iter().zip(took.map(median)).collect())
}

fn decode(decoder: &Decoder, cache: &mut KvCache, n: usize) -> anyhow::Result<f64> {
    let started = Instant::now();
    for token in tokens(n) {
        decoder.forward(&mut Sequence::new(cache), &[token], Output::Last, &|| false)?;
    }
    Ok(n as f64 / started.elapsed().as_secs_f64())
}

/// One line of the scaling table: threads, context, prefill up to there since the line before, decode there.
struct Scaled {
    threads: usize,
    context: usize,
    prefill: f64,
    decode: f64,
}

fn scaling(path: &std::path::Path, most: usize) -> anyhow::Result<Vec<Scaled>> {
    let mut lines = Vec::new();
    let mut threads: Vec<usize> =
        std::iter::successors(Some(1), |n| Some(n * 2)).take_while(|&n| n < most).collect();
    threads.push(most);
    for threads in threads {
        let decoder = load(path, threads)?;
        let mut cache = decoder.new_cache(CONTEXTS[CONTEXTS.len() - 1] + 8)?;
        for context in CONTEXTS {
            let tokens = tokens(context);
            let started = Instant::now();
            let from = cache.len();
            fill(&decoder, &mut cache, &tokens[from..], Output::Nothing)?;
            let prefill = (context - from) as f64 / started.elapsed().as_secs_f64();
            let decode = decode(&decoder, &mut cache, 8)?;
            cache.truncate(context);
            lines.push(Scaled { threads, context, prefill, decode });
        }
    }
    Ok(lines)
}

fn report(timed: &[(&str, usize, Timed)], scaling: &[Scaled], threads: usize) -> Value {
    let mut report = Map::new();
    report.insert(
        "cpu".into(),
        json!({ "kernels": model::cpu_kernel(), "features": model::cpu_features(), "threads": threads }),
    );
    for (kind, tokens, timed) in timed {
        let (ours, peer) = (median(timed.ours.clone()), median(timed.peer.clone()));
        let mut figure = json!({ "ours": ours });
        if peer > 0.0 {
            figure["peer"] = json!(peer);
            figure["ratio"] = json!(ours / peer);
        }
        report.entry(*kind).or_insert_with(|| json!({}))[tokens.to_string()] = figure;
    }
    let line = |s: &Scaled| json!({ "threads": s.threads, "context": s.context, "prefill": s.prefill, "decode": s.decode });
    report.insert("scaling".into(), scaling.iter().map(line).collect());
    report.into()
}

fn print(
    report: &Value,
    timed: &[(&str, usize, Timed)],
    passes: &[(usize, f64)],
    scaling: &[Scaled],
) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "kernels {}; CPU features {}", model::cpu_kernel(), model::cpu_features().join(" "))?;
    let mut rows = vec![["tokens per second", "infill-ls", "llama.cpp", "ratio"].map(String::from).to_vec()];
    for (kind, tokens, _) in timed {
        let figure = &report[*kind][tokens.to_string()];
        let cell =
            |name: &str, digits: usize| figure[name].as_f64().map_or("-".into(), |x| format!("{x:.digits$}"));
        rows.push(vec![format!("{kind} at {tokens}"), cell("ours", 1), cell("peer", 1), cell("ratio", 2)]);
    }
    table::write(&mut out, &rows)?;
    let mut rows = vec![["tokens in a pass", "ms", "of one token's"].map(String::from).to_vec()];
    let one = passes.first().map_or(f64::NAN, |(_, ms)| *ms);
    let row = |(tokens, ms): &(usize, f64)| {
        vec![tokens.to_string(), format!("{ms:.1}"), format!("{:.2}", ms / one)]
    };
    rows.extend(passes.iter().map(row));
    writeln!(out)?;
    table::write(&mut out, &rows)?;
    processes_table(&mut out, report)?;
    if !scaling.is_empty() {
        let mut rows = vec![["threads", "context", "prefill t/s", "decode t/s"].map(String::from).to_vec()];
        rows.extend(scaling.iter().map(|s| {
            vec![
                s.threads.to_string(),
                s.context.to_string(),
                format!("{:.1}", s.prefill),
                format!("{:.1}", s.decode),
            ]
        }));
        writeln!(out)?;
        table::write(&mut out, &rows)?;
    }
    Ok(())
}

fn processes_table(out: &mut impl Write, report: &Value) -> std::io::Result<()> {
    let mut rows = vec![["", "infill-ls", "llama.cpp", "ratio"].map(String::from).to_vec()];
    for (name, key) in [
        (format!("start to first token, {FIRST} tokens, ms"), "first_token_ms"),
        (format!("memory with {HELD} tokens held, MB"), "memory_mb"),
    ] {
        let cell = |field: &str, digits: usize| {
            report[key][field].as_f64().map_or("-".into(), |x| format!("{x:.digits$}"))
        };
        rows.push(vec![name, cell("ours", 0), cell("peer", 0), cell("ratio", 2)]);
    }
    writeln!(out)?;
    table::write(out, &rows)?;
    let memory = &report["memory_mb"];
    writeln!(
        out,
        "of the memory: file {} MB, cache {} MB; at most {} MB while loading",
        memory["file"], memory["cache"], memory["ours_peak"]
    )
}
