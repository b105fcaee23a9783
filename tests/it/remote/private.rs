//! What leaves the machine: text of the folders that were named, without secrets, and nothing else.

use std::path::PathBuf;
use std::sync::Arc;

use infill_ls::complete::{self, Budget, Context, Piece, PieceSource, Prompt};
use infill_ls::secrets::MASK;
use infill_ls::source::{Input, RemoteKind, RemoteOptions, RemoteSource, Request, Source, SourceError};
use infill_ls::text::{Language, Snapshot};

use super::server::Server;
use super::{gap, options, request};

const ANSWER: &[&str] = &[r#"{"content":"1","stop":true}"#];

fn source(url: &str, folders: &[String]) -> RemoteSource {
    RemoteSource::new(RemoteOptions { folders: folders.to_vec(), ..options(RemoteKind::LlamaServer, url) })
}

/// Says whether text of these files is sent where these folders may be.
async fn is_sent(folders: &[String], files: &[PathBuf]) -> bool {
    let server = Server::events(ANSWER).await;
    let answer = source(&server.url, folders)
        .generate(Request { files: files.to_vec(), ..request(gap("x = $0")).0 })
        .await;
    match answer {
        Ok(_) => assert_eq!(server.asked().len(), 1),
        Err(ref error) => {
            assert_eq!(*error, SourceError::Private);
            assert!(server.asked().is_empty(), "something was sent");
        }
    }
    answer.is_ok()
}

#[tokio::test]
async fn only_text_of_the_folders_that_were_named_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    for folder in ["work/inner", "work/secret/open", "other"] {
        std::fs::create_dir_all(path(folder)).unwrap();
    }
    for file in ["work/a.py", "work/secret/b.py", "work/secret/open/c.py", "other/d.py", "workshop.py"] {
        std::fs::write(path(file), "").unwrap();
    }
    let text = |name: &str| path(name).display().to_string();
    let folders = [text("work"), format!("!{}", text("work/secret")), text("work/secret/open")];
    for (file, sent) in [
        ("work/a.py", true),
        ("work/inner/not-yet-saved.py", true),
        ("work/inner/../../other/d.py", false),
        ("work/secret/b.py", false),
        ("work/secret/open/c.py", true),
        ("other/d.py", false),
        ("workshop.py", false),
        // By their names they hold secrets.
        ("work/.env", false),
        ("work/id_rsa", false),
    ] {
        assert_eq!(is_sent(&folders, &[path(file)]).await, sent, "{file}");
    }
    assert!(!is_sent(&folders, &[path("work/a.py"), path("other/d.py")]).await);
    assert!(!is_sent(&folders, &[]).await, "text of no file is of no folder");
    assert!(!is_sent(&[], &[path("work/a.py")]).await, "by default nothing is sent");
    let all = ["*".to_owned(), format!("!{}", text("work/secret"))];
    assert!(is_sent(&all, &[]).await && is_sent(&all, &[path("other/d.py")]).await);
    assert!(!is_sent(&all, &[path("work/secret/b.py")]).await);
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_out_of_a_folder_leads_out_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let (work, plan) = (dir.path().join("work"), dir.path().join("plan.py"));
    std::fs::create_dir(&work).unwrap();
    std::fs::write(&plan, "").unwrap();
    std::os::unix::fs::symlink(&plan, work.join("link.py")).unwrap();
    assert!(!is_sent(&[work.display().to_string()], &[work.join("link.py")]).await);
}

fn piece(file: &str, text: &str) -> Piece {
    Piece {
        path: file.rsplit('/').next().unwrap().into(),
        file: file.into(),
        text: text.into(),
        source: PieceSource::Definitions,
        reason: String::new(),
        tokens: 1,
    }
}

