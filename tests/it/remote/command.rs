//! The program: what `context --remote` shows is what is sent, and a key is in no log.

use std::process::Output;

use super::server::Server;

const KEY: &str = "a-key-that-nobody-sees-0123456789";
const EVENTS: &[&str] = &[r#"{"content":" sum(numbers)","stop":true}"#];

/// Runs the program on a project of one file, with a remote source.
async fn run(arguments: &[&str], url: &str, folders: &str) -> Output {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("sum.py");
    std::fs::write(&file, "password = 'hunter2'\n\ndef total(numbers):\n    return \n").unwrap();
    let place = format!("{}:4:12", file.display());
    let url = format!("remote.url={url}");
    let arguments: Vec<&str> =
        arguments.iter().map(|part| if *part == "PLACE" { &place } else { *part }).collect();
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_infill-ls"));
    command.args(arguments).args(["--set", "remote.kind=llama-server", "--set", &url, "--set", folders]);
    command.args([
        "--set",
        "remote.key_env=OUR_TEST_KEY",
        "--set",
        "remote.fallback=false",
        "--log-level",
        "trace",
    ]);
    command.env("OUR_TEST_KEY", KEY).env("INFILL_LS_CACHE", dir.path()).env("RUST_LOG", "trace");
    command.output().await.unwrap()
}

#[tokio::test]
async fn what_is_shown_is_what_is_sent_and_the_key_is_in_no_log() {
    let server = Server::events(EVENTS).await;
    let shown = run(&["context", "--remote", "PLACE"], &server.url, "remote.folders=*").await;
    let told = String::from_utf8(shown.stderr).unwrap();
    assert!(shown.status.success(), "{told}");
    assert!(server.asked().is_empty(), "to show it is not to send it");
    assert!(told.contains(&format!("POST {}/infill", server.url)), "{told}");
    assert!(told.contains("authorization: ********") && told.contains("1 secrets masked"), "{told}");
    let completed = run(&["complete", "PLACE"], &server.url, "remote.folders=*").await;
    let log = String::from_utf8(completed.stderr).unwrap();
    assert_eq!(String::from_utf8(completed.stdout).unwrap(), "sum(numbers)\n", "{log}");
    let asked = server.only();
    assert_eq!(asked.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    let (shown, sent) = (String::from_utf8(shown.stdout).unwrap(), String::from_utf8(asked.bytes).unwrap());
    assert_eq!(shown, sent);
    assert!(!sent.contains("hunter2"));
    for text in [&told, &log] {
        assert!(!text.contains(KEY), "the key is in {text}");
    }
    assert!(log.contains("TRACE"), "the log is on: {log}");
}

#[tokio::test]
async fn nothing_is_sent_from_elsewhere_and_the_reason_is_said() {
    let server = Server::events(EVENTS).await;
    for arguments in [&["context", "--remote", "PLACE"][..], &["complete", "PLACE"]] {
        let output = run(arguments, &server.url, "remote.folders=/elsewhere").await;
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && told.contains("`remote.folders`") || told.contains("remote.folders"),
            "{told}"
        );
    }
    assert!(server.asked().is_empty());
}

/// A proxy is asked for the whole address; this machine is reached without one.
#[tokio::test]
async fn the_proxy_of_the_environment_counts_but_not_for_this_machine() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("sum.py");
    std::fs::write(&file, "def total(numbers):\n    return \n").unwrap();
    let place = format!("{}:2:12", file.display());
    let (proxy, server) = (Server::events(EVENTS).await, Server::events(EVENTS).await);
    for (url, settings) in [
        ("http://far.invalid:8080".to_owned(), "remote.proxy=true"),
        (server.url.clone(), "remote.proxy=true"),
        ("http://far.invalid:8080".to_owned(), "remote.proxy=false"),
    ] {
        let url = format!("remote.url={url}");
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_infill-ls"));
        command.args([
            "complete",
            &place,
            "--set",
            "remote.kind=llama-server",
            "--set",
            &url,
            "--set",
            settings,
        ]);
        command.args(["--set", "remote.folders=*", "--set", "remote.fallback=false"]);
        command
            .env("HTTP_PROXY", &proxy.url)
            .env("http_proxy", &proxy.url)
            .env("INFILL_LS_CACHE", dir.path());
        command.env_remove("NO_PROXY").env_remove("no_proxy").output().await.unwrap();
    }
    assert_eq!(proxy.only().line, "POST http://far.invalid:8080/infill HTTP/1.1");
    assert_eq!(server.only().line, "POST /infill HTTP/1.1");
}

#[test]
fn settings_of_the_command_line_are_checked() {
    let run = |set: &str| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_infill-ls"))
            .args(["context", "a.py:1:1", "--set", set])
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    for (set, expected) in [
        ("remote.kind=llama", "setting `remote.kind` must be \"none\", \"llama-server\""),
        ("remote.kid=ollama", "unknown setting `remote.kid`"),
        ("remote", "it is not SETTING=VALUE"),
        ("prompt.prefix_tokens=many", "must be a positive whole number"),
    ] {
        let (code, told) = run(set);
        assert!(code == Some(2) && told.contains(expected), "{set}: {told}");
    }
}
