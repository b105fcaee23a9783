//! A file of JSON lines: two generations, each bounded. Written on a thread of its own, so that a slow or full disk is
//! never felt while typing. What the lines say is not known here.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// How long [`Journal::flush`] waits for a disk.
const PATIENCE: Duration = Duration::from_secs(1);

/// Which file it is.
#[derive(Debug)]
pub(super) struct Book {
    /// Its name in the cache directory.
    pub name: &'static str,
    /// What it is renamed to when it is full.
    pub older: &'static str,
    /// Bytes after which a new file is begun.
    pub bound: u64,
    /// What the lines are, for a message.
    pub about: &'static str,
}

/// Hands lines to the thread that writes them.
#[derive(Debug)]
pub(super) struct Journal {
    entries: Sender<Entry>,
}

enum Entry {
    Line(String),
    /// Everything before this is written when it is answered.
    Barrier(Sender<()>),
}

impl Journal {
    pub(super) fn new(dir: &Path, book: &'static Book) -> Self {
        Self::after(dir, book, |_| {})
    }

    /// Returns a journal that writes nothing before `first` is done, which is given its folder: what reads the file there
    /// finds no line of this journal's own.
    pub(super) fn after(dir: &Path, book: &'static Book, first: impl FnOnce(&Path) + Send + 'static) -> Self {
        let (entries, received) = channel();
        let dir = dir.to_path_buf();
        let thread = std::thread::Builder::new().name(book.name.into());
        let write = move || {
            first(&dir);
            write_all(&dir, book, &received);
        };
        if let Err(error) = thread.spawn(write) {
            tracing::warn!(%error, "{} are not written down", book.about);
        }
        Self { entries }
    }

    pub(super) fn write(&self, record: &impl Serialize) {
        match serde_json::to_string(record) {
            // The receiver is gone after an error of the disk, which was logged then.
            Ok(line) => drop(self.entries.send(Entry::Line(line + "\n"))),
            Err(error) => tracing::warn!(%error, "not written down"),
        }
    }

    /// Waits until everything is written, or the disk has had its time.
    pub(super) fn flush(&self) {
        let (sender, written) = channel();
        let _ = self.entries.send(Entry::Barrier(sender));
        let _ = written.recv_timeout(PATIENCE);
    }
}

/// Writes lines until the journal is dropped or the disk refuses.
fn write_all(dir: &Path, book: &Book, entries: &Receiver<Entry>) {
    for entry in entries {
        match entry {
            // Whoever waited may have given up.
            Entry::Barrier(written) => drop(written.send(())),
            Entry::Line(line) => {
                if let Err(error) = append(dir, book, &line) {
                    let path = dir.join(book.name);
                    tracing::warn!(%error, path = %path.display(), "{} are no longer written down; free space or check the permissions, then restart", book.about);
                    return;
                }
            }
        }
    }
}

/// Appends one line in one write, so that two servers on one file do not mix their lines.
fn append(dir: &Path, book: &Book, line: &str) -> io::Result<()> {
    let path = dir.join(book.name);
    if fs::metadata(&path).is_ok_and(|file| file.len() > book.bound) {
        fs::rename(&path, dir.join(book.older))?;
    }
    fs::create_dir_all(dir)?;
    OpenOptions::new().create(true).append(true).open(path)?.write_all(line.as_bytes())
}

impl Book {
    /// Returns all records written in `dir`, oldest first. Lines that are no records are left out.
    pub(super) fn read<T: DeserializeOwned>(&self, dir: &Path) -> Vec<T> {
        [self.older, self.name].iter().flat_map(|name| records_of(dir.join(name))).collect()
    }

    /// Deletes the files in `dir` and returns how many there were.
    ///
    /// # Errors
    /// When one is there and cannot be deleted.
    pub(super) fn delete(&self, dir: &Path) -> io::Result<usize> {
        let mut deleted = 0;
        for name in [self.older, self.name] {
            match fs::remove_file(dir.join(name)) {
                Ok(()) => deleted += 1,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(deleted)
    }
}

fn records_of<T: DeserializeOwned>(path: PathBuf) -> Vec<T> {
    let Ok(file) = File::open(path) else {
        return Vec::new();
    };
    BufReader::new(file)
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| serde_json::from_str(&line).ok())
        .collect()
}
