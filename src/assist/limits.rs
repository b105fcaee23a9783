//! Running a program that may be wrong: in a folder of its own, for a bounded time, in bounded memory and, for code that a
//! model wrote, without a network. Only what a person has configured or switched on is ever run.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::Command;

/// Bytes of output that are kept; a program in an endless loop can print gigabytes.
const OUTPUT: u64 = 64 * 1024;

/// Megabytes that a program may write into one file.
#[cfg(unix)]
const FILE_MB: u64 = 64;

/// What a program may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Seconds on the clock, and of computing.
    pub seconds: u64,
    /// Megabytes of address space; `None` for programs that reserve more than they use, such as Java and Node.
    pub memory_mb: Option<u64>,
    /// Whether it may use a network.
    pub network: bool,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// By itself: whether it was content, and what it printed, on both ways out.
    Exited(bool, String),
    /// It was stopped after this many seconds.
    TooLong(u64),
}

/// A folder that is removed when this is dropped.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes an empty folder.
    ///
    /// # Errors
    /// When the temporary folder cannot be written.
    pub fn new() -> std::io::Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("infill-ls-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    /// Returns where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is the system's to clear away.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Returns whether this system can keep a program from the network: only Linux is known to, where the user may make
/// namespaces.
pub async fn can_cut_network() -> bool {
    let mut command = Command::new("unshare");
    command.args(["-rn", "true"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().await.is_ok_and(|status| status.success())
}

/// Runs a program in a folder.
///
/// # Errors
/// When it cannot be started, or there is no way here to keep it from the network.
pub async fn run(program: &[String], folder: &Path, limits: Limits) -> std::io::Result<Ended> {
    if cfg!(not(unix)) && !limits.network {
        let kind = std::io::ErrorKind::Unsupported;
        return Err(std::io::Error::new(kind, "programs cannot be kept from the network on this system"));
    }
    let mut command = limited(program, limits);
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn()?;
    let group = child.id();
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let read = async {
        let (out, err) = tokio::join!(head(out), head(err));
        (child.wait().await, out + &err)
    };
    match tokio::time::timeout(Duration::from_secs(limits.seconds), read).await {
        Ok((status, output)) => Ok(Ended::Exited(status?.success(), output)),
        Err(_) => {
            stop(group).await;
            Ok(Ended::TooLong(limits.seconds))
        }
    }
}

/// Returns the command that sets the limits and becomes the program. The shell sets them, since a process can only set
/// its own, and between fork and exec Rust runs nothing safely.
#[cfg(unix)]
fn limited(program: &[String], limits: Limits) -> Command {
    let memory = limits.memory_mb.map_or(String::new(), |mb| format!("ulimit -v {};", mb * 1024));
    let set = format!(
        "ulimit -t {}; ulimit -c 0; ulimit -f {}; {memory} exec \"$@\"",
        limits.seconds + 1,
        FILE_MB * 2048
    );
    let mut command = match limits.network {
        true => Command::new("sh"),
        false => {
            let mut command = Command::new("unshare");
            command.args(["-rn", "sh"]);
            command
        }
    };
    command.args(["-c", &set, "sh"]).args(program);
    command
}

#[cfg(not(unix))]
fn limited(program: &[String], _: Limits) -> Command {
    let mut command = Command::new(program.first().map_or("", String::as_str));
    command.args(program.iter().skip(1));
    command
}

/// Ends a program with all that it has started.
async fn stop(group: Option<u32>) {
    if let (true, Some(group)) = (cfg!(unix), group) {
        let killed: std::io::Result<Output> =
            Command::new("sh").args(["-c", &format!("kill -9 -- -{group}")]).output().await;
        if let Err(error) = killed {
            tracing::warn!(%error, "a program that ran too long could not be stopped");
        }
    }
}

/// Reads a stream to its end and returns its beginning.
async fn head(stream: Option<impl tokio::io::AsyncRead + Unpin>) -> String {
    let Some(mut stream) = stream else { return String::new() };
    let mut bytes = Vec::new();
    let mut limited = (&mut stream).take(OUTPUT);
    // A stream that breaks has ended.
    let _ = limited.read_to_end(&mut bytes).await;
    let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&bytes).into_owned()
}
