//! The peer of the engine benchmark: one run of llama.cpp's `llama-bench`, its JSON read.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use serde::Deserialize;

/// Where the peer is and what it runs.
pub(super) struct Peer {
    pub(super) program: PathBuf,
    pub(super) model: PathBuf,
    pub(super) threads: usize,
}

#[derive(Deserialize)]
struct Run {
    avg_ts: f64,
}

impl Peer {
    /// Returns its tokens per second for a prompt of `tokens`.
    pub(super) fn prefill(&self, tokens: usize) -> anyhow::Result<f64> {
        self.run(&["-p", &tokens.to_string(), "-n", "0"])
    }

    /// Returns its tokens per second for `tokens` generated after a context of `depth`.
    pub(super) fn decode(&self, tokens: usize, depth: usize) -> anyhow::Result<f64> {
        self.run(&["-p", "0", "-n", &tokens.to_string(), "-d", &depth.to_string()])
    }

    /// Returns the command that runs it once.
    pub(super) fn command(&self, what: &[&str]) -> Command {
        let threads = self.threads.to_string();
        let mut command = Command::new(&self.program);
        command
            .args([Path::new("-m"), &self.model])
            .args(["-t", &threads, "-r", "1", "-o", "json"])
            .args(what);
        command
    }

    fn run(&self, what: &[&str]) -> anyhow::Result<f64> {
        let output = self.command(what).output().with_context(|| {
            format!("cannot run {}; --peer wants the llama-bench program", self.program.display())
        })?;
        if !output.status.success() {
            let message = String::from_utf8_lossy(&output.stderr);
            bail!("{} failed: {}", self.program.display(), message.lines().last().unwrap_or("no message"));
        }
        let runs: Vec<Run> = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("{} printed no JSON; is it llama-bench?", self.program.display()))?;
        runs.first().map(|run| run.avg_ts).context("llama-bench printed no result")
    }
}
