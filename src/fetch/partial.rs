//! A model file while it grows: appended to under a temporary name, summed as it is written, and renamed only when
//! it is whole and right. Whatever an interrupted run left is summed again and gone on from.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::FetchError;

/// A growing file.
pub(super) struct Partial {
    path: PathBuf,
    file: File,
    sum: Sha256,
    len: u64,
    /// The size of the whole, for messages; 0 when not known.
    total: u64,
    resumed: bool,
}

impl Partial {
    /// Opens `path`, with what is there already. `total` is the size of the whole, for messages.
    pub(super) fn open(path: &Path, total: u64) -> Result<Self, FetchError> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)
            .map_err(|source| FetchError::writing(path, total, source))?;
        let mut partial = Self::over(file, path, total);
        partial.sum_again(u64::MAX)?;
        partial.resumed = partial.len > 0;
        Ok(partial)
    }

    fn over(file: File, path: &Path, total: u64) -> Self {
        Self { path: path.to_path_buf(), file, sum: Sha256::new(), len: 0, total, resumed: false }
    }

    /// Bytes that are there.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Appends.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        self.file.write_all(bytes).map_err(|source| FetchError::writing(&self.path, self.total, source))?;
        self.sum.update(bytes);
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Drops everything from `len` on.
    pub(super) fn truncate(&mut self, len: u64) -> Result<(), FetchError> {
        if len >= self.len {
            return Ok(());
        }
        self.file.set_len(len).map_err(|source| FetchError::writing(&self.path, self.total, source))?;
        self.resumed &= len > 0;
        self.sum_again(len)
    }

    /// Sums the first `len` bytes, or all where there are fewer, and stands behind them.
    fn sum_again(&mut self, len: u64) -> Result<(), FetchError> {
        self.sum = Sha256::new();
        self.file
            .seek(SeekFrom::Start(0))
            .and_then(|_| io::copy(&mut (&self.file).take(len), &mut SumWriter(&mut self.sum)))
            .map(|read| self.len = read)
            .map_err(|cause| FetchError::File { action: "reading", path: self.path.clone(), cause })
    }

    /// Gives the file its final name, after its sum was found to be `expected` (where that is known). A file with
    /// another sum is deleted.
    pub(super) fn finish(self, expected: Option<&str>, name: &Path) -> Result<(), FetchError> {
        let found = hex(&self.sum.finalize());
        if let Some(expected) = expected.filter(|expected| !expected.eq_ignore_ascii_case(&found)) {
            drop(self.file);
            let _ = fs::remove_file(&self.path);
            return Err(FetchError::WrongSum { expected: expected.to_owned(), found, resumed: self.resumed });
        }
        self.file.sync_all().map_err(|source| FetchError::writing(&self.path, self.total, source))?;
        // Windows does not rename a file that is open.
        drop(self.file);
        fs::rename(&self.path, name).map_err(|cause| FetchError::File {
            action: "renaming",
            path: self.path.clone(),
            cause,
        })?;
        sync_directory(name);
        Ok(())
    }
}

/// Returns the SHA-256 sum of a file, in lower-case hex.
pub(super) fn sum_of(path: &Path) -> io::Result<String> {
    let mut sum = Sha256::new();
    io::copy(&mut File::open(path)?, &mut SumWriter(&mut sum))?;
    Ok(hex(&sum.finalize()))
}

/// Makes the rename last through a power cut; best effort, since the file itself is safe already.
fn sync_directory(name: &Path) {
    #[cfg(unix)]
    if let Some(directory) = name.parent() {
        let _ = File::open(directory).and_then(|directory| directory.sync_all());
    }
    #[cfg(not(unix))]
    let _ = name;
}

struct SumWriter<'a>(&'a mut Sha256);

impl Write for SumWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_full_disk_is_told_with_the_setting_that_moves_the_file() {
        let path = Path::new("/dev/full");
        let file = OpenOptions::new().write(true).open(path).unwrap();
        let mut partial = Partial::over(file, path, 491_400_064);
        let error = partial.append(b"model").unwrap_err();
        assert!(matches!(error, FetchError::NoSpace { .. }), "{error:?}");
        let message = error.to_string();
        assert!(message.contains("492 MB"), "{message}");
        assert!(message.contains("INFILL_LS_CACHE"), "{message}");
    }
}
