//! A memory-mapped GGUF file: its metadata with errors that name the key, and its tensors as raw bytes that are
//! checked against the file's real size. What the tensors mean is not known here.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::Cursor;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use candle_core::Device;
use candle_core::quantized::gguf_file::{Content, TensorInfo, Value, VersionedMagic};
use candle_core::quantized::{GgmlDType, QStorage, QTensor};
use memmap2::Mmap;
#[cfg(unix)]
use memmap2::UncheckedAdvice;

use super::ModelError;
use super::kernels::Format;
use super::weights::Weights;

/// An open model file.
pub struct GgufFile {
    path: String,
    map: Arc<Mmap>,
    content: Content,
}

/// What a file's header says of its tensors, without the vocabulary, which is nearly all of it.
pub(super) struct Directory {
    magic: VersionedMagic,
    start: u64,
    tensors: Vec<(String, TensorInfo)>,
}

/// One tensor's place in the file.
pub(super) struct RawTensor<'a> {
    pub(super) dtype: GgmlDType,
    /// Rows, then columns; a vector has one row.
    pub(super) shape: (usize, usize),
    pub(super) bytes: Cow<'a, [u8]>,
    /// Where they begin in the file.
    pub(super) start: usize,
}

impl GgufFile {
    /// Maps `path` and reads its header.
    ///
    /// # Errors
    /// When the file cannot be read, is no GGUF file, or its header does not fit its size.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let (shown, map) = mapped(path)?;
        let broken = |reason| ModelError::Broken { path: shown.clone(), reason };
        // candle's parser is bounded, but a crafted header can still make it divide by zero (alignment 0).
        let parsed = catch_unwind(AssertUnwindSafe(|| Content::read(&mut Cursor::new(&map[..]))));
        let content = parsed
            .map_err(|_| broken("its header holds impossible numbers".into()))?
            .map_err(|e| broken(first_line(&e.to_string())))?;
        Ok(Self { path: shown, map: Arc::new(map), content })
    }

    /// Returns what [`Self::reopen`] needs.
    pub(super) fn directory(&self) -> Directory {
        let tensors = self.content.tensor_infos.iter().map(|(name, info)| (name.clone(), copied(info)));
        let (magic, start) = (self.content.magic, self.content.tensor_data_offset);
        Directory { magic, start, tensors: tensors.collect() }
    }

    /// Maps a file again whose header was read before, for its tensors only.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn reopen(path: &Path, directory: &Directory) -> Result<Self, ModelError> {
        let (path, map) = mapped(path)?;
        let tensors = directory.tensors.iter().map(|(name, info)| (name.clone(), copied(info)));
        let content = Content {
            magic: directory.magic,
            metadata: HashMap::new(),
            tensor_infos: tensors.collect(),
            tensor_data_offset: directory.start,
        };
        Ok(Self { path, map: Arc::new(map), content })
    }

    /// Returns the file's path as given.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the bytes of the whole file, for what is read from them later on.
    pub(super) fn map(&self) -> Arc<Mmap> {
        Arc::clone(&self.map)
    }

    /// Gives back the memory of what was read: the weights are repacked, and of what else is needed later little is.
    pub(super) fn let_go(&self) {
        #[cfg(unix)]
        {
            // SAFETY: the map is read-only, so a page that is used again is read from the file again.
            let advised = unsafe { self.map.unchecked_advise(UncheckedAdvice::DontNeed) };
            if let Err(error) = advised {
                tracing::debug!(%error, "the file's pages stay in memory");
            }
        }
    }

    pub(super) fn broken(&self, reason: impl Into<String>) -> ModelError {
        ModelError::Broken { path: self.path.clone(), reason: reason.into() }
    }

    pub(super) fn value(&self, key: &str) -> Option<&Value> {
        self.content.metadata.get(key)
    }

    /// Returns a string of the metadata.
    pub fn string(&self, key: &str) -> Option<&str> {
        match self.value(key) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// Returns a number of the metadata.
    pub(super) fn number(&self, key: &str) -> Option<u64> {
        integer(self.value(key)?)
    }

    pub(super) fn required_number(&self, key: &str) -> Result<usize, ModelError> {
        let number = self.number(key).ok_or_else(|| self.broken(format!("its metadata lacks `{key}`")))?;
        usize::try_from(number).map_err(|_| self.broken(format!("`{key}` is {number}")))
    }

    pub(super) fn float(&self, key: &str) -> Option<f64> {
        match *self.value(key)? {
            Value::F32(x) => Some(x.into()),
            Value::F64(x) => Some(x),
            _ => None,
        }
    }

    pub(super) fn array(&self, key: &str) -> Result<&[Value], ModelError> {
        match self.value(key) {
            Some(Value::Array(values)) => Ok(values),
            _ => Err(self.broken(format!("its metadata lacks the list `{key}`"))),
        }
    }

    /// Returns a list of yes and no of the metadata.
    pub(super) fn flags(&self, key: &str) -> Option<Vec<bool>> {
        let Some(Value::Array(values)) = self.value(key) else { return None };
        let flag = |value: &Value| match value {
            Value::Bool(flag) => Some(*flag),
            number => integer(number).map(|number| number != 0),
        };
        values.iter().map(flag).collect()
    }
}

