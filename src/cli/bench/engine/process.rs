//! What only a fresh process shows: the time from its start to the first token, and the memory that it takes. Ours is this
//! program again with a hidden flag, the peer's is `llama-bench` with a prompt alone; both load, read the prompt and end.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use super::{fill, load, tokens};
use crate::cli::bench::peer::Peer;
use crate::model::{LanguageModel, Output};

/// Tokens of the prompt that the first token is timed for.
pub(super) const FIRST: usize = 64;

/// Tokens of context that the memory is measured with.
pub(super) const HELD: usize = 4096;

/// How often the memory of a running process is read.
const LOOK: Duration = Duration::from_millis(10);

/// What our process prints of itself when it has read its prompt.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Held {
    /// Bytes of memory in use; 0 where the system does not tell.
    pub resident: u64,
    /// Bytes that the cache of keys and values takes of these.
    pub cache: u64,
}

/// What one process took.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken {
    pub time: Duration,
    /// The most memory seen while it ran, in bytes; pages of the mapped file count. 0 where the system does not tell.
    pub peak: u64,
}

/// Loads, reads `n` tokens, and prints what is held then: the life of our process.
pub(super) fn read_prompt(path: &Path, threads: usize, n: usize) -> anyhow::Result<()> {
    let decoder = load(path, threads)?;
    let mut cache = decoder.new_cache(n + 1)?;
    fill(&decoder, &mut cache, &tokens(n), Output::Last)?;
    let resident = std::fs::read_to_string("/proc/self/status").map_or(0, |status| resident(&status));
    let held = Held { resident, cache: cache.bytes() as u64 };
    serde_json::to_writer(std::io::stdout().lock(), &held)?;
    Ok(())
}

/// Runs our process and returns what it took and what it held at its end.
pub(super) fn ours(path: &Path, threads: usize, n: usize) -> anyhow::Result<(Taken, Held)> {
    let program = std::env::current_exe().context("this program does not find itself")?;
    let mut command = Command::new(program);
    command.args(["bench", "engine", "--read-prompt", &n.to_string(), "--threads", &threads.to_string()]);
    command.arg("--model").arg(path);
    let (taken, printed) = watch(command)?;
    Ok((taken, serde_json::from_slice(&printed).context("our own process printed no figures")?))
}

/// Runs the peer's process and returns what it took.
pub(super) fn theirs(peer: &Peer, n: usize) -> anyhow::Result<Taken> {
    Ok(watch(peer.command(&["-p", &n.to_string(), "-n", "0", "--no-warmup"]))?.0)
}

fn watch(mut command: Command) -> anyhow::Result<(Taken, Vec<u8>)> {
    let started = Instant::now();
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    let peak = peak_until_end(&mut child)?;
    let time = started.elapsed();
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("{} failed: {}", command.get_program().display(), output.status);
    }
    Ok((Taken { time, peak }, output.stdout))
}

/// Waits for a process that prints little, and returns the most memory that it was seen with.
fn peak_until_end(child: &mut Child) -> std::io::Result<u64> {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait()?.is_none() {
        peak = peak.max(std::fs::read_to_string(&status).map_or(0, |status| resident(&status)));
        std::thread::sleep(LOOK);
    }
    Ok(peak)
}

fn resident(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().map_or(0, |kilobytes| kilobytes * 1024)
}
