//! The index and the contexts as an editor meets them: what a request is given, and when.

use std::sync::Arc;

use infill_ls::source::Input;
use serde_json::{Value, json};

use super::Project;
use crate::support::{Builder, Script, TestServer, at};

fn uri(project: &Project, path: &str) -> String {
    format!("file://{}", project.path(path).display())
}

async fn started(project: &Project, script: &Arc<Script>) -> TestServer {
    Builder::new(script)
        .with("/rootUri", json!(format!("file://{}", project.path("").display())))
        .ready()
        .await
}

async fn ask(server: &mut TestServer, uri: &str, line: u32, character: u32) -> Value {
    let mut params = at(uri, line, character);
    params["context"] = json!({ "triggerKind": 1 });
    server.call("textDocument/inlineCompletion", params).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_infillignore_excludes_is_completed_only_when_asked() {
    let project = Project::of(&[(".infillignore", "*.lock.py\n"), ("a.py", ""), ("b.lock.py", "")]);
    let script = Script::says("1");
    let mut server = started(&project, &script).await;
    for path in ["a.py", "b.lock.py"] {
        server.open(&uri(&project, path), "python", "x = \n").await;
    }
    assert!(!ask(&mut server, &uri(&project, "a.py"), 0, 4).await.is_null());
    let excluded = uri(&project, "b.lock.py");
    assert!(server.call("textDocument/inlineCompletion", at(&excluded, 0, 4)).await.is_null());
    // A person who asks is answered all the same.
    assert!(!ask(&mut server, &excluded, 0, 4).await.is_null());
    let report = server.call("infill/doctor", Value::Null).await;
    assert_eq!(report["requests"]["silent"]["ignored-file"], 1, "{report}");
    server.finish().await;
}

/// Asks until a request is given other files, as it is once the project is read, and returns them.
async fn context_of(server: &mut TestServer, script: &Script, uri: &str) -> Vec<(String, String)> {
    loop {
        ask(server, uri, 2, 0).await;
        if let Some(Input::Infill(prompt)) = script.seen().pop()
            && let Some(context) = prompt.context
        {
            return context.pieces.iter().map(|piece| (piece.path.clone(), piece.text.clone())).collect();
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_file_imports_stands_before_it_once_the_project_is_read() {
    let project = Project::of(&[("auth.py", "class Token:\n    expires_in: int\n"), ("a.py", "")]);
    let script = Script::answers(|_| String::new());
    let mut server = started(&project, &script).await;
    let uri = uri(&project, "a.py");
    server.open(&uri, "python", "from auth import Token\ntoken = Token()\n\n").await;
    let context = context_of(&mut server, &script, &uri).await;
    assert_eq!(context, [("auth.py".to_owned(), "class Token:\n    expires_in: int\n".to_owned())]);
    server.finish().await;
}
