pub mod cli;
pub mod complete;
pub mod engine;
pub mod fetch;
pub mod model;
pub mod source;
pub mod syntax;
pub mod text;
