//! Opens a text to read in the editor: as a page where it shows pages, else as a file in the temporary folder, or, where
//! the editor opens none, as a message.

use std::path::PathBuf;
use std::sync::Arc;

use tower_lsp::Client;
use tower_lsp::lsp_types::request::ShowDocument;
use tower_lsp::lsp_types::{MessageType, ShowDocumentParams, ShowDocumentResult, Url};

use crate::assist::Page;
use crate::server::outbox::Outbox;
use crate::server::protocol::PageParams;
use crate::server::session::Session;

/// Opens a page.
pub(super) async fn page(session: &Arc<Session>, client: &Client, page: &Page) {
    if session.negotiated().pages {
        return finished(&session.outbox, page);
    }
    let by_message = || session.outbox.show(MessageType::INFO, page.text.clone());
    if !session.negotiated().show_document {
        return by_message();
    }
    let Ok(uri) = written(page) else { return by_message() };
    match open(client, uri, false).await {
        Ok(shown) if shown.success => {}
        _ => by_message(),
    }
}

/// Has the editor show a page that is whole.
pub(super) fn finished(outbox: &Outbox, page: &Page) {
    match written(page) {
        Ok(uri) => {
            let (title, text) = (page.title.clone(), page.text.clone());
            outbox.page(PageParams { uri, title, text, done: true });
        }
        Err(error) => {
            tracing::warn!(%error, "the temporary folder takes no file; the page is shown as a message");
            outbox.show(MessageType::INFO, page.text.clone());
        }
    }
}

/// Opens a document, for a person to go on in.
pub(super) async fn document(session: &Arc<Session>, client: &Client, uri: Url) {
    if session.negotiated().show_document
        && let Err(error) = open(client, uri, true).await
    {
        tracing::warn!(%error, "the editor did not open a document");
    }
}

async fn open(client: &Client, uri: Url, take_focus: bool) -> tower_lsp::jsonrpc::Result<ShowDocumentResult> {
    let params =
        ShowDocumentParams { uri, external: Some(false), take_focus: Some(take_focus), selection: None };
    client.send_request::<ShowDocument>(params).await
}

/// Returns the file that a page is kept in.
pub(super) fn place(title: &str, extension: &str) -> std::io::Result<(PathBuf, Url)> {
    let words = title.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let name = words.collect::<Vec<_>>().join("-");
    let file = std::env::temp_dir().join("infill-ls").join(format!("{name}.{extension}"));
    let uri = Url::from_file_path(&file).map_err(|()| std::io::ErrorKind::InvalidFilename)?;
    Ok((file, uri))
}

/// Writes a page into a file of its own.
fn written(page: &Page) -> std::io::Result<Url> {
    let (file, uri) = place(&page.title, page.extension)?;
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&file, &page.text)?;
    Ok(uri)
}
