//! The operations between two linear layers: norm, rotary embedding, attention, activation, sum. Each takes the rows of
//! one chunk. On a CPU they are our kernels, whose results do not depend on the number of rows; elsewhere candle's ops.

mod on_cpu;
mod on_device;

use std::sync::Arc;

use candle_core::{D, Device, Result, Tensor};

use super::architecture::Attention;
use super::kernels::{RotaryAngles, WorkerPool, rotary_frequencies};
use super::kv_cache::LayerSpan;
pub(super) use on_cpu::{failed, rows};

/// Where layers compute.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) device: Device,
    /// The threads of the kernels; `None` leaves everything to candle.
    pub(super) pool: Option<Arc<WorkerPool>>,
}

/// The rotary embedding of a model.
pub(super) struct Rotary {
    frequencies: Vec<f64>,
}

/// The angles of the rows of one chunk, the same for all layers.
pub(super) enum Angles {
    Kernels(RotaryAngles),
    Candle {
        cos: Tensor,
        sin: Tensor,
    },
    /// The model has learned its positions: nothing turns.
    None,
}

impl Rotary {
    pub(super) fn new(head_dim: usize, base: f64) -> Self {
        Self { frequencies: rotary_frequencies(head_dim, base) }
    }

    /// Computes the angles of `n` positions from `first` on. A table for the whole context would cost a start-up time
    /// and memory that grow with it; these are 64 cosines a row.
    pub(super) fn angles(&self, first: usize, n: usize, place: &Place) -> Result<Angles> {
        match place.pool {
            Some(_) => Ok(Angles::Kernels(RotaryAngles::new(&self.frequencies, first, n))),
            None => on_device::angles(&self.frequencies, first, n, &place.device),
        }
    }
}

impl Place {
    /// Normalises rows by their root mean square.
    pub(super) fn rms_norm(&self, x: &Tensor, weight: &Tensor, epsilon: f64) -> Result<Tensor> {
        match &self.pool {
            Some(pool) => on_cpu::rms_norm(x, weight, epsilon as f32, pool),
            None => candle_nn::ops::rms_norm(x, weight, epsilon as f32),
        }
    }

    /// Returns `x + y`; may use `x`'s memory.
    pub(super) fn add(&self, x: Tensor, y: &Tensor) -> Result<Tensor> {
        match &self.pool {
            Some(pool) => on_cpu::add(x, y, pool),
            None => x + y,
        }
    }

    /// Returns `silu(gate) * up`; may use `gate`'s memory.
    pub(super) fn gated_silu(&self, gate: Tensor, up: &Tensor) -> Result<Tensor> {
        match &self.pool {
            Some(pool) => on_cpu::gated_silu(gate, up, pool),
            None => gate.silu()? * up,
        }
    }

    /// Rotates queries and keys, writes keys and values into the cache's layer, and attends: `[n, heads * head_dim]`
    /// for the last `n` positions of `layer`.
    pub(super) fn attend(
        &self,
        [query, key, value]: [Tensor; 3],
        angles: &Angles,
        layer: LayerSpan<'_>,
        shape: &Attention,
    ) -> Result<Tensor> {
        match (&self.pool, angles) {
            (Some(pool), Angles::Kernels(angles)) => {
                on_cpu::attend([query, key, value], angles, layer, shape, pool)
            }
            (None, Angles::Candle { cos, sin }) => {
                on_device::attend([query, key, value], Some((cos, sin)), layer, shape)
            }
            (None, Angles::None) => on_device::attend([query, key, value], None, layer, shape),
            _ => candle_core::bail!("the angles were made for another place"),
        }
    }
}

/// Returns the last row of `[n, width]`.
pub(super) fn last_row(x: &Tensor) -> Result<Tensor> {
    x.narrow(0, x.dim(D::Minus2)? - 1, 1)
}
