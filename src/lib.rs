//! infill-ls: a code-completion language server with the model inside.

pub mod cli;
pub mod complete;
pub mod engine;
pub mod source;
pub mod syntax;
pub mod text;