#[tokio::test]
async fn other_files_are_sent_where_they_may_be_and_every_part_is_masked() {
    let server = Server::events(ANSWER).await;
    let source = source(&server.url, &["/work".to_owned()]);
    let token = format!("gh{}", "p_16C7e42F292c6912E7710c838347Ae178B4a");
    let pieces = vec![piece("/work/b.py", &format!("T = '{token}'\n")), piece("/elsewhere/c.py", "C = 1\n")];
    let prompt = Prompt {
        context: Some(Arc::new(Context { project: "p".into(), pieces, names: Vec::new() })),
        path: Some("a.py".into()),
        requirement: Some("# password = 'hunter2'\n".into()),
        prefix: format!("key = '{}", &token[..20]),
        typed: token[20..].into(),
        suffix: "'\napi_key = \"Zq8vT3nR5xB1mK9w\"\n".into(),
    };
    let ask = Request { files: vec!["/work/a.py".into()], ..request(Input::Infill(prompt)).0 };
    let preview = source.preview(&ask).await.unwrap();
    source.generate(ask).await.unwrap_or_else(|error| panic!("{error}"));
    let asked = server.only();
    let sent = String::from_utf8(asked.bytes.clone()).unwrap();
    for secret in [&token[..20], &token[20..], "hunter2", "Zq8vT3nR5xB1mK9w", "C = 1"] {
        assert!(!sent.contains(secret), "{secret} in {sent}");
    }
    let body = asked.body();
    assert_eq!(
        body["input_extra"],
        serde_json::json!([{ "filename": "b.py", "text": format!("T = '{MASK}'\n") }])
    );
    assert_eq!(body["input_prefix"], format!("# password = '{MASK}'\nkey = '{MASK}"));
    assert_eq!(source.remote().unwrap().masked, 4);
    assert_eq!((preview.body, preview.masked), (asked.bytes, 4), "what is shown is what is sent");
}

#[tokio::test]
async fn chats_are_masked_too() {
    let server = Server::events(&[r#"{"choices":[{"delta":{"content":"1"},"finish_reason":"stop"}]}"#]).await;
    let source = source(&server.url, &["*".to_owned()]);
    let user = "Explain:\n```\npassword = 'hunter2'\n```".to_owned();
    let chat = Input::Chat { system: String::new(), user, answer_start: String::new() };
    source.generate(request(chat).0).await.unwrap();
    assert!(!String::from_utf8(server.only().bytes).unwrap().contains("hunter2"));
}

/// What a comment requires is sent, however far above the cursor it stands.
#[tokio::test]
async fn requirement_comments_are_in_every_remote_prompt() {
    let body = "    x = 1\n".repeat(400);
    let text = format!("# Every function here returns a tuple.\n\ndef f():\n    x = 0\n{body}    $0\n");
    let (before, after) = text.split_once("$0").unwrap();
    let snapshot = Snapshot::new(Language::from_id("python"), &format!("{before}{after}"));
    struct Words;
    impl complete::TokenCount for Words {
        fn count(&self, text: &str) -> usize {
            text.len().div_ceil(3)
        }
    }
    let budget = Budget { prefix_tokens: 200, suffix_tokens: 50 };
    let prompt = complete::prompt(&snapshot, before.len(), None, &budget, &Words).prompt;
    let requirement = prompt.requirement.clone().expect("the cut lost the comment");
    assert!(requirement.contains("returns a tuple"), "{requirement}");
    for (kind, place, events) in [
        (RemoteKind::LlamaServer, "/input_prefix", ANSWER),
        (RemoteKind::Openai, "/prompt", &[r#"{"choices":[{"text":"1","finish_reason":"stop"}]}"#]),
        (RemoteKind::Vllm, "/prompt", &[r#"{"choices":[{"text":"1","finish_reason":"stop"}]}"#]),
        (RemoteKind::Tgi, "/inputs", &[r#"{"token":{"text":"1"},"generated_text":"1"}"#]),
        (RemoteKind::Ollama, "/prompt", &[r#"{"response":"1","done":true}"#]),
        (
            RemoteKind::Mistral,
            "/prompt",
            &[r#"{"choices":[{"delta":{"content":"1"},"finish_reason":"stop"}]}"#],
        ),
    ] {
        let server = Server::events(events).await;
        let source = RemoteSource::new(options(kind, &server.url));
        // Ollama's lines are no events, and only what is sent counts here.
        let _ = source.generate(request(Input::Infill(prompt.clone())).0).await;
        let asked = server.asked();
        // Ollama was asked to load the model before.
        let body = asked.last().unwrap().body();
        assert!(body.pointer(place).unwrap().as_str().unwrap().contains(&requirement), "{kind:?}: {body}");
    }
}
