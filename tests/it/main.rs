//! The integration tests: one binary, one module for each part of what a user sees.
#![allow(clippy::unwrap_used)]

mod complete;
mod engine;
mod fetch;
mod inline;
mod model_files;
mod support;
mod syntax;
mod text;
mod tiny_model;
mod readme;
