//! The methods of the protocol: each converts, calls, and converts back.
//!
//! The notifications that change documents have done so before their first `.await`: tower-lsp runs handlers
//! concurrently and starts them in the order of the messages, so only what comes before it is in order.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::lsp_types::{
    CodeAction, CodeActionParams, CodeActionResponse, CompletionParams, CompletionResponse,
    DidChangeConfigurationParams, DidChangeTextDocumentParams, DidChangeWatchedFilesParams,
    DidChangeWorkspaceFoldersParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams,
    DidSaveTextDocumentParams, ExecuteCommandParams, InitializeParams, InitializeResult, InitializedParams,
    ServerInfo, Url, WorkDoneProgressCancelParams, WorkspaceFolder,
};
use tower_lsp::{Client, LanguageServer, async_trait};

use super::capabilities::{self, InlineOffer};
use super::ending::Ending;
use super::protocol::{
    DoctorReport, InlineCompletionList, InlineCompletionParams, OpenDocument, StatsReport,
};
use super::session::Session;
use super::{SourceFactory, accept, actions, ahead, completion, convert, inline, loading, project};
use crate::stats::{self, Summary};
use crate::text::Snapshot;

/// The language server.
pub(super) struct Backend {
    client: Client,
    session: Arc<Session>,
    ending: Ending,
    factory: Mutex<Option<SourceFactory>>,
}

impl Backend {
    pub(super) fn new(client: Client, session: Arc<Session>, ending: Ending, factory: SourceFactory) -> Self {
        Self { client, session, ending, factory: Mutex::new(Some(factory)) }
    }

    /// Returns the state of the connection.
    pub(super) fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// `textDocument/inlineCompletion`
    pub(super) async fn inline_completion(
        &self,
        params: InlineCompletionParams,
    ) -> Result<Option<InlineCompletionList>> {
        Ok(inline::inline_completion(&self.session, params).await)
    }

    /// `window/workDoneProgress/cancel`, for which tower-lsp has no method.
    pub(super) async fn cancel_progress(&self, params: WorkDoneProgressCancelParams) {
        self.session.cancel_progress(&params.token);
    }

    /// `infill/doctor`
    pub(super) async fn doctor(&self) -> Result<DoctorReport> {
        let session = &self.session;
        // The report comes after the messages about what it reports.
        session.outbox.flushed().await;
        let counters = session.source().map(|source| source.counters()).unwrap_or_default();
        let open = session.with_documents(|documents| documents.snapshots());
        // Reading the texts takes too long for a handler.
        let documents = tokio::task::spawn_blocking(move || open.into_iter().map(open_document).collect());
        Ok(DoctorReport {
            version: env!("CARGO_PKG_VERSION"),
            status: session.status(),
            counters,
            requests: session.log.totals(),
            remote: session.source().and_then(|source| source.remote()),
            engine: session.source().and_then(|source| source.engine()),
            documents: documents.await.map_err(|error| {
                tracing::error!(%error, "the open documents could not be read");
                Error::internal_error()
            })?,
            settings: (*session.settings()).clone(),
        })
    }

    /// `infill/stats`
    pub(super) async fn stats(&self) -> Result<StatsReport> {
        let session = Arc::clone(&self.session);
        // Reading the file takes too long for a handler.
        let read = tokio::task::spawn_blocking(move || Summary::of(&session.outcomes.all())).await;
        let summary = read.map_err(|error| {
            tracing::error!(%error, "the statistics could not be read");
            Error::internal_error()
        })?;
        Ok(StatsReport { text: stats::report(&summary, stats::DAYS, true), summary })
    }

    /// Returns the factory, the first time.
    fn take_factory(&self) -> Option<SourceFactory> {
        self.factory.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take()
    }
}

fn open_document((uri, snapshot): (Url, Snapshot)) -> OpenDocument {
    OpenDocument { uri, version: snapshot.version(), bytes: snapshot.len(), sha256: snapshot.sha256() }
}

