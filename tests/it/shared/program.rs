//! The program as editors start it: two servers find one engine, whoever of them is killed harms no other, and where they
//! must not share they say why.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::tiny_model;

/// Nothing takes this long; it turns a hang into a failure.
const PATIENCE: Duration = Duration::from_secs(60);

/// A user of the machine, with a cache and a run-time directory of their own.
struct User {
    dir: tempfile::TempDir,
    model: String,
}

/// A running server and its editor.
struct Window {
    server: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    number: u64,
}

impl User {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let model = tiny_model::write_good(dir.path()).display().to_string();
        std::fs::create_dir(dir.path().join("run")).unwrap();
        Self { dir, model }
    }

    fn run_dir(&self) -> std::path::PathBuf {
        self.dir.path().join("run")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_infill-ls"));
        command
            .args(arguments)
            .env("INFILL_LS_CACHE", self.dir.path())
            .env("XDG_RUNTIME_DIR", self.run_dir());
        command.env_remove("INFILL_LS_NO_SHARE").env_remove("RUST_LOG");
        command
    }

    fn window(&self, arguments: &[&str]) -> Window {
        let mut command = self.command(&["serve", "--model", &self.model, "--threads", "1"]);
        // The engine must not outlive the test.
        command.args(["--set", "engine.linger_seconds=0"]).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = command.spawn().unwrap();
        let (input, output) = (server.stdin.take().unwrap(), BufReader::new(server.stdout.take().unwrap()));
        let mut window = Window { server, input, output, number: 0 };
        window.call("initialize", json!({ "processId": null, "rootUri": null, "capabilities": {} }));
        window.send(json!({ "jsonrpc": "2.0", "method": "initialized", "params": {} }));
        window
    }

    fn printed(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
    }
}

impl Window {
    fn send(&mut self, message: Value) {
        let body = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        self.input.flush().unwrap();
    }

    fn call(&mut self, method: &str, params: Value) -> Value {
        self.number += 1;
        let id = self.number;
        let mut message = json!({ "jsonrpc": "2.0", "id": id, "method": method });
        if !params.is_null() {
            message["params"] = params;
        }
        self.send(message);
        loop {
            let mut answer = self.read();
            if answer["id"] == id && answer.get("method").is_none() {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].take();
            }
        }
    }

    fn read(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "the server has hung up");
            match line.trim().split_once(": ") {
                Some((_, value)) => length = value.parse().unwrap(),
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.output.read_exact(&mut body).unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    /// Waits until the model is there and it can be said which engine has it.
    fn engine(&mut self) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let mut report = self.call("infill/doctor", Value::Null);
            assert_ne!(report["status"]["state"], "failed", "{report}");
            if report["status"]["state"] != "loading" && report["engine"].is_object() {
                return report["engine"].take();
            }
            assert!(Instant::now() < end, "not ready: {report}");
        }
    }

    /// Asks for a completion; it is answered, whatever the model made of noise.
    fn is_answered(&mut self) {
        let document = json!({ "uri": "file:///a.py", "languageId": "python", "version": 1, "text": "def f(x):\n    return \n" });
        self.send(json!({ "jsonrpc": "2.0", "method": "textDocument/didOpen", "params": { "textDocument": document } }));
        let mut params = crate::support::at("file:///a.py", 1, 11);
        params["context"] = json!({ "triggerKind": 1 });
        self.call("textDocument/inlineCompletion", params);
        let close = json!({ "textDocument": { "uri": "file:///a.py" } });
        self.send(json!({ "jsonrpc": "2.0", "method": "textDocument/didClose", "params": close }));
    }

    fn finish(mut self) {
        self.call("shutdown", Value::Null);
        self.send(json!({ "jsonrpc": "2.0", "method": "exit" }));
        assert!(self.server.wait().unwrap().success());
    }

    fn kill(mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }
}

