//! Opens a text to read in the editor: as a file in the temporary folder, or, where the editor opens none, as a message.

use std::path::PathBuf;
use std::sync::Arc;

use tower_lsp::Client;
use tower_lsp::lsp_types::request::ShowDocument;
use tower_lsp::lsp_types::{MessageType, ShowDocumentParams, ShowDocumentResult, Url};

use crate::assist::Page;
use crate::server::session::Session;

/// Opens a page.
pub(super) async fn page(session: &Arc<Session>, client: &Client, page: &Page) {
    let by_message = || session.outbox.show(MessageType::INFO, page.text.clone());
    if !session.negotiated().show_document {
        return by_message();
    }
    let written = written(page);
    let uri = match written.as_ref().map(Url::from_file_path) {
        Ok(Ok(uri)) => uri,
        _ => return by_message(),
    };
    match open(client, uri, false).await {
        Ok(shown) if shown.success => {}
        _ => by_message(),
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

/// Writes a page into a file of its own.
fn written(page: &Page) -> std::io::Result<PathBuf> {
    let folder = std::env::temp_dir().join("infill-ls");
    std::fs::create_dir_all(&folder)?;
    let words = page.title.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let name = words.collect::<Vec<_>>().join("-");
    let file = folder.join(format!("{name}.{}", page.extension));
    std::fs::write(&file, &page.text)?;
    Ok(file)
}