impl Weights for GgufFile {
    /// Has checked that the file holds all of the tensor.
    fn raw(&self, name: &str) -> Result<RawTensor<'_>, ModelError> {
        let info = self.content.tensor_infos.get(name);
        let info = info.ok_or_else(|| self.broken(format!("it lacks the tensor `{name}`")))?;
        let absurd = || self.broken(format!("the tensor `{name}` has the impossible shape {:?}", info.shape));
        let shape = match *info.shape.dims() {
            [columns] => (1, columns),
            [rows, columns] => (rows, columns),
            _ => return Err(absurd()),
        };
        let elements = shape.0.checked_mul(shape.1).filter(|&n| n > 0).ok_or_else(absurd)?;
        let (block, size) = (info.ggml_dtype.block_size(), info.ggml_dtype.type_size());
        if !shape.1.is_multiple_of(block) {
            return Err(absurd());
        }
        let length = (elements / block).checked_mul(size).ok_or_else(absurd)?;
        let start = self.content.tensor_data_offset.checked_add(info.offset).ok_or_else(absurd)?;
        let start = usize::try_from(start).map_err(|_| absurd())?;
        let end = start.checked_add(length).ok_or_else(absurd)?;
        let bytes = self.map.get(start..end).ok_or_else(|| {
            self.broken(format!("the tensor `{name}` ends at byte {end}, the file at {}", self.map.len()))
        })?;
        Ok(RawTensor { dtype: info.ggml_dtype, shape, bytes: bytes.into(), start })
    }

    fn has(&self, name: &str) -> bool {
        self.content.tensor_infos.contains_key(name)
    }

    fn broken(&self, reason: String) -> ModelError {
        GgufFile::broken(self, reason)
    }

    fn mapped(&self) -> Option<Arc<Mmap>> {
        Some(self.map())
    }
}

impl Format {
    /// Returns the kernels' name for a quantisation, for those that they have.
    pub(super) fn of(dtype: GgmlDType) -> Option<Self> {
        match dtype {
            GgmlDType::Q4_0 => Some(Self::Q4_0),
            GgmlDType::Q5_0 => Some(Self::Q5_0),
            GgmlDType::Q8_0 => Some(Self::Q8_0),
            GgmlDType::Q4K => Some(Self::Q4_K),
            GgmlDType::Q5K => Some(Self::Q5_K),
            GgmlDType::Q6K => Some(Self::Q6_K),
            _ => None,
        }
    }
}

impl<'a> RawTensor<'a> {
    /// Returns some of the rows, which lie in one piece whatever the quantisation; `None` where there are not as many.
    pub(super) fn rows(&'a self, range: Range<usize>) -> Option<RawTensor<'a>> {
        let row_bytes = self.bytes.len().checked_div(self.shape.0)?;
        let bytes = self.bytes.get(range.start * row_bytes..range.end * row_bytes)?;
        let shape = (range.len(), self.shape.1);
        Some(Self {
            dtype: self.dtype,
            shape,
            bytes: bytes.into(),
            start: self.start + range.start * row_bytes,
        })
    }

    /// Copies the bytes into a candle tensor of the same quantisation.
    pub(super) fn to_qtensor(&self, device: &Device) -> Result<QTensor, ModelError> {
        // candle casts the bytes to its block types, so they must stand on an aligned address; GGUF aligns tensors
        // to 32 bytes by default but a file may say otherwise.
        let aligned = self.bytes.as_ptr().align_offset(8) == 0;
        let bytes = if aligned { Cow::Borrowed(&*self.bytes) } else { self.bytes.to_vec().into() };
        let storage = QStorage::from_data(bytes, device, self.dtype)?;
        Ok(QTensor::new(storage, self.shape)?)
    }
}

/// Returns a whole number that is not negative, whatever its type in the file. candle's own conversions make an error
/// with a backtrace where the type is another, which costs a second for a vocabulary.
pub(super) fn integer(value: &Value) -> Option<u64> {
    match *value {
        Value::U8(n) => Some(n.into()),
        Value::U16(n) => Some(n.into()),
        Value::U32(n) => Some(n.into()),
        Value::U64(n) => Some(n),
        Value::I8(n) => u64::try_from(n).ok(),
        Value::I16(n) => u64::try_from(n).ok(),
        Value::I32(n) => u64::try_from(n).ok(),
        Value::I64(n) => u64::try_from(n).ok(),
        _ => None,
    }
}

fn copied(info: &TensorInfo) -> TensorInfo {
    TensorInfo { ggml_dtype: info.ggml_dtype, shape: info.shape.clone(), offset: info.offset }
}

/// Maps a file that begins like a GGUF file, and returns how it is called.
fn mapped(path: &Path) -> Result<(String, Mmap), ModelError> {
    let shown = path.display().to_string();
    let io = |source| ModelError::Io { path: shown.clone(), source };
    let file = File::open(path).map_err(io)?;
    if file.metadata().map_err(io)?.is_dir() {
        return Err(io(std::io::Error::other("it is a directory")));
    }
    // SAFETY: the map is read-only; the store writes model files under a temporary name and renames them, so a
    // file under its final name is not written to. Somebody who truncates it by hand while it runs gets SIGBUS,
    // as with every program that maps its model; reading it all into memory would cost the file's size twice.
    let map = unsafe { Mmap::map(&file) }.map_err(io)?;
    match map.get(..4) == Some(b"GGUF") {
        true => Ok((shown, map)),
        false => Err(ModelError::NotGguf { path: shown, found: beginning(&map) }),
    }
}

fn beginning(bytes: &[u8]) -> String {
    match bytes.get(..bytes.len().min(12)) {
        None | Some([]) => "nothing: it is empty".into(),
        Some(start) => format!("\"{}\"", start.escape_ascii()),
    }
}

fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}
