//! What the model is asked for, one file each: the completion at a cursor, and the larger pieces of writing that a
//! person asks for by a code action. They plan from a snapshot, ask a source, and come back with edits; the protocol is
//! the server's business.

mod chat;
pub mod implement;
mod imports;
pub mod infill;
mod layout;
mod prompts;
