//! "Write tests": tests of a function or a type in the ecosystem's usual framework, where such tests usually stand.

use std::path::{Path, PathBuf};

use super::chat::{self, Draw, FENCE, Question, SYSTEM, fenced};
use super::focus::Focus;
use super::order::{AssistError, Order, Step};
use crate::source::{Source, SourceError};
use crate::syntax;
use crate::text::TextEdit;

/// Answers that are asked for until one parses.
const ATTEMPTS: u64 = 3;

/// Tests, and where they go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tests {
    /// Where.
    pub place: Place,
    /// Tokens generated.
    pub tokens: usize,
}

/// Where tests go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Into the file itself.
    Here(TextEdit),
    /// Into a file that is not there yet.
    New(PathBuf, String),
    /// Behind what a file already holds: its path, and what to append.
    Append(PathBuf, String),
}

/// How a language's tests are begun.
struct Convention {
    framework: &'static str,
    /// What stands before the first test, where the file is new.
    preamble: String,
    /// What a test begins with, which the model goes on from.
    begin: String,
    /// The file that they go to; `None` is the code's own.
    file: Option<PathBuf>,
}

/// Returns whether tests can be written in the language of a focus.
pub fn can_test(focus: &Focus) -> bool {
    const LANGUAGES: &[&str] = &["python", "rust", "javascript", "typescript", "go"];
    LANGUAGES.contains(&focus.language().id()) && focus.name.is_some()
}

/// Writes tests for what a focus is about; `path` is where its file lies.
///
/// # Errors
/// When the source fails or is stopped, the code is too long, or nothing came that parses.
pub async fn write_tests(
    focus: &Focus,
    path: Option<&Path>,
    source: &dyn Source,
    order: &Order,
) -> Result<Tests, AssistError> {
    let counter = source.counter().ok_or(SourceError::Loading)?;
    focus.must_fit(&*counter)?;
    let name = focus.name.clone().unwrap_or_default();
    let convention = convention(focus, &name, path).ok_or_else(|| {
        AssistError::NothingToDo("the file must be saved before tests can stand beside it".into())
    })?;
    let (language, code) = (focus.language(), &focus.code);
    let Convention { framework, preamble, begin, file } = convention;
    let user = format!(
        "Write a few short unit tests with {framework} for `{name}`, the usual case and the edge cases:\n\n{FENCE}{}\n{code}\n{FENCE}",
        language.id()
    );
    let mut tokens = 0;
    for seed in 0..ATTEMPTS {
        (order.heard)(Step::Attempt(seed as usize + 1));
        let answer_start = format!("{FENCE}{}\n{preamble}{begin}", language.id());
        let question = Question { system: SYSTEM.into(), user: user.clone(), answer_start };
        let draw = Draw { temperature: if seed == 0 { 0.0 } else { 0.6 }, seed };
        let said = chat::ask(source, order, question, draw, |answer| fenced(answer).1).await?;
        tokens += said.usage.decoded_tokens;
        let (written, closed) = fenced(&said.text);
        let tests = format!("{begin}{}", written.trim_end());
        let whole = format!("{preamble}{tests}\n");
        if (closed || !said.cut) && syntax::faults(language, &whole).is_empty() {
            return Ok(Tests { place: placed(focus, file, &preamble, &tests), tokens });
        }
    }
    Err(AssistError::NoUse("the model wrote no tests that parse; try a smaller function".into()))
}

fn placed(focus: &Focus, file: Option<PathBuf>, preamble: &str, tests: &str) -> Place {
    let Some(file) = file else {
        let snapshot = &focus.snapshot;
        let end = snapshot.text().trim_end().len();
        let text = format!("\n\n{preamble}{tests}\n").replace('\n', snapshot.line_ending());
        return Place::Here(TextEdit { range: end..snapshot.len(), text });
    };
    match std::fs::read_to_string(&file) {
        Err(_) => Place::New(file, format!("{preamble}{tests}\n")),
        Ok(there) => {
            let new: Vec<&str> =
                preamble.lines().filter(|line| !there.lines().any(|known| known == *line)).collect();
            let imports = new.join("\n");
            let gap =
                if imports.trim().is_empty() { String::new() } else { format!("{}\n\n", imports.trim()) };
            let start = if there.ends_with('\n') { "\n" } else { "\n\n" };
            Place::Append(file, format!("{start}{gap}{tests}\n"))
        }
    }
}

fn convention(focus: &Focus, name: &str, path: Option<&Path>) -> Option<Convention> {
    let stem = || path?.file_stem()?.to_str().map(str::to_owned);
    match focus.language().id() {
        "rust" => Some(Convention {
            framework: "Rust's own test harness",
            preamble: "#[cfg(test)]\nmod tests {\n    use super::*;\n\n    #[test]\n".into(),
            begin: "    fn ".into(),
            file: None,
        }),
        "python" => Some(Convention {
            framework: "pytest",
            preamble: format!("from {} import {name}\n\n\n", stem()?),
            begin: "def test_".into(),
            file: Some(python_file(path?, &stem()?)),
        }),
        "go" => Some(Convention {
            framework: "the package `testing`",
            preamble: format!("package {}\n\nimport \"testing\"\n\n", package(focus)?),
            begin: "func Test".into(),
            file: Some(path?.with_file_name(format!("{}_test.go", stem()?))),
        }),
        _ => Some(javascript(path?, &stem()?, name)),
    }
}

/// Returns the file for a Python module's tests: in the folder of tests if there is one, else beside it.
fn python_file(path: &Path, stem: &str) -> PathBuf {
    let file = format!("test_{stem}.py");
    let folders =
        path.ancestors().skip(1).take(3).flat_map(|folder| [folder.join("tests"), folder.join("test")]);
    let folder = folders.into_iter().find(|folder| folder.is_dir());
    folder.map_or_else(|| path.with_file_name(&file), |folder| folder.join(&file))
}

fn package(focus: &Focus) -> Option<String> {
    let text = focus.snapshot.text();
    text.lines().find_map(|line| line.strip_prefix("package ")).map(|name| name.trim().to_owned())
}

/// Returns the convention of the test runner that the nearest `package.json` names, Node's own where it names none.
fn javascript(path: &Path, stem: &str, name: &str) -> Convention {
    let manifests = path.ancestors().skip(1).map(|folder| folder.join("package.json"));
    let manifest =
        manifests.into_iter().find_map(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("js");
    let file = path.with_file_name(format!("{stem}.test.{extension}"));
    let import = format!("import {{ {name} }} from './{stem}';\n");
    let (framework, runner) = match () {
        () if manifest.contains("\"vitest\"") => ("vitest", "import { expect, test } from 'vitest';\n"),
        () if manifest.contains("\"jest\"") => ("jest", ""),
        () => (
            "node:test and node:assert",
            "import assert from 'node:assert';\nimport { test } from 'node:test';\n",
        ),
    };
    let import =
        if runner.contains("node:") { import.replace(stem, &format!("{stem}.{extension}")) } else { import };
    Convention {
        framework,
        preamble: format!("{runner}{import}\n"),
        begin: "test('".into(),
        file: Some(file),
    }
}
