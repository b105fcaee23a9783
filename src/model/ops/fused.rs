//! Attention in one kernel of a GPU, which keeps no scores in memory: candle's flash attention on NVIDIA's (Ampere and newer,
//! in builds with the feature `flash-attn`), its `sdpa` on Apple's. Both take queries, keys and values in half precision.
//! What a kernel cannot do is left to the other ops, and whether it computes rightly on this GPU is tried first: one that
//! was compiled for another GPU says nothing and leaves its output as it found it.

use candle_core::{DType, Device, Result, Tensor};

use super::on_device::scaled_dot_product;
use crate::model::kernels::AttentionShape;

/// The widest heads that flash attention is used for.
const FLASH_HEAD_DIM: usize = 256;

/// The widths of heads that `sdpa` is used for: it has these for one query as well as for many.
const SDPA_HEAD_DIMS: [usize; 5] = [32, 64, 96, 128, 256];

/// Positions at the end of how many that are tried: several, and one of few and of so many that another kernel takes them.
const TRIED: [(usize, usize); 3] = [(17, 40), (1, 40), (1, 1100)];

/// A window that counts among those.
const TRIED_WINDOW: usize = 8;

/// The largest difference that half precision makes to numbers below one.
const TOLERANCE: f32 = 0.01;

/// A kernel for all of attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fused {
    /// candle-flash-attn.
    Flash,
    /// `candle_nn::ops::sdpa`.
    Sdpa,
}

/// What flash attention is told beside its tensors. Queries are the last positions; each sees its own and those before.
#[derive(Debug, Clone, Copy)]
struct FlashCall {
    scale: f32,
    /// Positions before its own that a query sees at most.
    left: Option<usize>,
    soft_cap: Option<f32>,
}

/// What `sdpa` is told beside its tensors.
#[derive(Debug, Clone, Copy)]
struct SdpaCall {
    is_causal: bool,
    scale: f32,
    soft_cap: Option<f32>,
}

impl Fused {
    /// Returns the kernel for a device, if there is one that computes attention of this shape rightly there.
    pub(super) fn of(device: &Device, shape: AttentionShape, is_windowed: bool) -> Option<Self> {
        let kernel = match device {
            Device::Cuda(_) if cfg!(feature = "flash-attn") => Self::Flash,
            Device::Metal(_) => Self::Sdpa,
            _ => return None,
        };
        if !kernel.has_head_dim(shape.head_dim) {
            tracing::info!(
                ?kernel,
                width = shape.head_dim,
                "the fused attention does not have heads of this width"
            );
            return None;
        }
        let attend = |[q, keys, values]: [&Tensor; 3], shape| kernel.attend(q, keys, values, shape);
        kernel.is_right(device, shape, is_windowed, attend).then_some(kernel)
    }

    fn has_head_dim(self, head_dim: usize) -> bool {
        match self {
            Self::Flash => head_dim.is_multiple_of(8) && head_dim <= FLASH_HEAD_DIM,
            Self::Sdpa => SDPA_HEAD_DIMS.contains(&head_dim),
        }
    }

    /// Returns whether it can do this for the last `n` of `len` positions. `sdpa` knows no windows, and a cap for one query only.
    pub(super) fn can(self, n: usize, len: usize, shape: AttentionShape) -> bool {
        let sees_all = shape.window.is_none_or(|window| len <= window);
        match self {
            Self::Flash => true,
            Self::Sdpa => n == 1 || (sees_all && shape.soft_cap.is_none()),
        }
    }

    /// Attends `q` `[heads, n, d]`, the last `n` positions, to `keys` and `values` `[kv_heads, len, d]` in half precision;
    /// returns `[n, heads * d]`.
    pub(super) fn attend(
        self,
        q: &Tensor,
        keys: &Tensor,
        values: &Tensor,
        shape: AttentionShape,
    ) -> Result<Tensor> {
        match self {
            Self::Flash => flash(q, keys, values, shape, flash_attn),
            Self::Sdpa => sdpa(q, keys, values, shape, |q, keys, values, call| {
                let cap = call.soft_cap.unwrap_or(1.0);
                candle_nn::ops::sdpa(q, keys, values, None, call.is_causal, call.scale, cap)
            }),
        }
    }

