//! "Write the function this comment describes" and "Fill in this body": from a comment or a signature to edits that add
//! the function, or fill the body of one whose signature is written already.
//!
//! The first answer is the likeliest; it is asked for again, drawn, only while what came does not hold up.

use std::ops::Range;

use super::chat::{self, Draw, FENCE, Question, fenced};
use super::check;
use super::examples::{self, Trial, Verdict};
use super::imports;
use super::layout::{self, Shape};
use super::order::{AssistError, Order, Step};
use crate::complete::{self, Budget, TokenCount};
use crate::source::{Source, SourceError};
use crate::syntax::{self, DescribingComment, Signature};
use crate::text::{Snapshot, TextEdit};

/// How much of the file the model sees before the function, in tokens.
const AROUND: Budget = Budget { prefix_tokens: 800, suffix_tokens: 0 };

/// How freely an answer is drawn when the likeliest did not hold up.
const TEMPERATURE: f64 = 0.7;

/// A function that could be written.
#[derive(Debug, Clone)]
pub struct Plan {
    snapshot: Snapshot,
    function: DescribingComment,
}

/// How a function is chosen among several.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// The most answers that are asked for.
    pub attempts: usize,
    /// Which of the ways of writing it is wanted: the likeliest is 0.
    pub variant: u64,
    /// How the examples in the comment are run; `None` runs nothing.
    pub trial: Option<Trial>,
}

/// A function that was written, with the others that would do.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// Ways of writing it, the best first; never empty. Each one's edits are for the text that was planned with, and do
    /// not overlap.
    pub candidates: Vec<Candidate>,
    /// Tokens generated for all of them.
    pub tokens: usize,
}

/// One way of writing a function.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Its edits.
    pub edits: Vec<TextEdit>,
    /// What the comment's examples said, where they were run.
    pub verdict: Option<Verdict>,
}

/// Why an answer was dropped; the last one is told.
#[derive(Debug, Clone, Copy)]
enum Flaw {
    NoCode,
    Cut,
    Unparsed,
}

/// Returns the plan for the comment or the unwritten function at byte `offset`, if there is one.
pub fn plan(snapshot: &Snapshot, offset: usize) -> Option<Plan> {
    let function = syntax::describing_comment(snapshot, offset)
        .or_else(|| syntax::unwritten_function(snapshot, offset))?;
    Some(Plan { snapshot: snapshot.clone(), function })
}

/// Writes the function.
///
/// # Errors
/// When the source fails or is stopped, and when none of its answers is of use.
pub async fn write(
    plan: Plan,
    source: &dyn Source,
    order: &Order,
    choice: &Choice,
) -> Result<Written, AssistError> {
    let counter = source.counter().ok_or(SourceError::Loading)?;
    let free = plan.question(order.path.as_deref(), &*counter);
    let (mut written, mut flaw) = (Written { candidates: Vec::new(), tokens: 0 }, Flaw::NoCode);
    for attempt in 0..choice.attempts.max(1) as u64 {
        (order.heard)(Step::Attempt(attempt as usize + 1));
        let shape = plan.shape();
        let keyword = plan.keyword(attempt);
        let answer_start = format!("{}{keyword}", free.answer_start);
        let question = Question { answer_start, ..free.clone() };
        let done = move |answer: &str| {
            let (code, closed) = fenced(answer);
            closed || layout::end(code, shape).is_some()
        };
        let said = chat::ask(source, order, question, draw(choice.variant, attempt), done).await?;
        written.tokens += said.usage.decoded_tokens;
        // A model that says the keyword again is not held to it.
        let answer = match said.text.starts_with(keyword) {
            true => said.text,
            false => format!("{keyword}{}", said.text),
        };
        match plan.candidate(&answer, said.cut) {
            Err(why) => flaw = why,
            Ok(edits) if written.candidates.iter().any(|known| known.edits == edits) => {}
            Ok(edits) => {
                let verdict = plan.tried(&edits, choice, order).await;
                let is_best = verdict != Some(Verdict::Failed);
                let place = if is_best { 0 } else { written.candidates.len() };
                written.candidates.insert(place, Candidate { edits, verdict });
                if is_best {
                    return Ok(written);
                }
            }
        }
    }
    if written.candidates.is_empty() { Err(plan.useless(flaw, order)) } else { Ok(written) }
}

