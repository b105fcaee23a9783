//! The examples that a comment states, `>>> f(1)` with its result below or `f(1) == 2`, as a program that holds a written
//! function against them. It is run only where the user has switched that on.

use super::limits::{self, Ended, Limits, Scratch};
use crate::text::Language;

/// Examples that are run at most.
const MOST: usize = 20;

/// What may stand between a call and its result, in words that people use; the longer ones first.
const BETWEEN: &[&str] =
    &["# =>", "// =>", "should return", "returns", "===", "==", "=>", "->", "➞", "→", "=", "#", "//"];

/// What a comment's examples say about a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All that could be read came out right.
    Passed,
    /// One came out wrong, failed, or took too long.
    Failed,
}

/// How examples are run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// What a run may use.
    pub limits: Limits,
}

/// A program that tries a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The interpreter and its arguments.
    command: Vec<String>,
    files: Vec<(&'static str, String)>,
    /// Whether its memory can be bounded by its address space.
    bounds_memory: bool,
}

/// An example: what is evaluated, and what comes out; `None` for a line that only prepares others.
type Example = (String, Option<String>);

/// Printed when all examples came out right. A function that ends the program must not seem to have passed.
const PASSED: &str = "infill-ls: all examples came out right";

impl Trial {
    /// Runs a program; `None` when it says nothing: no example could be read, or it could not be run here.
    pub async fn run(&self, program: &Program) -> Option<Verdict> {
        if !self.limits.network && !limits::can_cut_network().await {
            tracing::warn!("examples are not run: this system gives no way to keep them from the network");
            return None;
        }
        let ended = match self.start(program).await {
            Ok(ended) => ended,
            Err(error) => {
                tracing::warn!(%error, program = ?program.command, "examples are not run");
                return None;
            }
        };
        match ended {
            Ended::Exited(true, output) if output.contains(PASSED) => Some(Verdict::Passed),
            Ended::Exited(true, output) if output.contains(NONE_READ) => None,
            _ => Some(Verdict::Failed),
        }
    }

    async fn start(&self, program: &Program) -> std::io::Result<Ended> {
        let folder = Scratch::new()?;
        for (name, text) in &program.files {
            std::fs::write(folder.path().join(name), text)?;
        }
        let memory_mb = self.limits.memory_mb.filter(|_| program.bounds_memory);
        limits::run(&program.command, folder.path(), Limits { memory_mb, ..self.limits }).await
    }
}

/// Printed when no example could be read.
const NONE_READ: &str = "infill-ls: no example could be read";

/// Returns the program that tries the examples in `comment` on the file `text`; `None` where there are none, or the
/// language is not one that can be tried.
pub fn program(language: Language, text: &str, comment: &str) -> Option<Program> {
    let examples = examples(comment);
    if !examples.iter().any(|(_, result)| result.is_some()) {
        return None;
    }
    let list = serde_json::to_string(&examples).unwrap_or_default();
    let said = |source: &str| source.replace("PASSED", PASSED).replace("NONE_READ", NONE_READ);
    match language.id() {
        "python" => Some(Program {
            command: ["python3", "-I", "-B", "examples.py"].map(String::from).into(),
            files: vec![
                ("written.py", text.to_owned()),
                ("examples.json", list),
                ("examples.py", said(include_str!("examples/examples.py"))),
            ],
            bounds_memory: true,
        }),
        "javascript" => {
            let is_module =
                text.lines().any(|line| line.starts_with("import ") || line.starts_with("export "));
            let name = if is_module { "written.mjs" } else { "written.cjs" };
            let tried = include_str!("examples/examples.js").replace("EXAMPLES", &list);
            Some(Program {
                command: ["node", "--max-old-space-size=256", name].map(String::from).into(),
                files: vec![(name, format!("{text}\n;{}", said(&tried)))],
                bounds_memory: false,
            })
        }
        _ => None,
    }
}

/// Returns the examples of a comment, in their order.
fn examples(comment: &str) -> Vec<Example> {
    let mut found = Vec::new();
    let mut lines = comment.lines().map(str::trim).peekable();
    while let Some(line) = lines.next() {
        if let Some(call) = line.strip_prefix(">>>") {
            let mut call = call.trim().to_owned();
            while let Some(more) = lines.peek().and_then(|next| next.strip_prefix("...")) {
                call = format!("{call}\n{}", more.strip_prefix(' ').unwrap_or(more));
                lines.next();
            }
            let stated = stated(&call);
            let is_result = |next: &&str| !next.is_empty() && !next.starts_with(">>>");
            let result = lines.next_if(|next| stated.is_none() && is_result(next));
            found.push(stated.unwrap_or((call, result.map(str::to_owned))));
        } else if let Some(example) = stated(line) {
            found.push(example);
        }
    }
    found.truncate(MOST);
    found
}

/// Returns the example in a line such as `- f(1, [2]) == 3`: a call, something between, and a result to the line's end.
fn stated(line: &str) -> Option<Example> {
    let open = line.find('(')?;
    let name = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    let start = line[..open]
        .rfind(|c| !name(c))
        .map_or(0, |at| at + line[at..].chars().next().map_or(1, char::len_utf8));
    if start == open {
        return None;
    }
    let end = open + closing(&line[open..])?;
    let rest = line[end..].trim_start();
    let result = BETWEEN.iter().find_map(|between| rest.strip_prefix(between))?.trim();
    let result = result.trim_end_matches(['.', ';', ',']).trim();
    (!result.is_empty()).then(|| (line[start..end].to_owned(), Some(result.to_owned())))
}

/// Returns where the bracket that a text begins with is closed, behind it; brackets in quotes do not count.
fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut quote, mut escaped) = (0_usize, None, false);
    for (at, character) in text.char_indices() {
        match (quote, character) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(character),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}
