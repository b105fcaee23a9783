//! The request log's file: JSON lines, two generations, each bounded. Written on a thread of its own, so that a slow or
//! full disk is never felt while typing.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::Record;

/// The name of the file in the cache directory.
pub const FILE_NAME: &str = "requests.jsonl";

/// What the file is renamed to when it is full.
const OLDER_FILE_NAME: &str = "requests.1.jsonl";

/// Bytes after which a new file is begun: about 4,000 requests, a few days of typing.
const BOUND: u64 = 512 * 1024;

/// How long [`Journal::flush`] waits for a disk.
const PATIENCE: Duration = Duration::from_secs(1);

/// Hands records to the thread that writes them.
#[derive(Debug)]
pub(super) struct Journal {
    entries: Sender<Entry>,
}

enum Entry {
    Record(Record),
    /// Everything before this is written when it is answered.
    Barrier(Sender<()>),
}

impl Journal {
    pub(super) fn new(dir: &Path) -> Self {
        let (entries, received) = channel();
        let dir = dir.to_path_buf();
        let thread = std::thread::Builder::new().name("request-log".into());
        if let Err(error) = thread.spawn(move || write_all(&dir, &received)) {
            tracing::warn!(%error, "requests are not written down");
        }
        Self { entries }
    }

    pub(super) fn write(&self, record: &Record) {
        // The receiver is gone after an error of the disk, which was logged then.
        let _ = self.entries.send(Entry::Record(record.clone()));
    }

    /// Waits until everything is written, or the disk has had its time.
    pub(super) fn flush(&self) {
        let (sender, written) = channel();
        let _ = self.entries.send(Entry::Barrier(sender));
        let _ = written.recv_timeout(PATIENCE);
    }
}

/// Writes records until the log is dropped or the disk refuses.
fn write_all(dir: &Path, entries: &Receiver<Entry>) {
    for entry in entries {
        match entry {
            // Whoever waited may have given up.
            Entry::Barrier(written) => drop(written.send(())),
            Entry::Record(record) => {
                if let Err(error) = append(dir, &record) {
                    let path = dir.join(FILE_NAME);
                    tracing::warn!(%error, path = %path.display(), "requests are no longer written down; free space or check the permissions, then restart");
                    return;
                }
            }
        }
    }
}

/// Appends one line in one write, so that two servers on one file do not mix their lines.
fn append(dir: &Path, record: &Record) -> io::Result<()> {
    let path = dir.join(FILE_NAME);
    if fs::metadata(&path).is_ok_and(|file| file.len() > BOUND) {
        fs::rename(&path, dir.join(OLDER_FILE_NAME))?;
    }
    fs::create_dir_all(dir)?;
    let mut line = serde_json::to_string(record)?;
    line.push('\n');
    OpenOptions::new().create(true).append(true).open(path)?.write_all(line.as_bytes())
}

/// Returns the last `count` records written in `dir`, oldest first. Lines that are no records are left out.
pub fn last_records(dir: &Path, count: usize) -> Vec<Record> {
    let mut records: Vec<Record> =
        [OLDER_FILE_NAME, FILE_NAME].iter().flat_map(|name| records_of(dir.join(name))).collect();
    records.drain(..records.len().saturating_sub(count));
    records
}

fn records_of(path: PathBuf) -> Vec<Record> {
    let Ok(file) = File::open(path) else {
        return Vec::new();
    };
    BufReader::new(file)
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| serde_json::from_str(&line).ok())
        .collect()
}
