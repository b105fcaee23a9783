//! Which instruction sets the kernels are written for, and which of them this machine has.
//! Not about the number of cores: that is the worker pool's.

use std::fmt;

/// An implementation of the kernels. All of them give the same results for matrix products, bit for bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CpuKernel {
    /// Plain Rust, for every CPU.
    Portable,
    /// x86 with AVX2, FMA and F16C: every PC since 2015.
    Avx2,
    /// x86 with AVX-512 F, BW, VL and VNNI: Ice Lake, Zen 4 and later.
    Avx512Vnni,
    /// 64-bit ARM with the `dotprod` extension: Apple silicon, Neoverse N1 and later.
    NeonDotprod,
}

impl CpuKernel {
    /// Every kernel, slowest first.
    pub const ALL: [Self; 4] = [Self::Portable, Self::Avx2, Self::Avx512Vnni, Self::NeonDotprod];

    /// The fastest kernel that this machine has.
    pub fn best() -> Self {
        Self::ALL.into_iter().rev().find(|kernel| kernel.is_available()).unwrap_or(Self::Portable)
    }

    /// The kernels that this machine has, slowest first.
    pub fn available() -> Vec<Self> {
        Self::ALL.into_iter().filter(|kernel| kernel.is_available()).collect()
    }

    /// Whether this machine can run the kernel. Cheap: the standard library remembers the answer.
    pub fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            Self::Avx2 => has_avx2(),
            Self::Avx512Vnni => has_avx512_vnni(),
            Self::NeonDotprod => has_neon_dotprod(),
        }
    }

    /// The name for logs and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512Vnni => "avx512-vnni",
            Self::NeonDotprod => "neon-dotprod",
        }
    }
}

impl fmt::Display for CpuKernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx2() -> bool {
    false
}

#[cfg(target_arch = "x86_64")]
fn has_avx512_vnni() -> bool {
    has_avx2()
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vnni")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx512_vnni() -> bool {
    false
}

#[cfg(target_arch = "aarch64")]
fn has_neon_dotprod() -> bool {
    std::arch::is_aarch64_feature_detected!("neon") && std::arch::is_aarch64_feature_detected!("dotprod")
}

#[cfg(not(target_arch = "aarch64"))]
fn has_neon_dotprod() -> bool {
    false
}
