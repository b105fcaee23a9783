//! What code is around a cursor: the comments that govern it, and the comment that asks for a function.
//!
//! The only user of tree-sitter. Languages without a grammar here, and code too broken to parse, are read by comment
//! markers and indentation instead, so every answer exists for every text. Nothing here edits, prompts or generates, and
//! nothing costs more for a large document than for a middling one: beyond a bound, only a window of it is read.

mod brief;
mod comment;
mod definitions;
mod describing;
mod docstring;
mod enclosing;
mod faults;
mod function;
mod grammar;
mod imports;
mod insertion;
mod item;
mod marker;
mod names;
mod outline;
mod python;
mod requirement;
mod source;
mod unwritten;

pub use brief::{brief, head};
pub use definitions::{Definition, DefinitionKind, definitions, definitions_and_imports, is_parsed};
pub use describing::{DescribingComment, Signature, describing_comment};
pub use faults::{faults, has_function};
pub use imports::{Import, imports};
pub use insertion::Insertion;
pub use item::{Item, ScopedName, item_at, name_at};
pub use names::{Name, names};
pub use requirement::{Requirement, RequirementKind, requirements};
pub use unwritten::unwritten_function;
