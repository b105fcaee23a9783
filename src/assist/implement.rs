//! "Write the function this comment describes": from the comment to the edit that adds the function, or that fills the
//! body of one whose signature is written already.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::chat::{FENCE, fenced};
use super::imports;
use super::layout::{self, Shape};
use crate::complete::{self, Budget, TokenCount};
use crate::engine::{CancelToken, GenerationParams};
use crate::source::{Input, Request, Source, SourceError};
use crate::syntax::{self, DescribingComment, Signature};
use crate::text::{Snapshot, TextEdit};

/// How much of the file the model sees around the comment, in tokens.
const AROUND: Budget = Budget { prefix_tokens: 800, suffix_tokens: 200 };

const SYSTEM: &str = "You are an expert programmer. You answer with code only: one complete function in one code \
                      block, without explanations, tests or example calls.";

/// A function that could be written.
#[derive(Debug, Clone)]
pub struct Plan {
    snapshot: Snapshot,
    comment: DescribingComment,
}

/// What a function is written with.
pub struct Order {
    /// The path of the file as the model is to see it.
    pub path: Option<String>,
    /// A branch of the source's that nothing else uses.
    pub branch: u64,
    /// The most tokens that are generated.
    pub max_tokens: usize,
    /// Stops it.
    pub cancel: CancelToken,
    /// Hears how many lines there are, whenever there is one more.
    pub progress: Box<dyn FnMut(usize) + Send>,
}

/// A function that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The edits, for the text that was planned with; they do not overlap.
    pub edits: Vec<TextEdit>,
    /// Tokens generated.
    pub tokens: usize,
}

/// Why there is no function.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The source could not.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The answer held no code.
    #[error(
        "the model wrote no function for this comment; say in it what goes in and what comes out, and try again"
    )]
    NoCode,
}

/// Returns the plan for the comment at byte `offset`, if there is one that describes a function.
pub fn plan(snapshot: &Snapshot, offset: usize) -> Option<Plan> {
    let comment = syntax::describing_comment(snapshot, offset)?;
    Some(Plan { snapshot: snapshot.clone(), comment })
}

/// Writes the function.
///
/// # Errors
/// When the source fails or is stopped, and when its answer is of no use.
pub async fn write(plan: Plan, source: &dyn Source, order: Order) -> Result<Written, WriteError> {
    let counter = source.counter().ok_or(SourceError::Loading)?;
    let answer = Arc::new(Mutex::new(String::new()));
    let request = Request {
        branch: order.branch,
        input: plan.input(order.path.as_deref(), &*counter),
        params: GenerationParams { max_tokens: order.max_tokens, ..GenerationParams::default() },
        watch: watch(plan.shape(), Arc::clone(&answer), order.progress),
        cancel: order.cancel,
        others: Vec::new(),
        latency: Duration::MAX,
        idle: false,
    };
    let generation = source.generate(request).await?;
    let answer = answer.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let edits = plan.edits(&answer).ok_or(WriteError::NoCode)?;
    Ok(Written { edits, tokens: generation.usage.decoded_tokens })
}

/// Collects the answer and stops when the function is complete.
fn watch(
    shape: Shape,
    answer: Arc<Mutex<String>>,
    mut progress: Box<dyn FnMut(usize) + Send>,
) -> crate::engine::Watch {
    Box::new(move |piece| {
        let mut answer = answer.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *answer += piece;
        if piece.contains('\n') {
            progress(answer.lines().count());
        }
        let (code, closed) = fenced(&answer);
        match closed || layout::end(code, shape).is_some() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    })
}

impl Plan {
    /// Returns what the model reads.
    fn input(&self, path: Option<&str>, counter: &dyn TokenCount) -> Input {
        let language = self.comment.language;
        let around = complete::prompt(&self.snapshot, self.context_end(), path, &AROUND, counter);
        let file = format!("{}\n", around.prompt.before_cursor().trim_end());
        let name = path.map_or_else(|| "the file".into(), |path| format!("the file `{path}`"));
        let fence = format!("{FENCE}{}\n", language.id());
        let begins = match &self.comment.signature {
            Some(signature) => format!("\n\nIt begins with `{}`.", signature.text.trim()),
            None => String::new(),
        };
        let user = format!(
            "This is {name}, in {}:\n\n{fence}{file}{FENCE}\n\nWrite the function that this comment describes:\n\n{}{begins}",
            language.name(),
            self.comment.text.trim(),
        );
        Input::Chat { system: SYSTEM.into(), user, answer_start: fence + &self.head() }
    }

