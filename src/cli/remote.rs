//! The settings of a remote source as the source takes them.

use std::time::Duration;

use crate::config::{self, RemoteSettings, Settings};
use crate::source::{Key, MarkerChoice, RemoteKind, RemoteOptions};

/// Returns the remote source that the settings ask for, if they ask for one.
///
/// # Errors
/// When the key is not where the settings say.
pub fn options(settings: &Settings) -> Result<Option<RemoteOptions>, String> {
    let RemoteSettings { url, model, key_env, folders, connect_ms, read_ms, ca_file, proxy, .. } =
        settings.remote.clone();
    let Some(kind) = kind(settings.remote.kind) else { return Ok(None) };
    let milliseconds = |count: std::num::NonZeroUsize| Duration::from_millis(count.get() as u64);
    Ok(Some(RemoteOptions {
        kind,
        url,
        model,
        key: key_env.as_deref().map(Key::from_env).transpose()?,
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
