//! One process at a time works on a model's files: an advisory lock on a file beside them. The file stays behind,
//! empty; deleting it would let a third process lock a new one while a second still waits on the old.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::Duration;

use super::{FetchError, Progress};

/// How often a waiting process looks; short, because it is also how soon a cancel is seen.
const PATIENCE: Duration = Duration::from_millis(100);

/// Takes the lock, waiting (and saying so) while another process has it; it is released when the file is dropped,
/// and by the system when the process dies.
pub(super) fn acquire(path: &Path, progress: &dyn Progress) -> Result<File, FetchError> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(|source| FetchError::writing(path, 0, source))?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => wait(progress)?,
            // Some network file systems have no locks. Going on is right: the rename and the sum still keep a wrong
            // file from its final name; two processes at once would merely disturb each other.
            Err(TryLockError::Error(error)) => {
                tracing::warn!(path = %path.display(), %error, "no lock here, going on without");
                return Ok(file);
            }
        }
    }
}

fn wait(progress: &dyn Progress) -> Result<(), FetchError> {
    if progress.cancelled() {
        return Err(FetchError::Cancelled);
    }
    progress.report("waiting for another process that is fetching this model", 0, 0);
    std::thread::sleep(PATIENCE);
    Ok(())
}
