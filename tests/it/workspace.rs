//! The index of a project: which files it reads, what it finds in them, and where an import leads.

mod choice;
mod imports;
mod outlines;
mod served;
mod shown;

use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;

use infill_ls::workspace::Workspace;
use tempfile::TempDir;

/// A project on disk, and its index.
pub struct Project {
    dir: TempDir,
    pub workspace: Workspace,
}

impl Project {
    /// Writes the files, and reads them.
    pub fn of(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap();
        let project = Self { dir, workspace: Workspace::new(vec![root]) };
        for (path, text) in files {
            project.write(path, text);
        }
        project.scan();
        project
    }

    pub fn path(&self, path: &str) -> PathBuf {
        fs::canonicalize(self.dir.path()).unwrap().join(path)
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Reads what has changed and returns how many files there were.
    pub fn scan(&self) -> usize {
        let mut files = 0;
        self.workspace.scan(&mut |_, total| {
            files = total;
            ControlFlow::Continue(())
        });
        files
    }

    /// The files that define a name.
    pub fn defining(&self, name: &str) -> Vec<String> {
        self.workspace.defined(name).iter().map(|place| place.file.shown.clone()).collect()
    }
}

#[test]
fn files_that_git_or_infill_ignores_are_not_read() {
    let project = Project::of(&[
        (".gitignore", "build/\n"),
        (".infillignore", "private/\n!private/open.py\n*.gen.py\n"),
        ("src/a.py", "def a(): pass\n"),
        ("build/b.py", "def b(): pass\n"),
        ("private/c.py", "def c(): pass\n"),
        ("src/d.gen.py", "def d(): pass\n"),
        ("node_modules/e.js", "function e() {}\n"),
        (".hidden/f.py", "def f(): pass\n"),
    ]);
    for (name, files) in [("a", 1), ("b", 0), ("c", 0), ("d", 0), ("e", 0), ("f", 0)] {
        assert_eq!(project.defining(name).len(), files, "{name}");
    }
    let excluded = |path: &str| project.workspace.excludes(&project.path(path));
    assert!(excluded("private/c.py") && excluded("src/d.gen.py"));
    // What Git ignores may be completed all the same: only its text is nobody else's business.
    assert!(!excluded("src/a.py") && !excluded("build/b.py"));
}

#[test]
fn an_ignored_file_that_is_opened_stays_out() {
    let project = Project::of(&[(".infillignore", "secret_plan.py\n")]);
    let python = infill_ls::text::Language::from_id("python");
    project.workspace.open(&project.path("secret_plan.py"), python, "def plan(): pass\n");
    project.workspace.open(&project.path("other.py"), python, "def other(): pass\n");
    assert!(project.defining("plan").is_empty());
    assert_eq!(project.defining("other"), ["other.py"]);
}

#[test]
fn what_looks_like_a_secret_is_not_read() {
    let key = format!("KEY = '''-----BEGIN {} KEY-----'''\ndef a(): pass\n", "RSA PRIVATE");
    let token = format!("TOKEN = 'gh{}'\ndef b(): pass\n", "p_16C7e42F292c6912E7710c838347Ae178B4a");
    let password = "db_password = \"x8Kq2mPz7LrT4vWn9sYd\"\ndef c(): pass\n";
    let project = Project::of(&[
        ("a.py", &key),
        ("b.py", &token),
        ("c.py", password),
        (".env", "def d(): pass\n"),
        ("id_rsa", "def e(): pass\n"),
        ("fine.py", "password = input('password: ')\nsecret = os.environ['SECRET']\ndef f(): pass\n"),
        ("secrets.py", "def token_bytes(): pass\n"),
    ]);
    for name in ["a", "b", "c", "d", "e"] {
        assert!(project.defining(name).is_empty(), "{name}");
    }
    assert_eq!(project.defining("f"), ["fine.py"]);
    assert_eq!(project.defining("token_bytes"), ["secrets.py"]);
}

#[test]
fn huge_minified_and_binary_files_are_not_read() {
    let huge = format!("def huge(): pass\n{}", "x = 1\n".repeat(100_000));
    let minified = format!("function small() {{}}\nvar x = [{}];\n", "1,".repeat(5_000));
    let project = Project::of(&[("a.py", &huge), ("b.js", &minified), ("c.py", "def zero(): pass\n\0\n")]);
    for name in ["huge", "small", "zero"] {
        assert!(project.defining(name).is_empty(), "{name}");
    }
}

#[test]
fn only_what_changed_is_read_again() {
    let project = Project::of(&[("a.py", "def one(): pass\n"), ("b.py", "def two(): pass\n")]);
    let before = project.workspace.file(&project.path("b.py")).unwrap();
    project.write("a.py", "def one_and_a_half(): pass\n");
    fs::remove_file(project.path("b.py")).unwrap();
    project.write("c.py", "def three(): pass\n");
    project.scan();
    assert!(project.defining("one").is_empty() && project.defining("two").is_empty());
    assert_eq!(project.defining("one_and_a_half"), ["a.py"]);
    let same = project.workspace.file(&project.path("c.py")).unwrap();
    project.scan();
    assert!(std::sync::Arc::ptr_eq(&same, &project.workspace.file(&project.path("c.py")).unwrap()));
    assert_eq!(before.definitions[0].name, "two");
}

#[test]
fn the_editors_text_counts_while_a_file_is_open_and_the_disks_afterwards() {
    let project = Project::of(&[("a.py", "def saved(): pass\n")]);
    let path = project.path("a.py");
    project.workspace.open(&path, infill_ls::text::Language::from_id("python"), "def typed(): pass\n");
    project.scan();
    assert_eq!((project.defining("typed").len(), project.defining("saved").len()), (1, 0));
    project.workspace.close(&path);
    project.workspace.refresh(&path);
    assert_eq!((project.defining("typed").len(), project.defining("saved").len()), (0, 1));
}

#[test]
fn a_changed_file_is_read_by_the_same_rules_as_all() {
    let project = Project::of(&[(".gitignore", "out/\n"), ("a.py", "")]);
    for path in ["out/b.py", "c.py", "d.txt"] {
        project.write(path, "def late(): pass\n");
        project.workspace.refresh(&project.path(path));
    }
    assert_eq!(project.defining("late"), ["c.py"]);
}

#[test]
fn notes_are_found_at_the_top_of_the_project() {
    let project = Project::of(&[(".infill/context.md", "Use `Money`, never floats.\n"), ("src/a.py", "")]);
    let (name, text) = project.workspace.notes(&project.path("src/a.py")).unwrap();
    assert_eq!((name, text.as_str()), (".infill/context.md", "Use `Money`, never floats.\n"));
}
