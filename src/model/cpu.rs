//! What this machine computes with: the kernels chosen, the features found, the cores.

use super::kernels::CpuKernel;

/// Returns the name of the kernels that are used here.
pub fn cpu_kernel() -> &'static str {
    CpuKernel::best().name()
}

/// Returns the features of this CPU that matter for the kernels.
pub fn cpu_features() -> Vec<&'static str> {
    let mut features = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        macro_rules! look {
            ($($name:tt),*) => { $(if std::arch::is_x86_feature_detected!($name) { features.push($name); })* };
        }
        look!("avx", "avx2", "fma", "f16c", "avxvnni", "avx512f", "avx512bw", "avx512vl", "avx512vnni");
    }
    #[cfg(target_arch = "aarch64")]
    {
        macro_rules! look {
            ($($name:tt),*) => { $(if std::arch::is_aarch64_feature_detected!($name) { features.push($name); })* };
        }
        look!("neon", "dotprod", "i8mm", "sve");
    }
    features
}

/// Returns the number of physical cores that this process may use; hyperthreads share the units that the kernels
/// keep busy, so more threads than that only get in each other's way.
pub fn physical_cores() -> usize {
    let usable = std::thread::available_parallelism().map_or(1, usize::from);
    match core_ids() {
        Some(cores) if cores > 0 => cores.min(usable),
        _ => usable,
    }
}

/// Counts distinct (package, core) pairs where Linux tells them.
fn core_ids() -> Option<usize> {
    let mut cores = std::collections::HashSet::new();
    for cpu in std::fs::read_dir("/sys/devices/system/cpu").ok()?.flatten() {
        let id = |name: &str| std::fs::read_to_string(cpu.path().join("topology").join(name)).ok();
        if let (Some(package), Some(core)) = (id("physical_package_id"), id("core_id")) {
            cores.insert((package, core));
        }
    }
    Some(cores.len())
}