#[async_trait]
impl LanguageServer for Backend {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        if let Some(process) = params.process_id {
            self.ending.follow(process);
        }
        let (negotiated, offered) = capabilities::negotiate(&params.capabilities);
        let roots = convert::roots(&params);
        self.session.configure(&params.initialization_options.unwrap_or_default());
        let factory = self.take_factory().ok_or_else(Error::invalid_request)?;
        self.session.begin(negotiated, roots, factory(&self.session.settings()));
        Ok(InitializeResult {
            capabilities: offered,
            server_info: Some(ServerInfo {
                name: "infill-ls".into(),
                version: Some(env!("CARGO_PKG_VERSION").into()),
            }),
        })
    }

    async fn initialized(&self, _: InitializedParams) {
        tokio::spawn(loading::follow(Arc::clone(&self.session), self.client.clone()));
        project::scan(&self.session, &self.client);
        let inline =
            (self.session.inline_offer() == InlineOffer::Dynamic).then(capabilities::inline_registration);
        let watching = self.session.negotiated().watches_files.then(project::watching);
        for registration in inline.into_iter().chain(watching) {
            let client = self.client.clone();
            tokio::spawn(async move {
                let method = registration.method.clone();
                if let Err(error) = client.register_capability(vec![registration]).await {
                    tracing::warn!(%error, method, "the editor did not register something that it can");
                }
            });
        }
    }

    async fn shutdown(&self) -> Result<()> {
        self.session.end();
        Ok(())
    }

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        let uri = params.text_document.uri.clone();
        self.session.open(params.text_document);
        ahead::file(&self.session, uri.clone(), Duration::ZERO);
        project::opened(&self.session, uri);
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        let uri = params.text_document.uri.clone();
        self.session.change(params);
        ahead::file(&self.session, uri.clone(), ahead::PAUSE);
        project::changed(&self.session, uri);
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        self.session.close(&params.text_document.uri);
        project::closed(&self.session, &params.text_document.uri);
    }

    async fn did_save(&self, _: DidSaveTextDocumentParams) {
        // What was saved is what the edits made already; the method exists so that tower-lsp does not warn.
    }

    async fn did_change_watched_files(&self, params: DidChangeWatchedFilesParams) {
        project::changed_on_disk(&self.session, &self.client, params.changes);
    }

    async fn did_change_workspace_folders(&self, params: DidChangeWorkspaceFoldersParams) {
        let paths = |folders: &[WorkspaceFolder]| -> Vec<_> {
            folders.iter().filter_map(|folder| folder.uri.to_file_path().ok()).collect()
        };
        let removed = paths(&params.event.removed);
        let workspace = self.session.workspace();
        let kept = workspace.roots().iter().filter(|root| !removed.contains(root)).cloned();
        let roots = kept.chain(paths(&params.event.added)).collect();
        project::moved(&self.session, &self.client, roots);
    }

    async fn did_change_configuration(&self, params: DidChangeConfigurationParams) {
        self.session.configure(&params.settings);
    }

    async fn completion(&self, params: CompletionParams) -> Result<Option<CompletionResponse>> {
        Ok(completion::completion(&self.session, params).await)
    }

    async fn code_action(&self, params: CodeActionParams) -> Result<Option<CodeActionResponse>> {
        Ok(actions::offer(&self.session, params).await)
    }

    async fn code_action_resolve(&self, action: CodeAction) -> Result<CodeAction> {
        actions::resolve(&self.session, &self.client, action).await
    }

    async fn execute_command(&self, params: ExecuteCommandParams) -> Result<Option<Value>> {
        match accept::COMMANDS.contains(&params.command.as_str()) {
            true => accept::execute(&self.session, &self.client, &params.command, params.arguments).await,
            false => actions::execute(&self.session, &self.client, params).await,
        }
    }
}
