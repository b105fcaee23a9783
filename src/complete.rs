//! The completion logic: document and offset to prompt, generated text to completion. Pure: nothing here blocks,
//! touches the network or knows the model.

mod parts;

pub use parts::{Prompt, TokenCount};