    /// Returns whether `attend` gives on `device` what the other ops give, in all that the kernel can.
    fn is_right(
        self,
        device: &Device,
        shape: AttentionShape,
        is_windowed: bool,
        attend: impl Fn([&Tensor; 3], AttentionShape) -> Result<Tensor>,
    ) -> bool {
        let difference = |(n, len, shape): (usize, usize, AttentionShape)| -> Result<f32> {
            let AttentionShape { heads, kv_heads, head_dim, .. } = shape;
            let numbers = |heads: usize, n: usize| Tensor::randn(0f32, 0.5, (heads, n, head_dim), device);
            let half = |x: Tensor| x.to_dtype(DType::F16);
            let (q, keys, values) =
                (numbers(heads, n)?, half(numbers(kv_heads, len)?)?, half(numbers(kv_heads, len)?)?);
            let wanted = scaled_dot_product(&q, &keys, &values, shape)?;
            let differences: Vec<f32> =
                (attend([&q, &keys, &values], shape)? - wanted)?.abs()?.flatten_all()?.to_vec1()?;
            // What is not a number is no small difference.
            let larger = |most: f32, one: f32| if one.is_nan() || one > most { one } else { most };
            Ok(differences.into_iter().fold(0.0, larger))
        };
        let windows = [None].into_iter().chain(is_windowed.then_some(Some(TRIED_WINDOW)));
        let tried =
            windows.flat_map(|window| TRIED.map(|(n, len)| (n, len, AttentionShape { window, ..shape })));
        let differences: Vec<_> =
            tried.filter(|&(n, len, shape)| self.can(n, len, shape)).map(difference).collect();
        let is_right = differences.iter().all(|one| matches!(one, Ok(difference) if *difference < TOLERANCE));
        if !is_right {
            tracing::warn!(
                ?differences,
                "the fused attention does not compute rightly on this GPU, and is not used"
            );
        }
        is_right
    }
}

/// Gives flash attention `[1, positions, heads, d]`, as views where it can be.
fn flash(
    q: &Tensor,
    keys: &Tensor,
    values: &Tensor,
    shape: AttentionShape,
    kernel: impl Fn(&Tensor, &Tensor, &Tensor, FlashCall) -> Result<Tensor>,
) -> Result<Tensor> {
    let (heads, n, d) = q.dims3()?;
    let positions_first = |x: &Tensor| x.transpose(0, 1)?.unsqueeze(0);
    let left = shape.window.map(|window| window.saturating_sub(1));
    let call = FlashCall { scale: shape.scale, left, soft_cap: shape.soft_cap };
    let q = positions_first(&q.to_dtype(keys.dtype())?)?;
    let out = kernel(&q, &positions_first(keys)?, &positions_first(values)?, call)?;
    out.reshape((n, heads * d))?.to_dtype(DType::F32)
}

/// Gives `sdpa` `[1, heads, positions, d]`.
fn sdpa(
    q: &Tensor,
    keys: &Tensor,
    values: &Tensor,
    shape: AttentionShape,
    kernel: impl Fn(&Tensor, &Tensor, &Tensor, SdpaCall) -> Result<Tensor>,
) -> Result<Tensor> {
    let (heads, n, d) = q.dims3()?;
    let len = keys.dim(1)?;
    // A single query sees what is there, so that a window is what is not there.
    let seen = shape.window.filter(|_| n == 1).map_or(len, |window| window.min(len));
    let seen = |x: &Tensor| {
        let x = x.narrow(1, len - seen, seen)?;
        // The kernel for one query takes it that the rows of a head lie one behind the other, which they do not where two
        // caches were put together.
        let x = if x.stride()[1..] == [d, 1] { x } else { x.contiguous()? };
        x.unsqueeze(0)
    };
    let call = SdpaCall { is_causal: n > 1, scale: shape.scale, soft_cap: shape.soft_cap };
    let q = q.to_dtype(keys.dtype())?.contiguous()?.unsqueeze(0)?;
    let out = kernel(&q, &seen(keys)?, &seen(values)?, call)?;
    out.squeeze(0)?.transpose(0, 1)?.reshape((n, heads * d))?.to_dtype(DType::F32)
}

#[cfg(feature = "flash-attn")]
fn flash_attn(q: &Tensor, keys: &Tensor, values: &Tensor, call: FlashCall) -> Result<Tensor> {
    let FlashCall { scale, left, soft_cap } = call;
    let cap = soft_cap.unwrap_or(0.0);
    candle_flash_attn::flash_attn_alibi_windowed_softcap(q, keys, values, None, scale, left, Some(0), cap)
}

