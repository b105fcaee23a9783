//! The completion logic: document and offset to prompt, generated text to completion. Pure: nothing here blocks,
//! touches the network or knows the model.
//!
//! In the order in which a keystroke meets them: [`Cache`] answers what was suggested already; [`silence`] says that
//! nothing is wanted; [`mode`] decides between a line and a block; [`prompt`] cuts the file to a [`Budget`];
//! [`StopCondition`] watches the model write; [`finish`] mends what it wrote, or gives the [`Reason`] why nothing is shown.
//! Everything but the prompt reads a bounded window around the cursor, so the size of the document does not matter.

mod ablation;
mod accepted;
mod anchor;
mod brackets;
mod cache;
mod confidence;
pub mod context;
mod finish;
mod fit;
mod layout;
mod marker;
mod mode;
mod overlap;
mod parts;
mod portion;
mod prompt;
mod reason;
mod repetition;
mod stop;
mod surroundings;
mod unclosed;
mod window;

pub use accepted::accepted;
pub use anchor::{Anchored, Reach, file_prompt};
pub use cache::{Cache, interpolate, typed_since};
pub use confidence::{Confidence, sure_part};
pub use context::{Context, Piece, PieceSource};
pub use finish::{Completion, finish, silence};
pub use mode::{Mode, mode};
pub use parts::{Prompt, TokenCount, TokenOdds};
pub use portion::Portion;
pub use prompt::{Budget, prompt};
pub use reason::Reason;
pub use stop::StopCondition;
