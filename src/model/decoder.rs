//! The decoder: one forward pass for every architecture that [`Architecture`] can describe.

mod layer;

use std::sync::Arc;

use candle_core::Tensor;

use super::architecture::{Architecture, Attention, Norm, Position};
use super::embedding::Embedding;
use super::kernels::WorkerPool;
use super::kv_cache::RowShape;
use super::linear::QuantLinear;
use super::ops::{self, Place, Turns};
use super::weights::Weights;
use super::{
    Compute, ForwardError, GgufFile, KvCache, LanguageModel, LoadOptions, Logits, ModelError, Output,
    Sequence, TokenId,
};
use layer::{Layer, NormWeights};

/// A loaded network.
pub struct Decoder {
    architecture: Architecture,
    place: Place,
    embedding: Embedding,
    layers: Vec<Layer>,
    /// A vector for each position, where those are learned.
    positions: Option<Tensor>,
    norm: NormWeights,
    output: QuantLinear,
    context: usize,
}

impl Decoder {
    /// Reads the weights.
    ///
    /// # Errors
    /// When a tensor is missing, has another shape than the description says, or cannot be held.
    pub fn from_gguf(
        file: &GgufFile,
        architecture: Architecture,
        options: LoadOptions,
    ) -> Result<Self, ModelError> {
        Self::from_weights(file, architecture, options)
    }

    /// Reads the weights out of any kind of file.
    pub(super) fn from_weights(
        file: &dyn Weights,
        architecture: Architecture,
        options: LoadOptions,
    ) -> Result<Self, ModelError> {
        let compute = match options.compute {
            Compute::Kernels if !architecture.fits_kernels() => Compute::Candle,
            compute => compute,
        };
        let mut place = compute.place(options.threads)?;
        let attention = &architecture.attention;
        let is_windowed = (0..architecture.layers).any(|layer| attention.is_windowed(layer));
        place.fuse_attention(attention.shape(0), is_windowed);
        Self::from_weights_at(file, architecture, place, options.context)
    }

    /// Reads the weights for threads or a device that are there already.
    pub(super) fn from_weights_at(
        file: &dyn Weights,
        mut architecture: Architecture,
        place: Place,
        context: usize,
    ) -> Result<Self, ModelError> {
        let device = &place.device;
        let (hidden, vocabulary) = (architecture.hidden, architecture.vocabulary);
        let embedding = file.matrix("token_embd.weight", vocabulary, hidden)?;
        let output = match architecture.tied_embeddings {
            true => QuantLinear::new(&embedding, None, &place)?,
            false => QuantLinear::new(&file.matrix("output.weight", vocabulary, hidden)?, None, &place)?,
        };
        let mut layers = Vec::with_capacity(architecture.layers);
        for index in 0..architecture.layers {
            layers.push(Layer::new(file, &architecture, index, &place)?);
        }
        let context = context.min(architecture.context);
        let positions = match &mut architecture.position {
            Position::Rotary(rotary) => {
                rotary.settle(context);
                None
            }
            Position::Learned => {
                let table = file.matrix("position_embd.weight", architecture.context, hidden)?;
                Some(table.to_qtensor(device)?.dequantize(device)?)
            }
        };
        let embedding = Embedding::new(file, &embedding, &place)?;
        let norm = NormWeights::new(file, "output_norm", &architecture, device)?;
        // A GPU has a queue of work for each thread, and another thread than this one will compute.
        device.synchronize()?;
        Ok(Self { embedding, norm, positions, architecture, place, layers, output, context })
    }

    /// Returns the positions in use.
    pub fn context(&self) -> usize {
        self.context
    }

    /// Returns what the network is, what computes it, and the positions in use.
    pub(super) fn description(&self) -> (Architecture, Place, usize) {
        (self.architecture.clone(), self.place.clone(), self.context)
    }

    /// Has it computed on other threads, if it is computed on threads.
    pub(super) fn compute_on(&mut self, pool: &Arc<WorkerPool>) {
        self.place.compute_on(pool);
    }

    /// Returns the threads that compute, if it runs on the CPU's kernels.
    pub fn pool(&self) -> Option<Arc<WorkerPool>> {
        self.place.pool.clone()
    }