#[cfg(not(feature = "flash-attn"))]
fn flash_attn(_: &Tensor, _: &Tensor, _: &Tensor, call: FlashCall) -> Result<Tensor> {
    let FlashCall { scale, left, soft_cap } = call;
    candle_core::bail!(
        "built without flash attention (scale {scale}, window {left:?}, cap {soft_cap:?}): build with `--features flash-attn`"
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use candle_nn::attention::{AttnMask, flash_attn};

    use super::*;

    const PLAIN: AttentionShape =
        AttentionShape { heads: 6, kv_heads: 2, head_dim: 32, scale: 0.18, soft_cap: None, window: None };

    fn numbers(seed: usize, dims: (usize, usize, usize)) -> Tensor {
        let scattered = |i: usize| ((i + seed) * 7919 % 1009) as f32 / 252.0 - 2.0;
        let values: Vec<f32> = (0..dims.0 * dims.1 * dims.2).map(scattered).collect();
        Tensor::from_vec(values, dims, &Device::Cpu).unwrap().to_dtype(DType::F16).unwrap()
    }

    /// Keys or values as a cache gives them: the first `len` of the rows that it has room for.
    fn held(seed: usize, shape: AttentionShape, len: usize) -> Tensor {
        numbers(seed, (shape.kv_heads, len + 13, shape.head_dim)).narrow(1, 0, len).unwrap()
    }

    /// The same where a sequence stands on the first rows of another cache.
    fn forked(seed: usize, shape: AttentionShape, len: usize) -> Tensor {
        let base = held(seed, shape, len / 2);
        Tensor::cat(&[&base, &held(seed + 1, shape, len - len / 2)], 1).unwrap()
    }

    /// What candle-flash-attn says of itself, by candle's own flash attention for CPUs, which takes a mask for a window.
    fn flash_on_cpu(q: &Tensor, keys: &Tensor, values: &Tensor, call: FlashCall) -> Result<Tensor> {
        for x in [q, keys, values] {
            assert_eq!((x.dtype(), x.stride()[3]), (DType::F16, 1), "the kernel wants rows in one piece");
        }
        let (_, n, _, _) = q.dims4()?;
        let (_, len, _, _) = keys.dims4()?;
        let float = |x: &Tensor| x.to_dtype(DType::F32);
        let looks = |row: usize, column: usize| {
            let own = len - n + row;
            column <= own && call.left.is_none_or(|left| own - column <= left)
        };
        let cell = |row, column| if looks(row, column) { 0.0 } else { f32::NEG_INFINITY };
        let mask: Vec<f32> = (0..n).flat_map(|row| (0..len).map(move |column| cell(row, column))).collect();
        let mask = AttnMask::Mask(Tensor::from_vec(mask, (n, len), q.device())?);
        let (q, keys, values) = (float(q)?, float(keys)?, float(values)?);
        let out = flash_attn::<f32>(&q, &keys, &values, call.scale, mask, None, call.soft_cap)?;
        // For CPUs the heads come first in what it returns.
        out.transpose(1, 2)?.contiguous()?.to_dtype(DType::F16)
    }

    /// What `sdpa` says of itself.
    fn sdpa_on_cpu(q: &Tensor, keys: &Tensor, values: &Tensor, call: SdpaCall) -> Result<Tensor> {
        let (_, _, n, d) = q.dims4()?;
        assert!(q.is_contiguous() && call.is_causal == (n > 1));
        assert_eq!([keys.stride()[2..].to_vec(), values.stride()[2..].to_vec()], [[d, 1], [d, 1]]);
        let positions_first = |x: &Tensor| x.transpose(1, 2);
        let flash = FlashCall { scale: call.scale, left: None, soft_cap: call.soft_cap };
        flash_on_cpu(&positions_first(q)?, &positions_first(keys)?, &positions_first(values)?, flash)?
            .transpose(1, 2)?
            .contiguous()
    }

    fn shapes() -> [AttentionShape; 4] {
        let (window, soft_cap) = (Some(5), Some(3.0));
        [
            PLAIN,
            AttentionShape { window, ..PLAIN },
            AttentionShape { soft_cap, ..PLAIN },
            AttentionShape { window, soft_cap, ..PLAIN },
        ]
    }

    /// Runs `attend` in all shapes, for whole texts, for their ends and for single positions, and compares.
    fn compare(kernel: Fused, attend: impl Fn([&Tensor; 3], AttentionShape) -> Result<Tensor>) -> usize {
        let mut compared = 0;
        for shape in shapes() {
            for (n, len) in [(7, 7), (4, 19), (1, 1), (1, 19), (3, 4)] {
                if !kernel.can(n, len, shape) {
                    continue;
                }
                let q = numbers(len, (shape.heads, n, shape.head_dim)).to_dtype(DType::F32).unwrap();
                let alone = (held(1, shape, len), held(2, shape, len));
                for (keys, values) in [alone, (forked(1, shape, len), forked(2, shape, len))] {
                    let wanted = scaled_dot_product(&q, &keys, &values, shape).unwrap();
                    let got = attend([&q, &keys, &values], shape).unwrap();
                    assert_eq!((got.dims(), got.dtype()), (wanted.dims(), DType::F32));
                    let difference = (got - wanted).unwrap().abs().unwrap().max_all().unwrap();
                    let difference: f32 = difference.to_scalar().unwrap();
                    assert!(difference < 2e-3, "{difference} for {n} of {len} in {shape:?}");
                    compared += 1;
                }
            }
        }
        compared
    }

    #[test]
    fn flash_attention_is_given_what_gives_the_same_as_the_other_ops() {
        assert_eq!(compare(Fused::Flash, |[q, k, v], shape| flash(q, k, v, shape, flash_on_cpu)), 40);
    }

    #[test]
    fn sdpa_is_given_what_gives_the_same_as_the_other_ops_and_the_rest_is_left_to_them() {
        // All but several positions with a cap, or beyond a window.
        assert_eq!(
            compare(Fused::Sdpa, |[q, k, v], shape| sdpa(q, k, v, shape, sdpa_on_cpu)),
            2 * (5 + 3 + 2 + 2)
        );
    }

    #[test]
    fn a_kernel_that_does_not_compute_rightly_is_found_out() {
        let tried_windowed = |kernel: &dyn Fn(&Tensor, &Tensor, &Tensor, FlashCall) -> Result<Tensor>,
                              windowed| {
            Fused::Flash
                .is_right(&Device::Cpu, PLAIN, windowed, |[q, k, v], shape| flash(q, k, v, shape, kernel))
        };
        let tried = |kernel: &dyn Fn(&Tensor, &Tensor, &Tensor, FlashCall) -> Result<Tensor>| {
            tried_windowed(kernel, false)
        };
        assert!(tried(&flash_on_cpu));
        assert!(!tried(&super::flash_attn), "this build has it not, or no GPU");
        assert!(!tried(&|q, _, _, _| q.zeros_like()));
        assert!(!tried(&|q, _, _, _| q.affine(0.0, f64::NAN)));
        let scaled = |call: FlashCall| FlashCall { scale: 0.5 * call.scale, ..call };
        assert!(!tried(&|q, k, v, call| flash_on_cpu(q, k, v, scaled(call))));
        let short = |call: FlashCall| FlashCall { left: Some(8), ..call };
        assert!(!tried(&|q, k, v, call| flash_on_cpu(q, k, v, short(call))));
        assert!(tried_windowed(&flash_on_cpu, true));
        let whole = |call: FlashCall| FlashCall { left: None, ..call };
        assert!(!tried_windowed(&|q, k, v, call| flash_on_cpu(q, k, v, whole(call)), true));
    }

    #[test]
    fn what_a_kernel_leaves_to_the_other_ops_is_not_tried() {
        let capped = AttentionShape { soft_cap: Some(3.0), ..PLAIN };
        let for_one_query = |q: &Tensor, keys: &Tensor, values: &Tensor, call: SdpaCall| match q.dim(2)? {
            1 => sdpa_on_cpu(q, keys, values, call),
            _ => candle_core::bail!("no caps for several queries"),
        };
        let attend = |[q, k, v]: [&Tensor; 3], shape| sdpa(q, k, v, shape, for_one_query);
        assert!(Fused::Sdpa.is_right(&Device::Cpu, capped, true, attend));
        assert!(!Fused::Sdpa.is_right(&Device::Cpu, PLAIN, true, attend));
    }

    #[test]
    fn a_cpu_has_no_fused_kernel() {
        assert_eq!(Fused::of(&Device::Cpu, PLAIN, false), None);
    }
}