/// Returns how the answer of an attempt is drawn: the first of the first way is the likeliest.
fn draw(variant: u64, attempt: u64) -> Draw {
    match variant + attempt {
        0 => Draw::default(),
        _ => Draw { temperature: TEMPERATURE, seed: variant * 1000 + attempt },
    }
}

impl Plan {
    /// Returns whether a comment says what the function is to do.
    pub fn is_described(&self) -> bool {
        !self.function.text.is_empty()
    }

    /// Returns what the model is asked.
    ///
    /// It completes code rather than follows a description: on the benchmark's functions that gave one in seven more right
    /// than asking for "the function that this comment describes", and an answer that begins with the file's imports one
    /// in twenty more.
    fn question(&self, path: Option<&str>, counter: &dyn TokenCount) -> Question {
        let language = self.function.language;
        let around = complete::prompt(&self.snapshot, self.context_end(), path, &AROUND, counter);
        let file = around.prompt.before_cursor();
        let file = file.trim_end();
        let fence = format!("{FENCE}{}\n", language.id());
        let task = match self.function.signature {
            Some(_) => format!("Complete the function in the following {} code:", language.name()),
            None => format!(
                "Write the function that the comment at the end of the following {} code describes:",
                language.name()
            ),
        };
        let imports = self.imports();
        Question {
            system: chat::SYSTEM.into(),
            user: format!("{task}\n\n{fence}{file}\n{FENCE}"),
            answer_start: format!("{fence}{imports}{}", self.head()),
        }
    }

    /// Returns where the text ends that the model sees: after the comment and what is written of the function.
    fn context_end(&self) -> usize {
        match &self.function.signature {
            None => self.function.insert_at,
            Some(signature) => signature.body.start + usize::from(self.has_braces(signature)),
        }
    }

    /// Returns the imports that stand before the function, and a blank line behind them.
    fn imports(&self) -> String {
        let before = self.snapshot.slice(0..self.head_start());
        let imports: Vec<&str> = before.lines().filter(|line| imports::is_import(line)).collect();
        if imports.is_empty() { String::new() } else { imports.join("\n") + "\n\n" }
    }

    fn head_start(&self) -> usize {
        let signature = self.function.signature.as_ref();
        let start = self.function.range.start;
        signature.map_or(start, |signature| start.min(signature.range.start))
    }

    /// Returns the function's beginning as the user wrote it, which the model is made to go on from: the comment and the
    /// signature, moved to the margin. Nothing where there is a comment only: behind it a small model does worse than without.
    fn head(&self) -> String {
        if self.function.signature.is_none() {
            return String::new();
        }
        let head = self.snapshot.slice(self.head_start()..self.context_end());
        let dedented = |line: &str| {
            line.strip_prefix(&self.function.indentation).unwrap_or(line).trim_end_matches('\r').to_owned()
        };
        head.lines().map(dedented).collect::<Vec<_>>().join("\n") + "\n"
    }