#[cfg(target_os = "linux")]
fn kill(pid: &Value) {
    let pid = i32::try_from(pid.as_u64().unwrap()).unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

/// Waits until a process is gone.
fn gone(pid: &Value) {
    let end = Instant::now() + PATIENCE;
    while Path::new(&format!("/proc/{pid}/exe")).exists() {
        assert!(Instant::now() < end, "process {pid} does not end");
        std::thread::yield_now();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn windows_share_one_engine_whoever_is_killed() {
    let user = User::new();
    let (mut one, mut two, mut three) = (user.window(&[]), user.window(&[]), user.window(&[]));
    let engine = one.engine();
    assert!(engine["shared"] == true && engine["reason"].is_null(), "{engine}");
    assert_ne!(engine["pid"], one.server.id());
    for window in [&mut two, &mut three] {
        assert_eq!(window.engine()["pid"], engine["pid"]);
    }
    let report = user.printed(&["doctor", "--no-speed", "--model", &user.model]);
    assert!(report.contains(&format!("process {}: 3 windows", engine["pid"])), "{report}");

    // A window that dies takes nothing with it, and is no longer counted.
    three.kill();
    for window in [&mut one, &mut two] {
        window.is_answered();
    }
    let end = Instant::now() + PATIENCE;
    while one.engine()["windows"] != 2 {
        assert!(Instant::now() < end, "the dead window is still counted");
    }

    // Nor does an engine that dies: another one takes its place.
    kill(&engine["pid"]);
    gone(&engine["pid"]);
    let end = Instant::now() + PATIENCE;
    let next = loop {
        let next = one.engine();
        if next["pid"] != engine["pid"] {
            break next;
        }
        assert!(Instant::now() < end, "no other engine: {next}");
    };
    assert_eq!(two.engine()["pid"], next["pid"]);
    for window in [&mut one, &mut two] {
        window.is_answered();
    }

    // It ends with the last window.
    one.finish();
    two.is_answered();
    two.finish();
    gone(&next["pid"]);
}

#[cfg(target_os = "linux")]
#[test]
fn other_options_have_another_engine_and_stop_ends_them_all() {
    let user = User::new();
    let (mut one, mut two) = (user.window(&[]), user.window(&["--context", "256"]));
    let pids = [one.engine(), two.engine()].map(|mut engine| engine["pid"].take());
    assert_ne!(pids[0], pids[1]);
    let said = user.printed(&["engine", "--stop"]);
    for pid in &pids {
        assert!(said.contains(&format!("process {pid} ends; 1 windows used it")), "{said}");
        gone(pid);
    }
    assert_eq!(user.printed(&["engine", "--stop"]), "no engine runs\n");
    // The next request brings it back, and is answered.
    one.is_answered();
    assert_eq!(one.engine()["shared"], true);
    one.finish();
    two.finish();
}

#[test]
fn a_window_can_have_an_engine_of_its_own() {
    let user = User::new();
    for arguments in [&["--no-share"][..], &["--set", "engine.share=false"]] {
        let mut window = user.window(arguments);
        let engine = window.engine();
        assert!(engine["shared"] == false && engine["pid"] == window.server.id(), "{engine}");
        window.finish();
    }
    assert_eq!(std::fs::read_dir(user.run_dir()).unwrap().count(), 0, "nothing was started");
}

#[cfg(unix)]
#[test]
fn a_directory_that_others_can_enter_is_refused_with_the_reason() {
    use std::os::unix::fs::PermissionsExt;
    let user = User::new();
    let dir = user.run_dir().join("infill-ls");
    std::fs::create_dir(&dir).unwrap();
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut window = user.window(&[]);
    let engine = window.engine();
    let reason = engine["reason"].as_str().unwrap();
    assert!(engine["shared"] == false && reason.contains("others can enter it"), "{engine}");
    assert!(
        user.printed(&["doctor", "--no-speed", "--model", &user.model]).contains("it cannot be shared: ")
    );
    window.is_answered();
    window.finish();
}

#[cfg(unix)]
#[test]
fn nobody_else_can_enter_the_directory_or_open_the_socket() {
    use std::os::unix::fs::PermissionsExt;
    let user = User::new();
    let mut window = user.window(&[]);
    assert_eq!(window.engine()["shared"], true);
    let dir = user.run_dir().join("infill-ls");
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    let entries = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path());
    let sockets: Vec<_> = entries.filter(|path| path.extension().is_some_and(|it| it == "sock")).collect();
    assert_eq!(sockets.len(), 1);
    assert_eq!(mode(&sockets[0]) & 0o077, 0);
    window.finish();
}