    /// Returns how a GPU computes it, if one does.
    pub fn gpu(&self) -> Option<&'static str> {
        self.place.gpu()
    }

    fn embed(&self, tokens: &[TokenId]) -> Result<Tensor, ForwardError> {
        let unknown = tokens.iter().find(|&&token| token as usize >= self.architecture.vocabulary);
        if let Some(&token) = unknown {
            return Err(ForwardError::UnknownToken(token));
        }
        Ok(times(self.embedding.rows(tokens, &self.place)?, self.architecture.scales.embedding)?)
    }

    fn turns(&self, first: usize, n: usize) -> candle_core::Result<Turns> {
        match &self.architecture.position {
            Position::Rotary(rotary) => Turns::new(rotary, first, n, &self.place),
            Position::Learned => Ok(Turns::default()),
        }
    }

    /// Adds what the model has learned of the positions from `first` on.
    fn placed(&self, x: Tensor, first: usize) -> candle_core::Result<Tensor> {
        match &self.positions {
            Some(positions) => &x + positions.narrow(0, first, x.dim(0)?)?,
            None => Ok(x),
        }
    }

    fn normalise(&self, x: &Tensor, norm: &NormWeights) -> candle_core::Result<Tensor> {
        match (&self.architecture.norm, &norm.bias) {
            (Norm::Layer { epsilon }, Some(bias)) => self.place.layer_norm(x, &norm.weight, bias, *epsilon),
            (Norm::Rms { epsilon } | Norm::Layer { epsilon }, _) => {
                self.place.rms_norm(x, &norm.weight, *epsilon)
            }
        }
    }

    /// Adds to the residual stream what an attention or an MLP gives.
    fn add(&self, x: Tensor, given: Tensor, norm: Option<&NormWeights>) -> candle_core::Result<Tensor> {
        let given = match norm {
            Some(norm) => self.normalise(&given, norm)?,
            None => given,
        };
        self.place.add(x, &times(given, self.architecture.scales.residual)?)
    }

    /// Attention of one layer over the sequence, which it extends by the rows of `x`.
    fn attention(
        &self,
        index: usize,
        x: &Tensor,
        turns: &Turns,
        sequence: &mut Sequence<'_>,
    ) -> candle_core::Result<Tensor> {
        let layer = &self.layers[index];
        let x = self.normalise(x, &layer.attention_norm)?;
        let projections = [&layer.query, &layer.key, &layer.value];
        let mut projected = QuantLinear::forward_all(projections, &x, &self.place)?;
        if let (Some(norms), Norm::Rms { epsilon }) = (&layer.head_norms, &self.architecture.norm) {
            for (x, weight) in projected.iter_mut().zip(norms) {
                *x = self.place.head_norm(x, weight, *epsilon)?;
            }
        }
        let attention = &self.architecture.attention;
        let turn = turns.of(attention.is_windowed(index)).filter(|_| self.architecture.turns(index));
        let attended = self.place.attend(projected, turn, sequence.layer(index), attention.shape(index))?;
        layer.attention_output.forward(&attended, &self.place)
    }

    fn feed_forward(&self, index: usize, x: &Tensor) -> candle_core::Result<Tensor> {
        let layer = &self.layers[index];
        let x = self.normalise(x, &layer.mlp_norm)?;
        let activation = self.architecture.mlp.activation;
        let inner = match &layer.gate {
            Some(gate) => {
                let [gate, up] = QuantLinear::forward_all([gate, &layer.up], &x, &self.place)?;
                self.place.gated(activation, gate, &up)?
            }
            None => self.place.activate(activation, layer.up.forward(&x, &self.place)?)?,
        };
        layer.down.forward(&inner, &self.place)
    }

    fn logits(&self, x: &Tensor, output: Output) -> Result<Option<Logits>, ForwardError> {
        let rows = match output {
            Output::Nothing => return Ok(None),
            Output::Last => ops::last_row(x)?,
            Output::All => x.clone(),
        };
        let logits = self.output.forward(&self.normalise(&rows, &self.norm)?, &self.place)?;
        let scales = &self.architecture.scales;
        let logits = times(logits, scales.logits)?;
        Ok(Some(Logits::new(match scales.logit_cap {
            Some(cap) => ((logits / cap)?.tanh()? * cap)?,
            None => logits,
        })))
    }
}

impl LanguageModel for Decoder {
    fn new_cache(&self, capacity: usize) -> Result<KvCache, ModelError> {
        let Attention { kv_heads, head_dim, .. } = self.architecture.attention;
        let shape = RowShape { layers: self.layers.len(), kv_heads, head_dim };
        let capacity = capacity.min(self.context);
        match self.place.pool {
            Some(_) => KvCache::of_rows(shape, capacity),
            None => KvCache::of_tensors(shape, capacity, &self.place.device, self.place.kept()),
        }
    }

    fn forward(
        &self,
        sequence: &mut Sequence<'_>,
        tokens: &[TokenId],
        output: Output,
        interrupted: &dyn Fn() -> bool,
    ) -> Result<Option<Logits>, ForwardError> {
        if tokens.is_empty() {
            return Ok(None);
        }
        sequence.reserve(tokens.len())?;
        let turns = self.turns(sequence.len(), tokens.len())?;
        let mut x = self.placed(self.embed(tokens)?, sequence.len())?;
        for index in 0..self.layers.len() {
            if interrupted() {
                self.place.device.synchronize()?;
                return Err(ForwardError::Interrupted);
            }
            let attended = self.attention(index, &x, &turns, sequence)?;
            x = self.add(x, attended, self.layers[index].attention_post_norm.as_ref())?;
            let fed = self.feed_forward(index, &x)?;
            x = self.add(x, fed, self.layers[index].mlp_post_norm.as_ref())?;
        }
        let logits = self.logits(&x, output)?;
        if logits.is_none() {
            // Nobody waits for numbers from a GPU here, and the next pass may come from another thread, whose work has a queue of
            // its own.
            self.place.device.synchronize()?;
        }
        sequence.commit(tokens);
        Ok(logits)
    }
}

/// Returns `x * factor`; nothing is computed for the factor 1 that most models have.
fn times(x: Tensor, factor: f64) -> candle_core::Result<Tensor> {
    if factor == 1.0 { Ok(x) } else { x * factor }
}
