//! Tests on the real default model; run in the release profile, after `infill-ls model pull`.
#![allow(clippy::unwrap_used)]

mod parity;
mod requirement;
