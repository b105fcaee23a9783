//! infill-ls: a code-completion language server with the model inside.

pub mod assist;
pub mod cli;
pub mod complete;
pub mod config;
pub mod engine;
pub mod fetch;
pub mod model;
pub mod server;
pub mod source;
pub mod stats;
pub mod syntax;
pub mod text;
