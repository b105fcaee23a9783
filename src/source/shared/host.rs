//! The engine process: the model, shared by all windows of a user. It listens at its place and ends when the last window
//! has been gone for a while, or when it is told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use interprocess::local_socket::tokio::{Stream, prelude::*};
use tokio::sync::watch;

use super::place::{Place, is_ours};
use super::protocol::{Hello, Running};
use super::seat::Seat;
use crate::source::{EmbeddedSource, Source, Status};

/// How long the windows may take to hear that the engine ends.
const FAREWELL: Duration = Duration::from_millis(200);

/// How long the first window, which has had the engine started, may take until it comes.
const ARRIVAL: Duration = Duration::from_secs(10);

/// The wait after a connection that could not be accepted, such as when there are no more file descriptors.
const BREATH: Duration = Duration::from_millis(100);

/// What came of the start of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It listens.
    Here,
    /// Another one had the place already.
    Elsewhere,
}

/// What the windows of an engine share.
pub(super) struct Host {
    pub(super) hello: Hello,
    pub(super) source: Arc<EmbeddedSource>,
    /// How far the model is.
    pub(super) status: watch::Receiver<Status>,
    /// How many windows there are.
    windows: watch::Sender<usize>,
    /// Whether the engine is to end.
    pub(super) closing: watch::Sender<bool>,
    numbers: AtomicU32,
}

impl Host {
    /// Counts a window and returns its number, which no other has.
    pub(super) fn arrive(&self) -> u32 {
        self.windows.send_modify(|windows| *windows += 1);
        // 0 is the number where there are no windows.
        self.numbers.fetch_add(1, Relaxed) + 1
    }

    /// Frees all that a window had.
    pub(super) fn leave(&self, window: u32) {
        self.source.forget_window(window);
        self.windows.send_modify(|windows| *windows -= 1);
    }

    pub(super) fn report(&self) -> Running {
        let (windows, status) = (*self.windows.borrow(), self.source.status());
        Running { pid: std::process::id(), windows, status }
    }

    /// Waits until there has been no window for so long, or the model could not be loaded and so another engine must try.
    async fn unused(&self, linger: Duration) {
        let mut windows = self.windows.subscribe();
        let mut status = self.status.clone();
        let failed = async {
            if status.wait_for(|status| matches!(status, Status::Failed { .. })).await.is_err() {
                // It was loaded, and nothing more is said of it.
                std::future::pending::<()>().await;
            }
        };
        let gone = async {
            let mut wait = linger.max(ARRIVAL);
            while tokio::time::timeout(wait, windows.wait_for(|windows| *windows > 0)).await.is_ok() {
                let _ = windows.wait_for(|windows| *windows == 0).await;
                wait = linger;
            }
        };
        tokio::select! {
            () = failed => {}
            () = gone => {}
        }
    }
}

/// Runs an engine at a place until it is no longer needed. `start` begins to load the model; `announce` hears whether this is
/// the engine now.
///
/// # Errors
/// When it cannot listen there.
pub async fn host(
    place: &Place,
    key: &str,
    linger: Duration,
    start: impl FnOnce() -> Arc<EmbeddedSource>,
    announce: impl FnOnce(Taken),
) -> std::io::Result<()> {
    let Some(held) = place.take()? else {
        announce(Taken::Elsewhere);
        return Ok(());
    };
    let listener = place.listen(&held)?;
    announce(Taken::Here);
    let source = start();
    let host = Arc::new(Host {
        hello: Hello::of(key, false),
        status: follow(&source),
        source,
        windows: watch::Sender::new(0),
        closing: watch::Sender::new(false),
        numbers: AtomicU32::new(0),
    });
    tracing::info!(pid = std::process::id(), "the engine listens");
    let mut told = host.closing.subscribe();
    let unused = host.unused(linger);
    tokio::pin!(unused);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(stream) => receive(&host, stream),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(BREATH).await;
                }
            },
            () = &mut unused => break,
            _ = told.wait_for(|told| *told) => break,
        }
    }
    // First nobody can come any more, then the place is free, then those who are there are told.
    drop(listener);
    drop(held);
    tracing::info!("the engine ends");
    host.closing.send_replace(true);
    let mut windows = host.windows.subscribe();
    let _ = tokio::time::timeout(FAREWELL, windows.wait_for(|windows| *windows == 0)).await;
    Ok(())
}

fn receive(host: &Arc<Host>, stream: Stream) {
    match is_ours(&stream) {
        Ok(()) => drop(tokio::spawn(Seat::serve(Arc::clone(host), stream))),
        Err(error) => tracing::warn!(%error, "a connection was refused"),
    }
}

/// Follows the model's status, which its source tells only to who waits for it.
fn follow(source: &Arc<EmbeddedSource>) -> watch::Receiver<Status> {
    let (sender, receiver) = watch::channel(source.status());
    let source = Arc::clone(source);
    let follow = move || {
        // The last word is the status itself.
        let _ = source.wait(&mut |stage, done, total| {
            sender.send_replace(Status::Loading { stage: stage.to_owned(), done, total });
        });
        sender.send_replace(source.status());
    };
    if let Err(error) = std::thread::Builder::new().name("status".into()).spawn(follow) {
        tracing::error!(%error, "windows do not hear how far the model is: no thread");
    }
    receiver
}
