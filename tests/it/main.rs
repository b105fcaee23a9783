//! The integration tests: one binary, one module for each part of what a user sees.
#![allow(clippy::unwrap_used)]

mod actions;
mod bad_input;
mod cancellation;
mod complete;
mod engine;
mod fetch;
mod inline;
mod model_files;
mod completion_items;
mod configuration;
mod fetch;
mod inline;
mod lifecycle;
mod support;
mod sync;
mod syntax;
mod text;
mod tiny_model;
mod readme;
mod tidy;
