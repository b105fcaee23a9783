//! `infill-ls engine`: the process whose model all windows of a user share. A window starts it in two steps, so that it is
//! nobody's child: what ends a window or its terminal must not end the engine.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, bail};
use clap::Args;
use serde_json::Value;

use super::run_args::{RunArgs, embedded, start_around};
use crate::config::Settings;
use crate::fetch::{DEFAULT_MODEL, cache_dir};
use crate::source::{
    Place, Running, SharedOptions, SharedSource, Source, Status, Taken, directory, host, log_file, running,
    stop,
};

/// The settings that one engine differs from another in.
const TELLING: &[&str] =
    &["model", "draft_model", "context", "threads", "battery_threads", "busy_threads", "device"];

/// Further settings that an engine is started with.
const TOLD: &[&str] = &["fetch.hub", "fetch.wheels", "engine.linger_seconds", "release_minutes"];

/// What an engine prints when it listens, to whoever started it.
const LISTENS: &str = "the engine listens";

/// A log that is longer is begun anew by the next engine.
const LONGEST_LOG: u64 = 1 << 20;

/// Arguments of `engine`.
#[derive(Debug, Args)]
pub struct EngineArgs {
    #[command(flatten)]
    run: RunArgs,
    /// End the engines that run for you, also while windows use them; the next request of a window starts one again
    #[arg(long)]
    stop: bool,
    /// Start it in the background and return when it listens
    #[arg(long)]
    detach: bool,
    /// Which engine it is, said by the window that starts it
    #[arg(long, hide = true, value_name = "KEY")]
    key: Option<String>,
}

/// Runs, starts or ends the engine.
///
/// # Errors
/// When it cannot listen.
pub fn run(args: EngineArgs) -> anyhow::Result<ExitCode> {
    if args.stop {
        return stop_all();
    }
    if args.detach {
        return detach();
    }
    let mut settings = Settings::default();
    args.run.apply(&mut settings);
    let key = args.key.unwrap_or_else(|| key(&settings));
    for model in [&mut settings.model, &mut settings.draft_model] {
        let path = model.as_ref().map(PathBuf::from).filter(|path| path.exists());
        if let Some(path) = path.map(std::path::absolute).transpose()? {
            *model = Some(path.to_string_lossy().into_owned());
        }
    }
    // The window's folder may be removed while the engine runs.
    let cache = cache_dir()?;
    std::fs::create_dir_all(&cache).and_then(|()| std::env::set_current_dir(&cache))?;
    let place = Place::of(&directory().map_err(anyhow::Error::msg)?, &key);
    // So that the end of a terminal is none of this process.
    #[cfg(unix)]
    if let Err(error) = rustix::process::setsid() {
        tracing::debug!(%error, "no session of its own");
    }
    let linger = Duration::from_secs(settings.engine.linger_seconds);
    let announce = |taken: Taken| {
        let line = match taken {
            Taken::Here => LISTENS,
            Taken::Elsewhere => "another engine listens already",
        };
        // Whoever started it may be gone.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let hosted = runtime.block_on(host(&place, &key, linger, || embedded(&settings), announce));
    // A model that is being fetched is not waited for.
    runtime.shutdown_background();
    hosted.context("the engine cannot listen")?;
    Ok(ExitCode::SUCCESS)
}

fn stop_all() -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    let engines = running(&directory().map_err(anyhow::Error::msg)?);
    if engines.is_empty() {
        writeln!(out, "no engine runs")?;
    }
    for (place, Running { pid, windows, .. }) in engines {
        match stop(&place) {
            true => writeln!(out, "process {pid} ends; {windows} windows used it")?,
            false => writeln!(out, "process {pid} does not answer")?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Starts the engine with the same arguments but one, and returns when it listens.
fn detach() -> anyhow::Result<ExitCode> {
    let log = log_file().context("there is no cache directory for the log")?;
    if let Some(dir) = log.parent() {
        std::fs::create_dir_all(dir)?;
    }
    let is_long = log.metadata().is_ok_and(|log| log.len() > LONGEST_LOG);
    let mut options = std::fs::OpenOptions::new();
    let log = options.create(true).write(true).append(!is_long).truncate(is_long).open(&log);
    let arguments = std::env::args_os().skip(1).filter(|argument| argument != "--detach");
    let mut command = Command::new(program()?);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log?);
    #[cfg(windows)]
    std::os::windows::process::CommandExt::creation_flags(&mut command, DETACHED);
    let mut engine = command.spawn().context("the engine process cannot be started")?;
    let mut line = String::new();
    if let Some(said) = engine.stdout.take() {
        BufReader::new(said).read_line(&mut line)?;
    }
    if line.is_empty() {
        bail!("the engine process ended at once ({}); its log says why", engine.wait()?);
    }
    write!(std::io::stdout().lock(), "{line}")?;
    Ok(ExitCode::SUCCESS)
}

/// No console, and no part in the one of its parent: `DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP`.
#[cfg(windows)]
const DETACHED: u32 = 0x0000_0008 | 0x0000_0200;

/// Returns this program, also after another version was put in its place.
fn program() -> std::io::Result<PathBuf> {
    let program = std::env::current_exe()?;
    Ok(if cfg!(target_os = "linux") && !program.exists() { "/proc/self/exe".into() } else { program })
}

/// Starts the source of a window: a remote one, or the shared engine where the settings do not refuse it.
pub fn start(settings: &Settings) -> Arc<dyn Source> {
    start_around(settings, |settings| match settings.engine.share {
        true => shared(settings),
        false => embedded(settings),
    })
}

fn shared(settings: &Settings) -> Arc<dyn Source> {
    let key = key(settings);
    let place = match directory() {
        Ok(dir) => Place::of(&dir, &key),
        Err(why) => return SharedSource::inside(embedded(settings), why),
    };
    let (launched, inside) = (settings.clone(), settings.clone());
    let launch_key = key.clone();
    SharedSource::start(SharedOptions {
        place,
        key,
        launch: Box::new(move || launch(&launched, &launch_key).map_err(|error| format!("{error:#}"))),
        inside: Box::new(move || embedded(&inside)),
    })
}

/// Starts an engine process for `settings` and waits until it, or another one, listens.
fn launch(settings: &Settings, key: &str) -> anyhow::Result<()> {
    let mut command = Command::new(program()?);
    command.args(["engine", "--detach", "--log-level", "info", "--key", key]);
    let settings = serde_json::to_value(settings)?;
    for name in TELLING.iter().chain(TOLD) {
        match setting(&settings, name) {
            Value::Null => {}
            value => {
                command.arg("--set").arg(format!("{name}={value}"));
            }
        }
    }
    // What was asked of the window is said by the settings above.
    command.env_remove("INFILL_LS_MODEL");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut starter = command.spawn().context("the engine process cannot be started")?;
    // On Windows the engine inherits the starter's pipes, so that they end when the engine does: not to be waited for.
    if starter.wait()?.success() {
        return Ok(());
    }
    let mut why = Vec::new();
    if let Some(mut said) = starter.stderr.take() {
        said.read_to_end(&mut why)?;
    }
    bail!("{}", String::from_utf8_lossy(&why).trim())
}

fn setting<'a>(settings: &'a Value, name: &str) -> &'a Value {
    settings.pointer(&format!("/{}", name.replace('.', "/"))).unwrap_or(&Value::Null)
}

