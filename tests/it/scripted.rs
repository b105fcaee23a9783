//! A model that says what a test tells it to, and one job run on an engine around it. Not a test itself.

use std::ops::ControlFlow;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use infill_ls::engine::{
    CancelToken, Engine, GenerationParams, Job, JobError, JobOutput, Parts, PromptTokens, RestAfter, Watch,
};
use infill_ls::model::{
    ForwardError, KvCache, LanguageModel, Logits, ModelError, Output, Sequence, TokenId, Tokenizer,
};

/// What a scripted model wants next after the tokens it was given; the likeliest has the highest number.
pub type Script = Box<dyn Fn(&[TokenId]) -> Vec<(TokenId, f32)> + Send + Sync>;

/// A model that follows a script and notes how many tokens each of its passes had.
pub struct Scripted {
    pub script: Script,
    pub vocabulary: usize,
    pub passes: Arc<Mutex<Vec<usize>>>,
}

impl LanguageModel for Scripted {
    fn new_cache(&self, capacity: usize) -> Result<KvCache, ModelError> {
        Ok(KvCache::without_layers(capacity))
    }

    fn forward(
        &self,
        sequence: &mut Sequence<'_>,
        tokens: &[TokenId],
        output: Output,
        interrupted: &dyn Fn() -> bool,
    ) -> Result<Option<Logits>, ForwardError> {
        sequence.reserve(tokens.len())?;
        self.passes.lock().unwrap().push(tokens.len());
        if interrupted() {
            return Err(ForwardError::Interrupted);
        }
        sequence.commit(tokens);
        let held: Vec<TokenId> = sequence.tokens().collect();
        let rows = match output {
            Output::Nothing => return Ok(None),
            Output::Last => 1,
            Output::All => tokens.len(),
        };
        let rows = (0..rows).rev().map(|behind| self.row(&held[..held.len() - behind]));
        Logits::from_rows(rows.collect()).map(Some)
    }
}

impl Scripted {
    fn row(&self, held: &[TokenId]) -> Vec<f32> {
        let mut row = vec![-10.0; self.vocabulary];
        for (token, score) in (self.script)(held) {
            row[token as usize] = score;
        }
        row
    }
}

/// An engine around a model, and what its jobs need.
pub struct Bench {
    pub engine: Engine,
    pub tokenizer: Arc<Tokenizer>,
}

/// What came of a job.
pub struct Told {
    pub output: JobOutput,
    /// Every piece that the watcher saw.
    pub pieces: Vec<String>,
}

impl Bench {
    /// Frees what was written before, which would be taken for a draft.
    pub fn forget(&self) {
        self.engine.forget(1);
    }

    pub fn new(model: Box<dyn LanguageModel>, tokenizer: Tokenizer, context: usize) -> Self {
        Self::with_draft_model(model, None, tokenizer, context)
    }

    pub fn with_draft_model(
        model: Box<dyn LanguageModel>,
        draft_model: Option<Box<dyn LanguageModel>>,
        tokenizer: Tokenizer,
        context: usize,
    ) -> Self {
        let tokenizer = Arc::new(tokenizer);
        let parts = Parts {
            model,
            draft_model,
            tokenizer: tokenizer.clone(),
            context,
            cache_bytes: 0,
            turn: Duration::from_secs(600),
            rest_after: RestAfter { ready: Duration::from_secs(600), tail: Duration::from_secs(600) },
        };
        Self { engine: Engine::start(parts).unwrap(), tokenizer }
    }

    /// Runs a job whose output must begin with `begins_with` until it ends or has written all of `stop`.
    pub fn run(&self, prompt: &str, begins_with: &str, stop: &str, params: GenerationParams) -> Told {
        let pieces = Arc::new(Mutex::new(Vec::<String>::new()));
        let (seen, stop) = (pieces.clone(), stop.to_owned());
        let watch = move |piece: &str| {
            let mut seen = seen.lock().unwrap();
            seen.push(piece.to_owned());
            match !stop.is_empty() && seen.concat().contains(&stop) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        };
        let output = self.answer(prompt, begins_with, Box::new(watch), params, CancelToken::new()).unwrap();
        let pieces = pieces.lock().unwrap().clone();
        Told { output, pieces }
    }

    /// Runs a job.
    pub fn answer(
        &self,
        prompt: &str,
        begins_with: &str,
        watch: Watch,
        params: GenerationParams,
        cancel: CancelToken,
    ) -> Result<JobOutput, JobError> {
        let (reply, replied) = channel();
        let reply = move |result| reply.send(result).unwrap();
        let tokens = self.tokenizer.encode(prompt).unwrap();
        let prompt = PromptTokens { tokens, begins_with: begins_with.into() };
        self.engine.submit(Job::new(1, prompt, params, watch, cancel, reply));
        replied.recv_timeout(Duration::from_secs(20)).expect("no reply came")
    }
}
