//! The model files on disk: where they lie, which are there, and how a name becomes one. The bytes themselves come
//! through the routes.

use std::fs;
use std::path::{Path, PathBuf};

use super::pull::{Pull, beside, remove_leftovers};
use super::{
    Entry, FetchError, Progress, Routes, SUPPORTED_ARCHITECTURES, cache_dir, catalogue, find, lock, nearest,
    partial,
};

/// A directory of model files.
#[derive(Debug, Clone)]
pub struct Store {
    dir: PathBuf,
}

/// What a setting or a flag names.
#[derive(Debug, Clone)]
pub enum Model {
    /// A file of the user's own.
    Local(PathBuf),
    /// A model of the catalogue.
    Entry(&'static Entry),
}

/// A catalogue entry and whether it is on disk.
#[derive(Debug, Clone, Copy)]
pub struct Listed {
    /// The entry.
    pub entry: &'static Entry,
    /// Whether its file is there.
    pub installed: bool,
}

impl Model {
    /// Reads a name or a path. A name of the catalogue is never a path, unless it is written as one (`./name`).
    pub fn parse(text: &str) -> Result<Self, FetchError> {
        if let Some(entry) = find(text) {
            return Ok(Self::Entry(entry));
        }
        let path = home_expanded(text);
        let is_gguf = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("gguf"));
        // A model in parts is a folder, with this file in it.
        if path.is_file() || path.join("config.json").is_file() {
            Ok(Self::Local(path))
        } else if is_gguf || path.exists() || path.is_absolute() {
            Err(FetchError::NoSuchFile { path })
        } else {
            Err(FetchError::UnknownModel { name: text.to_owned(), nearest: nearest(text) })
        }
    }
}

/// Editors hand settings on as they are written, with no shell to replace `~`.
fn home_expanded(text: &str) -> PathBuf {
    match (text.strip_prefix("~/"), directories::BaseDirs::new()) {
        (Some(rest), Some(dirs)) => dirs.home_dir().join(rest),
        _ => PathBuf::from(text),
    }
}

impl Store {
    /// Returns the store in the [cache directory](super::cache_dir).
    pub fn open() -> Result<Self, FetchError> {
        Ok(Self::at(&cache_dir()?.join("models")))
    }

    /// Returns the store in `dir`, which need not exist.
    pub fn at(dir: &Path) -> Self {
        Self { dir: dir.to_path_buf() }
    }

    /// Returns where the entry's file lies, or will lie.
    pub fn path(&self, entry: &Entry) -> PathBuf {
        let name = entry.hub.file.rsplit('/').next().unwrap_or(entry.hub.file);
        self.dir.join(name)
    }

    /// Returns whether the entry's file is there. It got its name only after its sum was found right, so only the
    /// size is looked at; [`Store::verify`] reads the whole.
    pub fn installed(&self, entry: &Entry) -> bool {
        let exact = entry.sha256.map(|_| entry.bytes);
        fs::metadata(self.path(entry))
            .is_ok_and(|data| data.is_file() && exact.is_none_or(|bytes| bytes == data.len()))
    }

    /// Returns all catalogue entries and whether they are installed.
    pub fn list(&self) -> Vec<Listed> {
        let listed = |entry| Listed { entry, installed: self.installed(entry) };
        catalogue().iter().map(listed).collect()
    }

    /// Returns the file that `model`, a name or a path, stands for, without fetching anything.
    pub fn locate(&self, model: &str) -> Result<PathBuf, FetchError> {
        match Model::parse(model)? {
            Model::Local(path) => Ok(path),
            Model::Entry(entry) if self.installed(entry) => Ok(self.path(entry)),
            Model::Entry(entry) => {
                check_supported(entry)?;
                Err(FetchError::NotInstalled { name: entry.name.to_owned() })
            }
        }
    }

    /// Returns the file that `model`, a name or a path, stands for, and fetches it first where it must. Blocks.
    pub fn obtain(
        &self,
        model: &str,
        routes: &Routes,
        progress: &dyn Progress,
    ) -> Result<PathBuf, FetchError> {
        match Model::parse(model)? {
            Model::Local(path) => Ok(path),
            Model::Entry(entry) => self.pull(entry, routes, progress),
        }
    }

    /// Fetches the entry's file unless it is there, and returns its path. Blocks; another process that pulls the same
    /// file is waited for.
    pub fn pull(
        &self,
        entry: &Entry,
        routes: &Routes,
        progress: &dyn Progress,
    ) -> Result<PathBuf, FetchError> {
        check_supported(entry)?;
        let path = self.path(entry);
        if self.installed(entry) {
            return Ok(path);
        }
        fs::create_dir_all(&self.dir)
            .map_err(|source| FetchError::writing(&self.dir, entry.bytes, source))?;
        let _lock = lock::acquire(&beside(&path, "lock"), progress)?;
        // It may have come while this process waited.
        if !self.installed(entry) {
            let pull = Pull { entry, routes, progress, path: &path };
            pull.run()?;
        }
        Ok(path)
    }

    /// Reads the entry's whole file and checks its sum; without a known sum every file passes. A wrong file is left
    /// where it is.
    pub fn verify(&self, entry: &Entry) -> Result<(), FetchError> {
        let path = self.path(entry);
        if !self.installed(entry) {
            return Err(FetchError::NotInstalled { name: entry.name.to_owned() });
        }
        let Some(expected) = entry.sha256 else {
            return Ok(());
        };
        match partial::sum_of(&path) {
            Ok(found) if found == expected => Ok(()),
            Ok(found) => Err(FetchError::DamagedFile {
                path,
                name: entry.name.to_owned(),
                expected: expected.to_owned(),
                found,
            }),
            Err(cause) => Err(FetchError::File { action: "reading", path, cause }),
        }
    }

    /// Deletes the entry's file and what interrupted pulls of it have left.
    pub fn remove(&self, entry: &Entry) -> Result<(), FetchError> {
        let path = self.path(entry);
        let not_there = || FetchError::NotInstalled { name: entry.name.to_owned() };
        if !self.dir.is_dir() {
            return Err(not_there());
        }
        let _lock = lock::acquire(&beside(&path, "lock"), &())?;
        let leftovers = remove_leftovers(&path);
        self.forget_speed(entry);
        match fs::remove_file(&path) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && leftovers => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(not_there()),
            Err(cause) => Err(FetchError::File { action: "deleting", path, cause }),
        }
    }
}

fn check_supported(entry: &Entry) -> Result<(), FetchError> {
    if entry.supported() {
        return Ok(());
    }
    Err(FetchError::Unsupported {
        name: entry.name.to_owned(),
        architecture: entry.architecture.to_owned(),
        supported: SUPPORTED_ARCHITECTURES,
    })
}