    /// Returns where the text ends that the model sees: after the comment and what is written of the function.
    fn context_end(&self) -> usize {
        let signature = self.comment.signature.as_ref();
        signature.map_or(self.comment.insert_at, |signature| signature.body.start)
    }

    /// Returns the function's beginning as the user wrote it, which the model is made to go on from; nothing if there
    /// is none.
    fn head(&self) -> String {
        let Some(signature) = &self.comment.signature else {
            return String::new();
        };
        let end = match self.shape() {
            Shape::Braced => signature.body.start + 1,
            _ => signature.body.start,
        };
        let head = self.snapshot.slice(signature.range.start..end);
        let lines = head.lines().map(|line| line.strip_prefix(&self.comment.indentation).unwrap_or(line));
        lines.collect::<Vec<_>>().join("\n") + "\n"
    }

    fn shape(&self) -> Shape {
        match &self.comment.signature {
            None => Shape::Whole,
            Some(signature) if self.has_braces(signature) => Shape::Braced,
            Some(_) => Shape::Indented,
        }
    }

    fn has_braces(&self, signature: &Signature) -> bool {
        self.snapshot.slice(signature.body.start..signature.body.start + 1) == "{"
    }

    /// Returns the edits that an answer makes, none of which touches another.
    fn edits(&self, answer: &str) -> Option<Vec<TextEdit>> {
        let (code, _) = fenced(answer);
        let shape = self.shape();
        let code = layout::end(code, shape).map_or(code, |end| &code[..end]);
        let (imports, lines) = match shape {
            Shape::Whole => self.without_preamble(layout::without_examples(code)),
            _ => (Vec::new(), code.trim_end().lines().skip_while(|line| line.trim().is_empty()).collect()),
        };
        if lines.is_empty() {
            return None;
        }
        let function = self.function(&layout::indented(&lines, shape, &self.comment.indentation));
        let edits = imports::added(&imports, &self.snapshot, &self.comment).into_iter().chain([function]);
        let ending = self.snapshot.line_ending();
        Some(edits.map(|edit| TextEdit { text: edit.text.replace('\n', ending), ..edit }).collect())
    }

    /// Splits code into the imports that it begins with and what follows them, and drops the comment said again.
    fn without_preamble<'a>(&self, code: &'a str) -> (Vec<&'a str>, Vec<&'a str>) {
        let comment = self.snapshot.slice(self.comment.range.clone());
        let is_repeated = |line: &str| comment.lines().any(|said| said.trim() == line.trim());
        let is_preamble =
            |line: &&str| line.trim().is_empty() || imports::is_import(line) || is_repeated(line);
        let lines: Vec<&str> = code.trim_end().lines().collect();
        let (preamble, function) = lines.split_at(lines.iter().take_while(|line| is_preamble(line)).count());
        let imports = preamble.iter().copied().filter(|line| imports::is_import(line)).collect();
        (imports, function.to_vec())
    }

    /// Returns the edit that puts a function, or the body of one, in its place.
    fn function(&self, indented: &str) -> TextEdit {
        match &self.comment.signature {
            None => TextEdit {
                range: self.comment.insert_at..self.comment.insert_at,
                text: self.inserted(indented),
            },
            Some(signature) => {
                let opening = if self.has_braces(signature) { "{" } else { "" };
                TextEdit { range: signature.body.clone(), text: format!("{opening}\n{indented}") }
            }
        }
    }

    /// Returns the function as it stands below its comment, apart from what follows.
    fn inserted(&self, indented: &str) -> String {
        let next = self.snapshot.line(self.snapshot.line_of(self.comment.insert_at) + 1);
        let gap = if next.trim().is_empty() { "" } else { "\n" };
        format!("\n{indented}{gap}")
    }
}
