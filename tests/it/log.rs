//! The log as whoever starts the program sees it.

use std::io::Write;
use std::process::{Command, Stdio};

#[test]
fn without_a_terminal_the_log_has_no_colours() {
    let cache = tempfile::tempdir().unwrap();
    let mut server = Command::new(env!("CARGO_BIN_EXE_infill-ls"))
        .arg("serve")
        .env("INFILL_LS_CACHE", cache.path())
        .env_remove("RUST_LOG")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Something to complain about.
    server.stdin.take().unwrap().write_all(b"Content-Length: 2\r\n\r\n{}").unwrap();
    let log = String::from_utf8(server.wait_with_output().unwrap().stderr).unwrap();
    assert!(log.contains("WARN") && !log.contains('\x1b'), "{log:?}");
}
