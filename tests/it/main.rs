//! The integration tests: one binary, one module for each part of what a user sees.
#![allow(clippy::unwrap_used)]

mod actions;
mod bad_input;
mod bench_typing;
mod cancellation;
mod complete;
mod completion_items;
mod configuration;
mod engine;
mod fetch;
mod inline;
mod lifecycle;
mod model_files;
mod readme;
mod support;
mod sync;
mod syntax;
mod text;
mod tidy;
mod tiny_model;