/// Returns all that tells an engine from others: its program, its cache directory, its model and its options.
fn key(settings: &Settings) -> String {
    let all = serde_json::to_value(settings).unwrap_or_default();
    let options: Vec<String> = TELLING.iter().map(|name| format!("{name}={}", setting(&all, name))).collect();
    let program = std::env::current_exe().ok();
    let cache = cache_dir().ok();
    let model = settings.model.as_deref().unwrap_or(DEFAULT_MODEL);
    let mut files = DefaultHasher::new();
    let models = [Some(model), settings.draft_model.as_deref()].into_iter().flatten().map(PathBuf::from);
    for file in program.iter().cloned().chain(models) {
        // A program or a model that was changed is another one.
        let data = file.metadata().ok();
        let changed = data.as_ref().and_then(|data| data.modified().ok()?.duration_since(UNIX_EPOCH).ok());
        (file.canonicalize().unwrap_or(file), data.map(|data| data.len()), changed).hash(&mut files);
    }
    cache.hash(&mut files);
    format!("{} {:016x} {}", env!("CARGO_PKG_VERSION"), files.finish(), options.join(" "))
}

/// Says which engines run, for the doctor.
///
/// # Errors
/// When `out` cannot be written.
pub fn report(out: &mut impl Write, settings: &Settings) -> std::io::Result<()> {
    match settings.engine.share {
        true => writeln!(
            out,
            "engine     all windows share one (`engine.share`, or `serve --no-share`, turns that off)"
        )?,
        false => writeln!(out, "engine     each window has its own (`engine.share` is false)")?,
    }
    let dir = match directory() {
        Ok(dir) => dir,
        Err(why) => return writeln!(out, "           it cannot be shared: {why}"),
    };
    for (_, Running { pid, windows, status }) in running(&dir) {
        let status = match status {
            Status::Ready { model } => model,
            Status::Loading { stage, .. } => stage,
            Status::Failed { message } => message,
        };
        writeln!(out, "           process {pid}: {windows} windows, {status}")?;
    }
    writeln!(out, "           met in {}", dir.display())?;
    match log_file() {
        Some(log) => writeln!(out, "           its log: {}", log.display()),
        None => Ok(()),
    }
}
