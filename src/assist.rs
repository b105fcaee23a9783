//! Larger pieces of writing that a person asks for by a code action: one file each. They plan from a snapshot, ask a
//! source in the model's chat form, and come back with edits; the protocol is the server's business.

mod chat;
pub mod implement;
mod layout;
