//! `infill-ls doctor`: what there is, how fast it is, and why the last requests showed nothing.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;

use super::engine;
use super::model_args::ModelChoice;
use super::run_args::{RunArgs, compute, start_remote};
use super::speed::{keep, measure};
use crate::complete::Reason;
use crate::config::{Device, Settings};
use crate::fetch::{DEFAULT_MODEL, Store, cache_dir, find};
use crate::model::{Compute, Infill, LoadOptions, cpu_features, cpu_kernel, load, physical_cores};
use crate::source::{Source, SourceError, Trial};
use crate::stats::{Record, SHOWN, last_records};

/// Requests whose silences are counted: a day or two of typing.
const LAST: usize = 2000;

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    #[command(flatten)]
    run: RunArgs,
    /// How many of the last requests are shown
    #[arg(long, default_value_t = 10, value_name = "N")]
    requests: usize,
    /// Leave out the speed test
    #[arg(long)]
    no_speed: bool,
}

/// Prints the report; exits with 1 when there is no working model.
///
/// # Errors
/// When standard output cannot be written.
pub fn run(args: DoctorArgs) -> anyhow::Result<ExitCode> {
    let mut settings = Settings::default();
    args.run.apply(&mut settings);
    let mut out = std::io::stdout().lock();
    writeln!(out, "infill-ls {}", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "cpu        {} cores, kernels: {}", physical_cores(), cpu_kernel())?;
    writeln!(out, "features   {}", cpu_features().join(" "))?;
    let missing = if settings.device == Device::Cpu { None } else { Compute::missing_gpu() };
    if let Some(reason) = missing {
        writeln!(out, "gpu        none is used: {reason}")?;
    }
    let works = model(&mut out, &args, &settings)?;
    engine::report(&mut out, &settings)?;
    if let Some(remote) = start_remote(&settings) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let name = remote.remote().map(|report| report.name).unwrap_or_default();
        match runtime.block_on(remote.check()) {
            Ok(()) => {
                writeln!(out, "remote     {name} answers")?;
                // Where nothing may be sent, not even this is.
                if !settings.remote.folders.is_empty() {
                    tried(&mut out, runtime.block_on(remote.try_out()))?;
                }
            }
            Err(error) => writeln!(out, "remote     {name}: {error}")?,
        }
        match settings.remote.folders.as_slice() {
            [] => writeln!(out, "           nothing is sent there: `remote.folders` names no folder")?,
            folders => writeln!(out, "           what is sent there is of {}", folders.join(", "))?,
        }
    }
    match cache_dir() {
        Ok(dir) => {
            writeln!(out, "cache      {}", dir.display())?;
            let records = last_records(&dir, LAST);
            silences(&mut out, &records)?;
            requests(&mut out, &records[records.len().saturating_sub(args.requests)..])?;
        }
        Err(error) => writeln!(out, "cache      {error}")?,
    }
    writeln!(out, "settings   (defaults and command line; an editor's own are in its log)")?;
    for line in serde_json::to_string_pretty(&settings)?.lines() {
        writeln!(out, "           {line}")?;
    }
    Ok(if works { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn model(out: &mut impl Write, args: &DoctorArgs, settings: &Settings) -> anyhow::Result<bool> {
    let ModelChoice { model } = &args.run.model;
    let name = model.as_deref().unwrap_or(DEFAULT_MODEL);
    let path = match Store::open().and_then(|store| store.locate(name)) {
        Ok(path) => path,
        Err(error) => {
            writeln!(out, "model      {error}")?;
            return Ok(false);
        }
    };
    writeln!(out, "model      {}", path.display())?;
    if let Some(entry) = find(name) {
        let verified = Store::open().and_then(|store| store.verify(entry));
        match verified {
            Ok(()) => writeln!(out, "sum        right ({})", entry.sha256.unwrap_or("none is known"))?,
            Err(error) => writeln!(out, "sum        {error}")?,
        }
    }
    let options = LoadOptions {
        context: 1024,
        threads: settings.threads.map_or_else(physical_cores, usize::from),
        compute: compute(settings.device),
    };
    let started = Instant::now();
    match load(&path, options) {
        Ok(loaded) => {
            writeln!(out, "           {}, loaded in {} ms", loaded.name, started.elapsed().as_millis())?;
            if let Some(how) = loaded.decoder.gpu() {
                writeln!(out, "gpu        {how}")?;
            }
            let tried = Infill::of(&loaded.decoder, &loaded.tokenizer, &loaded.markers, &|| false);
            match tried {
                Ok(infill) => writeln!(out, "prompts    {}", infill.explain())?,
                Err(error) => writeln!(out, "prompts    it could not be tried: {error}")?,
            }
            let chat = match (&loaded.chat, loaded.markers.chat) {
                (Some(_), _) => "the model's own template",
                (None, Some(_)) => "ChatML, by its markers",
                (None, None) => "none; tasks are put to it as plain text",
            };
            writeln!(out, "chat form  {chat}")?;
            if !args.no_speed {
                let speed = measure(&loaded.decoder)?;
                let (read, written) = (speed.prefill_per_second, speed.decode_per_second.unwrap_or_default());
                writeln!(out, "speed      {read:.0} tokens/s read, {written:.0} tokens/s written")?;
                keep(name, speed);
            }
            if let Some(bytes) = resident_bytes() {
                writeln!(out, "memory     {} MB with the model loaded", bytes / 1_000_000)?;
            }
            Ok(true)
        }
        Err(error) => {
            writeln!(out, "           {error}")?;
            Ok(false)
        }
    }
}

/// Prints what came of trying a server.
fn tried(out: &mut impl Write, trial: Result<Trial, SourceError>) -> std::io::Result<()> {
    let trial = match trial {
        Ok(trial) => trial,
        Err(error) => {
            let error = error.to_string();
            let hint = match error.contains("`remote.") {
                true => "",
                false => " (settings `remote.model`, `remote.markers`)",
            };
            return writeln!(out, "           it did not fill in a gap: {error}{hint}");
        }
    };
    let Trial { wrote, shown, took, .. } = &trial;
    match trial.fills {
        true => writeln!(
            out,
            "           it fills in gaps, shown {shown}; the last one within {} ms",
            took.as_millis()
        )?,
        false => writeln!(
            out,
            "           it does not fill in the gaps that were tried, shown {shown}: into the last one it wrote {wrote:?} (settings `remote.markers`, `remote.model`)"
        )?,
    }
    if !trial.tells_odds {
        writeln!(out, "           it tells no probabilities, so that nothing is held back for being unsure")?;
    }
    Ok(())
}

/// Prints how often each reason made a request silent, the most frequent first.
fn silences(out: &mut impl Write, records: &[Record]) -> std::io::Result<()> {
    let mut counts = BTreeMap::<&str, usize>::new();
    for record in records.iter().filter(|record| record.outcome != SHOWN) {
        *counts.entry(&record.outcome).or_default() += 1;
    }
    let silent: usize = counts.values().sum();
    writeln!(out, "silences   {silent} of the last {} requests showed nothing", records.len())?;
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    for (code, count) in counts {
        let why = Reason::from_code(code).map_or("a reason of another version", Reason::explain);
        writeln!(out, "           {count:>5}  {code}: {why}")?;
    }
    Ok(())
}

fn requests(out: &mut impl Write, records: &[Record]) -> std::io::Result<()> {
    if records.is_empty() {
        return writeln!(out, "requests   none yet");
    }
    writeln!(out, "requests   the last {}:", records.len())?;
    for record in records {
        let why = Reason::from_code(&record.outcome).map_or("", Reason::explain);
        let method = record.method.trim_start_matches("textDocument/");
        let Record { language, outcome, ms, .. } = record;
        match outcome.as_str() {
            SHOWN => writeln!(out, "           {method} in {language}: shown after {ms} ms")?,
            _ => writeln!(out, "           {method} in {language}: silent after {ms} ms ({outcome}): {why}")?,
        }
    }
    Ok(())
}

/// Returns the memory that this process holds, where the system tells it simply.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}
