//! The integration tests: one binary, one module for each part of what a user sees.
#![allow(clippy::unwrap_used)]

mod complete;
mod fetch;
mod inline;
mod support;
mod syntax;
mod text;
