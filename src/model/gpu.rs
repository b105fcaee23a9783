//! GPUs: whether this build can use one, and whether this machine has it. candle says only the former before it is asked for
//! a device. Each is looked for once, so that all models of a process use the same.

use std::sync::OnceLock;

use candle_core::Device;

/// Returns the first NVIDIA GPU, or why there is none.
pub(super) fn cuda() -> Result<Device, String> {
    static FOUND: OnceLock<Result<Device, String>> = OnceLock::new();
    FOUND.get_or_init(|| Device::new_cuda(0).map_err(|error| first_line(&error.to_string()))).clone()
}

/// Returns the first Apple GPU, or why there is none.
pub(super) fn metal() -> Result<Device, String> {
    static FOUND: OnceLock<Result<Device, String>> = OnceLock::new();
    FOUND.get_or_init(|| Device::new_metal(0).map_err(|error| first_line(&error.to_string()))).clone()
}

/// candle adds a backtrace to its messages where one is asked for.
fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}
