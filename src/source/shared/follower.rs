//! Finds the engine, has it started where there is none, and hears what it says; where one is lost, the same again.

use std::sync::Arc;
use std::time::Duration;

use interprocess::local_socket::tokio::Stream;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::Instant;

use super::link::{Link, loading};
use super::protocol::{Hello, ToEngine, ToWindow, frame, receive};
use super::{Inside, Place, log_file};
use crate::source::Status;

/// How long an engine may take until it listens; it does so before it loads anything.
const START: Duration = Duration::from_secs(10);

/// How often it is tried while an engine is on its way in or out.
const RETRY: Duration = Duration::from_millis(20);

/// Engines that may be lost within [`LOSS_WINDOW`] before it is given up.
const LOSSES: usize = 4;

/// See [`LOSSES`].
const LOSS_WINDOW: Duration = Duration::from_secs(60);

/// How long a request may wait without a word from the engine before the engine is asked for one.
const QUIET: Duration = Duration::from_secs(10);

/// How long it may take to say that word, on a machine that has other things to do. Then it is stopped, or hangs.
const WORD: Duration = Duration::from_secs(20);

/// Why there is no connection any more.
enum End {
    /// The engine is gone.
    Lost,
    /// It was told to end.
    Closing,
    /// There will be no answers.
    Failed,
}

/// Follows the engine on a thread of its own.
pub(super) struct Follower {
    pub(super) link: Arc<Link>,
    pub(super) place: Place,
    pub(super) hello: Hello,
    pub(super) launch: Arc<dyn Fn() -> Result<(), String> + Send + Sync>,
}

impl Follower {
    /// Follows it until there will be no answers any more, or the model is in this process.
    pub(super) async fn follow(&self, inside: Inside) {
        let mut losses: Vec<Instant> = Vec::new();
        loop {
            let stream = match self.find().await {
                Ok(stream) => stream,
                Err(why) => return self.link.go_inside(inside, why),
            };
            match self.talk(stream).await {
                End::Failed => return,
                End::Closing => {
                    tracing::info!("the engine was stopped; it starts again with the next request");
                    self.link.rest().await;
                }
                End::Lost => {
                    tracing::warn!("the engine is gone; another one is looked for");
                    losses.retain(|loss| loss.elapsed() < LOSS_WINDOW);
                    losses.push(Instant::now());
                    if LOSSES < losses.len() {
                        return self.link.fail(format!(
                            "the engine process ended {} times within a minute; its log is {} (with `engine.share` set to \
                             false the model runs in this process)",
                            losses.len(),
                            log_file().map_or_else(|| "missing".into(), |path| path.display().to_string()),
                        ));
                    }
                    self.link.lose(loading("the engine is gone; starting another one"));
                }
            }
        }
    }

    /// Connects to the engine, started if there is none.
    async fn find(&self) -> Result<Stream, String> {
        let until = Instant::now() + START;
        let mut launched = false;
        loop {
            match self.greet().await {
                Ok(Some(stream)) => return Ok(stream),
                Ok(None) => {}
                Err(why) => return Err(why),
            }
            if until < Instant::now() {
                return Err("the engine process does not answer".into());
            }
            match launched {
                true => tokio::time::sleep(RETRY).await,
                false => {
                    let launch = Arc::clone(&self.launch);
                    let started = tokio::task::spawn_blocking(move || launch());
                    let started = tokio::time::timeout_at(until, started).await;
                    started
                        .map_err(|_| "the engine process does not start".to_owned())?
                        .map_err(|error| error.to_string())??;
                }
            }
            // An engine that was about to end may have had the place, and then it takes another one.
            launched = !launched;
        }
    }

    /// Returns a connection on which both sides agree; `None` where nobody answers.
    async fn greet(&self) -> Result<Option<Stream>, String> {
        let stream = match self.place.connect().await {
            Ok(stream) => stream,
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                return Err(error.to_string());
            }
            Err(_) => return Ok(None),
        };
        let hello = frame(&ToEngine::Hello(self.hello.clone()));
        let greeted = async {
            (&stream).write_all(&hello).await?;
            receive(&mut &stream).await
        };
        match tokio::time::timeout(START, greeted).await {
            Ok(Ok(Some(ToWindow::Hello { hello, pid }))) => {
                hello.agree(&self.hello)?;
                tracing::info!(pid, "the engine was found");
                Ok(Some(stream))
            }
            Ok(Ok(Some(ToWindow::Refused(why)))) => Err(why),
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::InvalidData => {
                Err(format!("the engine speaks otherwise: {error}"))
            }
            // It was about to end.
            Ok(Ok(_) | Err(_)) => Ok(None),
            Err(_) => Err("the engine process does not answer".into()),
        }
    }

    /// Hands messages to and fro until the connection ends.
    async fn talk(&self, stream: Stream) -> End {
        let (sender, frames) = unbounded_channel();
        self.link.connect(sender);
        tokio::select! {
            () = write(&stream, frames) => End::Lost,
            end = self.listen(&stream) => end,
            () = self.silent() => {
                tracing::warn!("the engine does not say a word: is it stopped?");
                End::Lost
            }
        }
    }

    /// Waits until the engine is silent though there is something to say. On Linux and macOS the clock stands while the
    /// machine sleeps.
    async fn silent(&self) {
        let mut seen = self.link.heard();
        loop {
            tokio::time::sleep(QUIET).await;
            let heard = self.link.heard();
            if heard == seen && self.link.is_waiting() {
                self.link.ask_for_a_word();
                tokio::time::sleep(WORD).await;
                if self.link.heard() == heard {
                    return;
                }
            }
            seen = self.link.heard();
        }
    }

    async fn listen(&self, mut stream: &Stream) -> End {
        let mut is_ready = false;
        loop {
            let message = match receive(&mut stream).await {
                Ok(Some(message)) => message,
                Ok(None) => return End::Lost,
                Err(error) => {
                    tracing::warn!(%error, "the connection to the engine");
                    return End::Lost;
                }
            };
            self.link.hear();
            match message {
                // The word that was asked for.
                ToWindow::Counters(_) => {}
                ToWindow::Piece { id, text } => self.link.piece(id, &text),
                ToWindow::Done { id, result } => self.link.done(id, result),
                ToWindow::Status(Status::Failed { message }) => {
                    self.link.fail(message);
                    return End::Failed;
                }
                ToWindow::Status(status @ Status::Ready { .. }) if !is_ready => {
                    is_ready = true;
                    self.link.set_ready(status);
                }
                ToWindow::Status(status) => self.link.set_status(status),
                ToWindow::Reached { number } => self.link.reached(number),
                ToWindow::Closing => return End::Closing,
                other => tracing::debug!(?other, "nobody asked for this"),
            }
        }
    }
}

async fn write(mut stream: &Stream, mut frames: UnboundedReceiver<Vec<u8>>) {
    while let Some(frame) = frames.recv().await {
        if stream.write_all(&frame).await.is_err() {
            return;
        }
    }
}
