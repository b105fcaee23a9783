//! `infill-ls setup` as it is typed: what it prints, what it writes when it is told so, and what it leaves alone.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A home directory with nothing in it.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn with(self, path: &str, text: &str) -> Self {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_default()
    }

    /// Runs `infill-ls setup` and returns what it printed and whether it went well. `answer` is typed.
    fn setup(&self, arguments: &[&str], answer: &str) -> (String, bool) {
        let config = self.path("config");
        let mut child = Command::new(env!("CARGO_BIN_EXE_infill-ls"))
            .arg("setup")
            .args(arguments)
            .arg("--config")
            .arg(&config)
            .env("HOME", self.0.path())
            .env("XDG_DATA_HOME", self.path("data"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (String::from_utf8(output.stdout).unwrap(), output.status.success())
    }
}

#[track_caller]
fn contains(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word:?} is not in\n{text}");
    }
}

#[test]
fn without_write_it_only_prints() {
    let cases = [
        ("nvim", ["require('infill').setup(", "init.lua"]),
        ("vscode", ["\"infill-ls.server.path\": \"", "settings.json"]),
        ("helix", ["[language-server.infill-ls]", "languages.toml"]),
    ];
    for (editor, words) in cases {
        let home = Home::new();
        let (printed, success) = home.setup(&[editor], "");
        assert!(success);
        contains(&printed, &words);
        contains(&printed, &[env!("CARGO_BIN_EXE_infill-ls"), "--write"]);
        assert_eq!(fs::read_dir(home.0.path()).unwrap().count(), 0, "{editor} wrote something");
    }
}

#[test]
fn it_asks_and_takes_silence_for_a_no() {
    for answer in ["n\n", "\n", ""] {
        let home = Home::new();
        let (printed, success) = home.setup(&["helix", "--write"], answer);
        assert!(!success);
        contains(&printed, &["Write this? [y/N]", "Nothing was written."]);
        assert_eq!(home.read("config/languages.toml"), "");
    }
}

#[test]
fn a_yes_writes_and_the_second_time_there_is_nothing_to_do() {
    let files = [("nvim", "init.lua"), ("vscode", "settings.json"), ("helix", "languages.toml")];
    for (editor, file) in files {
        let home = Home::new();
        let (printed, success) = home.setup(&[editor, "--write"], "y\n");
        assert!(success, "{printed}");
        let written = home.read(&format!("config/{file}"));
        contains(&written, &[env!("CARGO_BIN_EXE_infill-ls")]);
        let (printed, success) = home.setup(&[editor, "--write"], "");
        assert!(success);
        contains(&printed, &["Nothing is missing"]);
        assert_eq!(home.read(&format!("config/{file}")), written);
    }
}

#[test]
fn neovim_gets_the_whole_plugin() {
    let home = Home::new();
    home.setup(&["nvim", "--write", "--yes"], "");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("editors/nvim");
    let mut expected = Vec::new();
    for folder in ["doc", "lsp", "lua", "plugin"] {
        collect(&source.join(folder), &mut expected);
    }
    let installed = home.path("data/nvim/site/pack/infill-ls/start/infill-ls");
    for path in &expected {
        let below = path.strip_prefix(&source).unwrap();
        let there = fs::read_to_string(installed.join(below)).unwrap_or_default();
        assert!(
            there == fs::read_to_string(path).unwrap(),
            "{} is not in src/cli/setup/nvim.rs",
            below.display()
        );
    }
    let mut there = Vec::new();
    collect(&installed, &mut there);
    assert_eq!(there.len(), expected.len());
}

/// Adds the files of a directory; `doc/tags` is made by Neovim.
fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if !path.ends_with("doc/tags") {
            files.push(path);
        }
    }
}

#[test]
fn what_is_in_a_file_stays() {
    let home = Home::new().with("config/init.lua", "vim.o.number = true");
    home.setup(&["nvim", "--write", "--yes"], "");
    let text = home.read("config/init.lua");
    assert!(text.starts_with("vim.o.number = true\n\nrequire('infill').setup("), "{text}");
}

#[test]
fn the_settings_of_vscode_keep_their_comments() {
    let cases = [
        ("", "{\n  SETTING\n}\n"),
        ("{}", "{\n  SETTING\n}"),
        ("{\n}\n", "{\n  SETTING\n}\n"),
        ("// mine\n{\n  \"a\": 1, // one\n}\n", "// mine\n{\n  SETTING,\n  \"a\": 1, // one\n}\n"),
        ("/* { */ {\"a\": 1}", "/* { */ {\n  SETTING,\n\"a\": 1}"),
        ("{ // nothing yet\n}\n", "{\n  SETTING\n // nothing yet\n}\n"),
    ];
    let setting = format!("\"infill-ls.server.path\": \"{}\"", env!("CARGO_BIN_EXE_infill-ls"));
    for (before, after) in cases {
        let home = Home::new().with("config/settings.json", before);
        home.setup(&["vscode", "--write", "--yes"], "");
        assert_eq!(home.read("config/settings.json"), after.replace("SETTING", &setting), "{before:?}");
    }
}

#[test]
fn settings_that_are_no_object_are_left_alone() {
    let home = Home::new().with("config/settings.json", "[1]");
    let (printed, _) = home.setup(&["vscode", "--write", "--yes"], "");
    contains(&printed, &["which is no JSON object"]);
    assert_eq!(home.read("config/settings.json"), "[1]");
}

#[test]
fn languages_that_the_user_has_set_are_left_to_the_user() {
    let own = "[[language]]\nname = \"python\"\nauto-format = true\n";
    let home = Home::new().with("config/languages.toml", own);
    let (printed, _) = home.setup(&["helix", "--write", "--yes"], "");
    contains(&printed, &["settings of your own for python"]);
    let text = home.read("config/languages.toml");
    assert!(text.starts_with(own), "{text}");
    assert_eq!(text.matches("name = \"python\"").count(), 1, "{text}");
    contains(&text, &["name = \"rust\"\nlanguage-servers = [\"rust-analyzer\", \"infill-ls\"]"]);
}