    /// Returns what the function is begun with where only a comment tells of it: the language's keyword. Left to begin by
    /// itself, a small model repeats the comment and ends, or writes only the calls that the file has already.
    ///
    /// Every other attempt is left to begin by itself all the same, for a function that begins otherwise or needs imports.
    fn keyword(&self, attempt: u64) -> &'static str {
        match &self.function.signature {
            None if attempt.is_multiple_of(2) => {
                layout::keyword(self.function.language, self.function.indentation.is_empty())
            }
            _ => "",
        }
    }

    fn shape(&self) -> Shape {
        match &self.function.signature {
            None => Shape::Whole,
            Some(signature) if self.has_braces(signature) => Shape::Braced,
            Some(_) => Shape::Indented,
        }
    }

    fn has_braces(&self, signature: &Signature) -> bool {
        self.snapshot.slice(signature.body.start..signature.body.start + 1) == "{"
    }

    /// Returns the edits of an answer that holds up.
    fn candidate(&self, answer: &str, cut: bool) -> Result<Vec<TextEdit>, Flaw> {
        let edits = self.edits(answer).ok_or(Flaw::NoCode)?;
        let text = self.snapshot.text();
        let language = self.function.language;
        let is_whole = self.function.signature.is_none();
        let written = edits.last().map_or("", |function| function.text.as_str());
        if cut {
            return Err(Flaw::Cut);
        }
        if is_whole && !syntax::has_function(language, written) {
            return Err(Flaw::NoCode);
        }
        if check::parses(language, &text, &edits) { Ok(edits) } else { Err(Flaw::Unparsed) }
    }

    /// Runs the comment's examples on a candidate, where that is wanted and there are any.
    async fn tried(&self, edits: &[TextEdit], choice: &Choice, order: &Order) -> Option<Verdict> {
        let trial = choice.trial.as_ref()?;
        let (text, _) = check::applied(&self.snapshot.text(), edits);
        let program = examples::program(self.function.language, &text, &self.function.text)?;
        (order.heard)(Step::Note("running the examples of the comment"));
        trial.run(&program).await
    }

    fn useless(&self, flaw: Flaw, order: &Order) -> AssistError {
        AssistError::NoUse(match flaw {
            Flaw::NoCode => {
                "the model wrote no function for this comment; say in it what goes in and what comes out, \
                             and try again"
                    .into()
            }
            Flaw::Cut => {
                format!("the function got longer than {} tokens; raise `{}`", order.max_tokens, order.bound)
            }
            Flaw::Unparsed => {
                "what the model wrote does not parse; say more in the comment, and try again".into()
            }
        })
    }

    /// Returns the edits that an answer makes, none of which touches another; the function's own is the last.
    fn edits(&self, answer: &str) -> Option<Vec<TextEdit>> {
        let (code, _) = fenced(answer);
        let shape = self.shape();
        let code = layout::end(code, shape).map_or(code, |end| &code[..end]);
        let (imports, lines) = match shape {
            Shape::Whole => self.without_preamble(layout::without_examples(code)),
            _ => (Vec::new(), code.trim_end().lines().skip_while(|line| line.trim().is_empty()).collect()),
        };
        if lines.iter().all(|line| line.trim().is_empty()) {
            return None;
        }
        let text = self.snapshot.text();
        let lines = layout::in_units_of(&lines, layout::unit_of(text.lines()).as_deref());
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let function = self.edit(&layout::indented(&lines, shape, &self.function.indentation));
        let edits = imports::added(&imports, &self.snapshot, &self.function).into_iter().chain([function]);
        let ending = self.snapshot.line_ending();
        Some(edits.map(|edit| TextEdit { text: edit.text.replace('\n', ending), ..edit }).collect())
    }

    /// Splits code into the imports that it begins with and what follows them, and drops the comment said again.
    fn without_preamble<'a>(&self, code: &'a str) -> (Vec<&'a str>, Vec<&'a str>) {
        let comment = self.snapshot.slice(self.function.range.clone());
        let is_repeated = |line: &str| comment.lines().any(|said| said.trim() == line.trim());
        let is_preamble =
            |line: &&str| line.trim().is_empty() || imports::is_import(line) || is_repeated(line);
        let lines: Vec<&str> = code.trim_end().lines().collect();
        let (preamble, function) = lines.split_at(lines.iter().take_while(|line| is_preamble(line)).count());
        let imports = preamble.iter().copied().filter(|line| imports::is_import(line)).collect();
        (imports, function.to_vec())
    }

    /// Returns the edit that puts a function, or the body of one, in its place.
    fn edit(&self, indented: &str) -> TextEdit {
        let place = |range: Range<usize>, text| TextEdit { range, text };
        match &self.function.signature {
            None => place(self.function.insert_at..self.function.insert_at, self.inserted(indented)),
            Some(signature) => {
                let opening = if self.has_braces(signature) { "{" } else { "" };
                place(signature.body.clone(), format!("{opening}\n{indented}"))
            }
        }
    }

    /// Returns the function as it stands below its comment, apart from what follows.
    fn inserted(&self, indented: &str) -> String {
        let next = self.snapshot.line(self.snapshot.line_of(self.function.insert_at) + 1);
        let gap = if next.trim().is_empty() { "" } else { "\n" };
        format!("\n{indented}{gap}")
    }
}
