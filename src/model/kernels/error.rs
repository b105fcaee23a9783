//! What can be wrong with the arguments of a kernel. Not about what can be wrong with a model file.

use std::fmt;

/// A kernel was called with sizes that do not fit together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KernelError {
    /// The number of columns is not a multiple of the format's block.
    Columns { cols: usize, block: usize },
    /// A slice is not as long as its sizes say.
    Length { what: &'static str, expected: usize, actual: usize },
    /// Sizes of zero, or so large that their product overflows.
    Size { what: &'static str },
    /// The instruction set asked for is not there on this machine.
    Unavailable { kernel: &'static str },
    /// The system gives no memory.
    Memory { bytes: usize, reason: std::io::ErrorKind },
}

impl fmt::Display for KernelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Columns { cols, block } => write!(
                f,
                "a quantised tensor has {cols} columns, which is no multiple of its block of {block}; the file is damaged or of an unknown kind"
            ),
            Self::Length { what, expected, actual } => {
                write!(f, "{what} has length {actual} where {expected} was expected")
            }
            Self::Size { what } => write!(f, "{what} is zero or too large"),
            Self::Memory { bytes, reason } => {
                write!(
                    f,
                    "the system gives no {bytes} bytes of memory ({reason}); a smaller model needs less"
                )
            }
            Self::Unavailable { kernel } => {
                write!(
                    f,
                    "this CPU has no {kernel}; choose another kernel or leave the choice to the program"
                )
            }
        }
    }
}

impl std::error::Error for KernelError {}

/// Checks the length of a slice.
pub(super) fn expect_len(what: &'static str, actual: usize, expected: usize) -> Result<(), KernelError> {
    if actual == expected { Ok(()) } else { Err(KernelError::Length { what, expected, actual }) }
}
