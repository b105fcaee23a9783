//! The operations between two linear layers: norm, rotary embedding, attention, activation, sum. Each takes the rows of
//! one chunk. On a CPU they are our kernels, whose results do not depend on the number of rows; elsewhere candle's ops.

mod fused;
mod on_cpu;
mod on_device;

use std::sync::Arc;

use candle_core::{D, DType, Device, Result, Tensor};

use super::architecture::{self, Activation};
use super::kernels::{AttentionShape, RotaryAngles, RotaryStyle, WorkerPool};
use super::kv_cache::LayerSpan;
use fused::Fused;
pub(super) use on_cpu::{failed, rows};

/// Where layers compute.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) device: Device,
    /// The threads of the kernels; `None` leaves everything to candle.
    pub(super) pool: Option<Arc<WorkerPool>>,
    /// A kernel for all of attention, where candle has one for the device.
    fused: Option<Fused>,
}

impl Place {
    /// The CPU, with our kernels.
    pub(super) fn on_threads(threads: usize) -> Self {
        Self { device: Device::Cpu, pool: Some(Arc::new(WorkerPool::new(threads))), fused: None }
    }

    /// A device, with candle's ops.
    pub(super) fn on_device(device: Device) -> Self {
        Self { device, pool: None, fused: None }
    }

    /// Computes attention of this shape in one kernel from now on, if the device has one. Some layers may look at the last
    /// positions only.
    pub(super) fn fuse_attention(&mut self, shape: AttentionShape, is_windowed: bool) {
        self.fused = Fused::of(&self.device, shape, is_windowed);
    }

    /// Returns how a GPU computes here, if it is one.
    pub(super) fn gpu(&self) -> Option<&'static str> {
        match (self.device.is_cpu(), self.fused) {
            (true, _) => None,
            (false, Some(_)) => Some("attention in one kernel, keys and values in 16 bits"),
            (false, None) => Some("attention in several steps, keys and values in 32 bits"),
        }
    }

    /// Returns in which precision candle's ops keep keys and values: in what the kernel for attention takes.
    pub(super) fn kept(&self) -> DType {
        if self.fused.is_some() { DType::F16 } else { DType::F32 }
    }

    /// Takes other threads, if it has threads.
    pub(super) fn compute_on(&mut self, pool: &Arc<WorkerPool>) {
        if let Some(own) = &mut self.pool {
            *own = Arc::clone(pool);
        }
    }
}

/// How the rows of one chunk turn, the same for all layers that look equally far back.
pub(super) struct Turn {
    style: RotaryStyle,
    angles: Angles,
}

enum Angles {
    Kernels(RotaryAngles),
    Candle { cos: Tensor, sin: Tensor },
}

/// How the rows of one chunk turn in each layer.
#[derive(Default)]
pub(super) struct Turns {
    everywhere: Option<Turn>,
    /// In layers that look at the last positions only, where they turn differently there.
    windowed: Option<Turn>,
}

impl Turns {
    /// Computes the angles of `n` positions from `first` on. A table for the whole context would cost a start-up time
    /// and memory that grow with it; these are half as many cosines a row as a head has numbers.
    pub(super) fn new(rotary: &architecture::Rotary, first: usize, n: usize, place: &Place) -> Result<Self> {
        let turn = |frequencies: &Vec<f64>| -> Result<Turn> {
            let angles = match place.pool {
                Some(_) => Angles::Kernels(RotaryAngles::new(frequencies, first, n).scaled(rotary.magnitude)),
                None => {
                    let (cos, sin) = on_device::angles(frequencies, first, n, &place.device)?;
                    Angles::Candle { cos: (cos * rotary.magnitude)?, sin: (sin * rotary.magnitude)? }
                }
            };
            Ok(Turn { style: rotary.style, angles })
        };
        Ok(Self {
            everywhere: Some(turn(&rotary.frequencies)?),
            windowed: rotary.windowed.as_ref().map(turn).transpose()?,
        })
    }

    /// Returns the turn in a layer; `None` where the model has learned its positions.
    pub(super) fn of(&self, is_windowed: bool) -> Option<&Turn> {
        self.windowed.as_ref().filter(|_| is_windowed).or(self.everywhere.as_ref())
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

    /// Normalises rows by their mean and variance.
    pub(super) fn layer_norm(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        epsilon: f64,
    ) -> Result<Tensor> {
        match &self.pool {
            Some(pool) => on_cpu::layer_norm(x, weight, bias, epsilon as f32, pool),
            None => candle_nn::ops::layer_norm(x, weight, bias, epsilon as f32),
        }
    }

    /// Normalises every head of `[n, heads * head_dim]` by itself.
    pub(super) fn head_norm(&self, x: &Tensor, weight: &Tensor, epsilon: f64) -> Result<Tensor> {
        let (n, width) = x.dims2()?;
        let head_dim = weight.dim(0)?;
        self.rms_norm(&x.reshape((n * width / head_dim, head_dim))?, weight, epsilon)?.reshape((n, width))
    }

    /// Returns `x + y`; may use `x`'s memory.
    pub(super) fn add(&self, x: Tensor, y: &Tensor) -> Result<Tensor> {
        match &self.pool {
            Some(pool) => on_cpu::add(x, y, pool),
            None => x + y,
        }
    }

    /// Returns `activation(gate) * up`; may use `gate`'s memory.
    pub(super) fn gated(&self, activation: Activation, gate: Tensor, up: &Tensor) -> Result<Tensor> {
        match (&self.pool, activation) {
            (Some(pool), _) => on_cpu::gated(activation, gate, up, pool),
            (None, Activation::Silu) => gate.silu()? * up,
            (None, Activation::Gelu) => gate.gelu()? * up,
        }
    }

    /// Returns `activation(x)`; may use `x`'s memory.
    pub(super) fn activate(&self, activation: Activation, x: Tensor) -> Result<Tensor> {
        match (&self.pool, activation) {
            (Some(pool), Activation::Gelu) => on_cpu::gelu(x, pool),
            // It works on each number by itself, so that the rows beside it do not count here either.
            (_, Activation::Silu) => x.silu(),
            (None, Activation::Gelu) => x.gelu(),
        }
    }

    /// Rotates queries and keys, writes keys and values into the cache's layer, and attends: `[n, heads * head_dim]`
    /// for the last `n` positions of `layer`.
    pub(super) fn attend(
        &self,
        projected: [Tensor; 3],
        turn: Option<&Turn>,
        layer: LayerSpan<'_>,
        shape: AttentionShape,
    ) -> Result<Tensor> {
        match (&self.pool, turn) {
            (Some(pool), None) => on_cpu::attend(projected, None, layer, shape, pool),
            (Some(pool), Some(Turn { style, angles: Angles::Kernels(angles) })) => {
                on_cpu::attend(projected, Some((*style, angles)), layer, shape, pool)
            }
            (None, None) => on_device::attend(projected, None, layer, shape, self.fused),
            (None, Some(Turn { style, angles: Angles::Candle { cos, sin } })) => {
                on_device::attend(projected, Some((*style, cos, sin)), layer, shape, self.fused)
            }
            _ => candle_core::bail!("the angles were made for another place"),
        }
    }
}

/// Returns the last row of `[n, width]`.
pub(super) fn last_row(x: &Tensor) -> Result<Tensor> {
    x.narrow(0, x.dim(D::Minus2)? - 1, 1)
}
