//! The integration tests: one binary, one module for each part of what a user sees.
#![allow(clippy::unwrap_used)]

mod accept;
mod actions;
mod bad_input;
mod bench_typing;
mod cancellation;
mod candidates;
mod commands;
mod complete;
mod completion_items;
mod configuration;
mod drafting;
mod engine;
mod fetch;
mod gpt2;
mod healing;
mod inline;
mod lifecycle;
mod model_files;
mod outcomes;
mod prompt_tokens;
mod prompts;
mod readme;
mod scripted;
mod setup;
mod silence;
mod statistics;
mod support;
mod sync;
mod syntax;
mod tasks;
mod text;
mod tidy;
mod tiny_model;
mod vscode;
mod workspace;
