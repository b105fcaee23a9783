//! What the model is asked for, one file each: the completion at a cursor, and the larger pieces of work that a person asks
//! for by a code action or a command. They plan from a snapshot, ask a source, check what comes, and come back with edits
//! or with a text to read; the protocol is the server's business.
//!
//! `task` is the list of them, and the one way in for the server and the command line.

mod ask;
mod chat;
mod check;
mod check_command;
mod document;
mod edit;
mod examples;
mod explain;
mod focus;
mod generate;
mod hunks;
mod implement;
mod imports;
pub mod infill;
mod layout;
mod limits;
mod mend;
mod moved;
mod order;
mod page;
mod prompts;
mod rename;
mod rewrite;
mod simplify;
mod stated;
mod task;
mod translate;
mod write_tests;

pub use ask::{Attached, Turn, ask};
pub use check::applied;
pub use check_command::{CheckCommand, Checked};
pub use explain::{Audience, explain};
pub use focus::Focus;
pub use generate::{Generate, Generated, generate};
pub use hunks::hunks;
pub use limits::Limits;
pub use mend::{Accepts, Fault, mend};
pub use moved::moved;
pub use order::{AssistError, Heard, Order, Step};
pub use page::Page;
pub use stated::stated_faults;
pub use task::{Done, Offer, Options, Product, Task, offers, perform};
