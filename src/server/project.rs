//! Feeds the index of the workspace: all files once, in the background and with progress; then what the editor opens,
//! changes and saves, and what it sees changing on disk. What is read and what is not is the index's own business.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tower_lsp::Client;
use tower_lsp::lsp_types::{FileChangeType, FileEvent, Registration, Url};

use super::progress::{Progress, Work};
use super::session::Session;
use super::{ahead, background, contexts};
use crate::workspace::{IGNORE_FILE, Workspace};

/// A scan that takes less is not worth a progress bar.
const UNSEEN: Duration = Duration::from_millis(400);

/// Files between two reports.
const REPORTED: usize = 50;

/// How long a document must have stayed the same before its definitions are read again.
const PAUSE: Duration = Duration::from_secs(1);

/// Reads the workspace folders, shows how far it is, and chooses contexts when all is known.
pub(super) fn scan(session: &Arc<Session>, client: &Client) {
    let (session, client) = (Arc::clone(session), client.clone());
    background::run(move || {
        let workspace = session.workspace();
        let begun = Instant::now();
        let mut progress = None;
        workspace.scan(&mut |done, total| {
            if done % REPORTED == 0 && begun.elapsed() >= UNSEEN {
                let supported = session.negotiated().progress;
                let shown = progress
                    .get_or_insert_with(|| Progress::begin(&client, supported, "infill-ls", Work::Measured));
                let percentage = (done * 100).checked_div(total).map(|percent| percent as u32);
                shown.report(format!("reading the project: {done} of {total} files"), percentage);
            }
            match session.is_over() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        });
        tracing::info!(files = workspace.len(), took = ?begun.elapsed(), "the project is read");
        session.set_indexed();
        contexts::choose_all(&session);
    });
}

/// Takes over the text of a document that was opened.
pub(super) fn opened(session: &Arc<Session>, uri: Url) {
    let session = Arc::clone(session);
    background::run(move || {
        take_over(&session, &uri);
        contexts::choose(&session, uri);
    });
}

/// Takes over the text of a document once it has stayed the same for a moment.
pub(super) fn changed(session: &Arc<Session>, uri: Url) {
    let Ok(version) = session.snapshot(&uri).map(|snapshot| snapshot.version()) else { return };
    contexts::choose_later(session, uri.clone());
    let session = Arc::clone(session);
    tokio::spawn(async move {
        tokio::time::sleep(PAUSE).await;
        if session.snapshot(&uri).is_ok_and(|now| now.version() == version) {
            background::run(move || take_over(&session, &uri));
        }
    });
}

/// Goes back to the file as it is on disk: the document was closed.
pub(super) fn closed(session: &Arc<Session>, uri: &Url) {
    session.contexts.forget(uri);
    let Ok(path) = uri.to_file_path() else { return };
    let workspace = session.workspace();
    background::run(move || {
        workspace.close(&path);
        workspace.refresh(&path);
    });
}

/// Reads again what has changed on disk.
pub(super) fn changed_on_disk(session: &Arc<Session>, client: &Client, events: Vec<FileEvent>) {
    let is_rule = |event: &FileEvent| {
        [".gitignore", IGNORE_FILE].iter().any(|name| event.uri.path().ends_with(&format!("/{name}")))
    };
    let workspace = session.workspace();
    if events.iter().any(is_rule) {
        workspace.forget_rules();
        session.find_excluded();
        return scan(session, client);
    }
    background::run(move || {
        for event in events {
            let Ok(path) = event.uri.to_file_path() else { continue };
            match event.typ {
                FileChangeType::DELETED => workspace.remove(&path),
                _ => workspace.refresh(&path),
            }
        }
    });
}

/// Goes over to other workspace folders.
pub(super) fn moved(session: &Arc<Session>, client: &Client, roots: Vec<PathBuf>) {
    session.set_workspace(Workspace::new(roots));
    session.find_excluded();
    let open = session.with_documents(|documents| documents.open_uris());
    let own = Arc::clone(session);
    background::run(move || open.iter().for_each(|uri| take_over(&own, uri)));
    scan(session, client);
}

/// Returns the registration that makes an editor tell of files that change on disk.
pub(super) fn watching() -> Registration {
    Registration {
        id: "infill-ls.watchedFiles".into(),
        method: "workspace/didChangeWatchedFiles".into(),
        register_options: Some(json!({ "watchers": [{ "globPattern": "**/*" }] })),
    }
}

fn take_over(session: &Session, uri: &Url) {
    let (Ok(path), Ok(snapshot)) = (uri.to_file_path(), session.snapshot(uri)) else { return };
    let settings = session.settings();
    if snapshot.len() <= settings.max_file_bytes.0 {
        session.workspace().open(&path, snapshot.language(), &snapshot.text());
    }
}

/// Has the file of a document computed, and chooses what stands before it.
pub(super) fn all_ready(session: &Arc<Session>) {
    ahead::all_files(session);
    contexts::choose_all(session);
}
