//! The `infill-ls` program: hands the command line to [`infill_ls::cli`] and turns its answer into an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    infill_ls::cli::main()
}
