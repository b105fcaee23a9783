//! `infill-ls context --remote`: the very bytes that a remote source would be sent for a completion. The body goes to
//! standard output as it is; where it would go, with which headers, to standard error. Nothing is sent, but that a server
//! whose model is not named is asked for its models.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use anyhow::bail;

use crate::assist::infill::source_request;
use crate::cli::complete::request;
use crate::cli::place::Opened;
use crate::cli::run_args::start_remote;
use crate::config::Settings;
use crate::source::Source;

/// Prints what would be sent.
///
/// # Errors
/// When nothing would be; the message says why.
pub(super) fn run(opened: Opened, settings: Settings) -> anyhow::Result<ExitCode> {
    let Some(source) = start_remote(&settings) else {
        bail!("no remote source is set; say which one, as in --set remote.kind=llama-server");
    };
    let Some(counter) = source.counter() else { bail!("the remote source counts no tokens") };
    let context = opened.context(settings.prompt.context_tokens, &*counter);
    let request = source_request(&request(opened, context, settings), &*counter);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let preview = runtime.block_on(source.preview(&request))?;
    let mut err = std::io::stderr().lock();
    writeln!(err, "POST {}\n{}", preview.url, preview.headers)?;
    writeln!(err, "{} bytes, {} secrets masked", preview.body.len(), preview.masked)?;
    let mut out = std::io::stdout().lock();
    out.write_all(&preview.body)?;
    if out.is_terminal() {
        writeln!(out)?;
    }
    Ok(ExitCode::SUCCESS)
}
