//! The project around a document: which of its files may be read, what they define, and which file an import means.
//! What of it goes into a prompt is decided elsewhere; nothing here knows a model, a cursor or the protocol.
//!
//! The index is filled in the background and follows edits: only files that changed are read again. Files that ignore
//! rules exclude, that look like secrets, binaries, and huge files are never in it.

mod index;
mod resolve;
mod rules;
mod scan;

pub use index::{IndexedFile, Place, Workspace};
pub use resolve::{Imported, Resolver};
pub use rules::{IGNORE_FILE, prepare};
