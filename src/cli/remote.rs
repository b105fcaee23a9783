//! The settings of a remote source as the source takes them, and `infill-ls remote`, which keeps its keys.

mod key;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::config::{self, RemoteSettings, Settings};
use crate::source::{Key, KeySource, Keyring, MarkerChoice, RemoteKind, RemoteOptions};

/// Keeps what remote sources need.
#[derive(Debug, Args)]
pub struct RemoteArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Put the key of a server into the keyring of the operating system, or take it away
    Key(key::KeyArgs),
}

/// Runs `infill-ls remote …`.
///
/// # Errors
/// When the keyring refuses.
pub fn run(args: RemoteArgs) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Key(args) => key::run(args, &Keyring),
    }
}

/// Returns the remote source that the settings ask for, if they ask for one.
///
/// # Errors
/// When no environment variable holds the key that the settings want from there.
pub fn options(settings: &Settings) -> Result<Option<RemoteOptions>, String> {
    let RemoteSettings {
        url, model, key_env, key_name, folders, connect_ms, read_ms, ca_file, proxy, ..
    } = settings.remote.clone();
    let Some(kind) = kind(settings.remote.kind) else { return Ok(None) };
    let milliseconds = |count: std::num::NonZeroUsize| Duration::from_millis(count.get() as u64);
    Ok(Some(RemoteOptions {
        kind,
        url,
        model,
        key: match (key_env, key_name) {
            (Some(variable), _) => Some(KeySource::Known(Key::from_env(&variable)?)),
            (None, Some(name)) => Some(KeySource::Stored { name, store: Arc::new(Keyring) }),
            (None, None) => None,
        },
        markers: markers(settings.remote.markers),
        folders,
        connect: milliseconds(connect_ms),
        read: milliseconds(read_ms),
        ca_file: ca_file.map(Into::into),
        proxy,
    }))
}

fn kind(kind: config::RemoteKind) -> Option<RemoteKind> {
    Some(match kind {
        config::RemoteKind::None => return None,
        config::RemoteKind::LlamaServer => RemoteKind::LlamaServer,
        config::RemoteKind::Openai => RemoteKind::Openai,
        config::RemoteKind::Vllm => RemoteKind::Vllm,
        config::RemoteKind::Tgi => RemoteKind::Tgi,
        config::RemoteKind::Ollama => RemoteKind::Ollama,
        config::RemoteKind::Mistral => RemoteKind::Mistral,
    })
}

fn markers(markers: config::RemoteMarkers) -> MarkerChoice {
    match markers {
        config::RemoteMarkers::Auto => MarkerChoice::Auto,
        config::RemoteMarkers::Suffix => MarkerChoice::Suffix,
        config::RemoteMarkers::Qwen => MarkerChoice::Qwen,
        config::RemoteMarkers::Starcoder => MarkerChoice::Starcoder,
        config::RemoteMarkers::Deepseek => MarkerChoice::Deepseek,
        config::RemoteMarkers::Codellama => MarkerChoice::Codellama,
        config::RemoteMarkers::Codegemma => MarkerChoice::Codegemma,
    }
}
