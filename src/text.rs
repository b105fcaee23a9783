//! What the user edits: documents, their snapshots, positions in them and edits to them, and the languages they are in.
//!
//! The only user of ropey. Byte offsets are what the rest of the crate speaks; [`Position`] exists for the protocol's
//! border and for nothing else. Nothing here parses code: that is `syntax`.

mod document;
mod edit;
mod language;
mod position;
mod snapshot;

pub use document::{Change, ChangeError, Document};
pub use edit::TextEdit;
pub use language::Language;
pub use position::{Position, PositionEncoding};
pub use snapshot::Snapshot;
