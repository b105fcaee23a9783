//! The way back to a model's weights, for who gives up their memory while nobody uses them. All that a cache and a tokenizer
//! were made for stays, so that only the very same files will do.

use std::ffi::OsString;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::checkpoint::Checkpoint;
use super::gguf::Directory;
use super::kernels::WorkerPool;
use super::ops::Place;
use super::{Architecture, Decoder, GgufFile, ModelError};

/// Where a decoder's weights came from, and what it was.
pub struct Reload {
    path: PathBuf,
    kind: Kind,
    files: Vec<Stamp>,
    architecture: Architecture,
    place: Place,
    context: usize,
}

/// What lies at the path.
enum Kind {
    /// A GGUF file, whose header need not be read again.
    Gguf(Directory),
    /// A folder as Hugging Face publishes it.
    Folder,
}

/// What tells whether a file is still the one that it was.
#[derive(PartialEq)]
struct Stamp {
    name: OsString,
    bytes: u64,
    changed: Option<SystemTime>,
}

impl Stamp {
    fn new(name: OsString, data: &Metadata) -> Self {
        Self { name, bytes: data.len(), changed: data.modified().ok() }
    }
}

impl Reload {
    /// Remembers the file that `decoder` was loaded from.
    pub(super) fn from_gguf(path: &Path, file: &GgufFile, decoder: &Decoder) -> Result<Self, ModelError> {
        Self::new(path, Kind::Gguf(file.directory()), decoder)
    }

    /// Remembers the folder that `decoder` was loaded from.
    pub(super) fn from_folder(folder: &Path, decoder: &Decoder) -> Result<Self, ModelError> {
        Self::new(folder, Kind::Folder, decoder)
    }

    /// Has it computed on other threads, if it is computed on threads.
    pub(super) fn compute_on(&mut self, pool: &Arc<WorkerPool>) {
        self.place.compute_on(pool);
    }

    fn new(path: &Path, kind: Kind, decoder: &Decoder) -> Result<Self, ModelError> {
        let (architecture, place, context) = decoder.description();
        let files = stamps(path, &kind)?;
        Ok(Self { path: path.to_owned(), kind, files, architecture, place, context })
    }

    /// Reads the weights again, for the same threads or device as before.
    ///
    /// # Errors
    /// When a file has gone, is another one by now, or cannot be read.
    pub fn decoder(&self) -> Result<Decoder, ModelError> {
        if stamps(&self.path, &self.kind)? != self.files {
            return Err(ModelError::Changed { path: self.path.display().to_string() });
        }
        let (architecture, place) = (self.architecture.clone(), self.place.clone());
        match &self.kind {
            Kind::Folder => {
                Decoder::from_weights_at(&Checkpoint::open(&self.path)?, architecture, place, self.context)
            }
            Kind::Gguf(directory) => {
                let file = GgufFile::reopen(&self.path, directory)?;
                let decoder = Decoder::from_weights_at(&file, architecture, place, self.context);
                file.let_go();
                decoder
            }
        }
    }
}

/// Returns the stamps of a model's file, or of those in its folder that hold weights.
fn stamps(path: &Path, kind: &Kind) -> Result<Vec<Stamp>, ModelError> {
    let of = |path: &Path| -> std::io::Result<Vec<Stamp>> {
        if let Kind::Gguf(_) = kind {
            return Ok(vec![Stamp::new(OsString::new(), &path.metadata()?)]);
        }
        let mut stamps = Vec::new();
        for file in path.read_dir()? {
            let file = file?;
            if Path::new(&file.file_name()).extension().is_some_and(|extension| extension == "safetensors") {
                // Of a link, what it leads to: the hub's own cache is made of these.
                stamps.push(Stamp::new(file.file_name(), &file.path().metadata()?));
            }
        }
        stamps.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(stamps)
    };
    of(path).map_err(|source| ModelError::Io { path: path.display().to_string(), source })
}
