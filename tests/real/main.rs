//! Tests on the real default model; run in the release profile, after `infill-ls model pull`.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests; what they measured is worth reading")]

mod parity;
mod requirement;
