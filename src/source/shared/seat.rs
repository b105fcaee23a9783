//! A window's place at the engine: what it asks for is given to the model under the window's number, and all of it ends
//! with the connection.

use std::collections::HashMap;
use std::io;
use std::ops::ControlFlow;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use interprocess::local_socket::tokio::Stream;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

use super::host::Host;
use super::protocol::{Asked, ToEngine, ToWindow, Wanted, frame, receive};
use crate::engine::{BranchId, CancelToken, Readiness};
use crate::source::{Ahead, Request, Source};

/// How long the first words may take.
const GREETING: Duration = Duration::from_secs(5);

/// How long the engine waits for what a window says of a piece of text, which is some ten microseconds on an idle machine.
/// Behind that the writing goes on, and the window cuts off what was too much.
const PATIENCE: Duration = Duration::from_millis(30);

/// Messages that wait for a window to read them. One that does not is cut off.
const WAITING: usize = 4096;

/// Texts with more bytes together are counted on a thread of their own.
const QUICK: usize = 16 * 1024;

/// One connection.
pub(super) struct Seat {
    host: Arc<Host>,
    /// `None` for who only has a question.
    window: Option<u32>,
    outbox: Outbox,
    running: Mutex<HashMap<u64, Work>>,
}

/// A generation under way.
#[derive(Clone)]
struct Work {
    cancel: CancelToken,
    verdicts: Arc<Verdicts>,
}

/// The way to the window.
#[derive(Clone)]
struct Outbox {
    frames: mpsc::Sender<Vec<u8>>,
    /// Set when the window does not read.
    full: CancelToken,
}

impl Outbox {
    fn send(&self, message: &ToWindow) {
        if self.frames.try_send(frame(message)).is_err() {
            self.full.cancel();
        }
    }
}

/// What the window's watcher has said of the pieces so far.
#[derive(Default)]
struct Verdicts {
    state: Mutex<Said>,
    changed: Condvar,
}

#[derive(Default)]
struct Said {
    /// Pieces sent, and verdicts on them.
    sent: u64,
    judged: u64,
    enough: bool,
    /// Whether a verdict was waited for in vain: no other is waited for then.
    late: bool,
}

impl Verdicts {
    fn lock(&self) -> MutexGuard<'_, Said> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, go_on: bool) {
        let mut said = self.lock();
        said.judged += 1;
        said.enough |= !go_on;
        self.changed.notify_all();
    }

    /// Ends the writing.
    fn end(&self) {
        self.lock().enough = true;
        self.changed.notify_all();
    }

    /// Waits for the verdict on a piece that was just sent.
    fn wait(&self) -> ControlFlow<()> {
        let until = Instant::now() + PATIENCE;
        let mut said = self.lock();
        said.sent += 1;
        while !said.enough && !said.late && said.judged < said.sent {
            let left = until.saturating_duration_since(Instant::now());
            said.late = left.is_zero();
            let waited = self.changed.wait_timeout(said, left);
            said = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if said.enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl Seat {
    /// Serves a connection until its end.
    pub(super) async fn serve(host: Arc<Host>, stream: Stream) {
        let stream = Arc::new(stream);
        let greeted = tokio::time::timeout(GREETING, receive(&mut &*stream)).await;
        let Ok(Ok(Some(ToEngine::Hello(hello)))) = greeted else {
            return tracing::debug!("a connection without a greeting");
        };
        let (frames, waiting) = mpsc::channel(WAITING);
        let outbox = Outbox { frames, full: CancelToken::new() };
        let writer = tokio::spawn(write(Arc::clone(&stream), waiting));
        if let Err(why) = host.hello.agree(&hello) {
            outbox.send(&ToWindow::Refused(why));
            drop(outbox);
            let _ = writer.await;
            return;
        }
        outbox.send(&ToWindow::Hello { hello: host.hello.clone(), pid: std::process::id() });
        let window = hello.window.then(|| host.arrive());
        let seat = Arc::new(Self { host, window, outbox, running: Mutex::default() });
        let told = window.map(|_| tokio::spawn(tell(Arc::clone(&seat))));
        if let Err(error) = seat.listen(&stream).await {
            tracing::debug!(%error, ?window, "a connection ended");
        }
        for work in seat.lock().drain().map(|(_, work)| work) {
            work.cancel.cancel();
            work.verdicts.end();
        }
        told.inspect(|told| told.abort());
        writer.abort();
        window.inspect(|&window| seat.host.leave(window));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Work>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn listen(self: &Arc<Self>, stream: &Stream) -> io::Result<()> {
        let mut from = stream;
        loop {
            let message = tokio::select! {
                message = receive(&mut from) => message?,
                () = self.outbox.full.cancelled() => return Err(io::Error::other("it does not read")),
            };
            match message {
                Some(ToEngine::Stop) => {
                    // Said before anything ends, or it might never be; who asks this has no other answer under way.
                    let mut to = stream;
                    to.write_all(&frame(&ToWindow::Closing)).await?;
                    self.host.closing.send_replace(true);
                }
                Some(message) => self.hear(message).await?,
                None => return Ok(()),
            }
        }
    }

    async fn hear(self: &Arc<Self>, message: ToEngine) -> io::Result<()> {
        let source = &self.host.source;
        match message {
            ToEngine::Hello(_) | ToEngine::Stop => return Err(io::Error::other("out of place")),
            ToEngine::Generate { id, asked } => self.generate(id, *asked),
            ToEngine::Verdict { id, go_on } => {
                let work = self.lock().get(&id).cloned();
                work.inspect(|work| work.verdicts.say(go_on));
            }
            ToEngine::Cancel { id } => {
                let work = self.lock().remove(&id);
                work.inspect(|work| {
                    work.cancel.cancel();
                    work.verdicts.end();
                });
            }
            ToEngine::Prepare { document, wanted } => self.prepare(document, wanted),
            ToEngine::Forget { document } => source.forget_branch(self.branch(document)),
            ToEngine::Count(texts) => {
                let counts = self.count(texts).await?;
                self.outbox.send(&ToWindow::Counts(counts));
            }
            ToEngine::Counters => self.outbox.send(&ToWindow::Counters(source.counters())),
            ToEngine::Report => self.outbox.send(&ToWindow::Report(self.host.report())),
        }
        Ok(())
    }

    fn branch(&self, document: u64) -> BranchId {
        BranchId { window: self.window.unwrap_or_default(), document }
    }

    fn generate(self: &Arc<Self>, id: u64, asked: Asked) {
        let Asked { document: branch, input, others, latency, params, idle, files } = asked;
        let work = Work { cancel: CancelToken::new(), verdicts: Arc::default() };
        self.lock().insert(id, work.clone());
        let (outbox, Work { cancel, verdicts }) = (self.outbox.clone(), work);
        let watch = Box::new(move |piece: &str| {
            outbox.send(&ToWindow::Piece { id, text: piece.to_owned() });
            verdicts.wait()
        });
        let request = Request { branch, input, others, latency, params, watch, cancel, idle, files };
        let generation = self.host.source.generate_for(self.window.unwrap_or_default(), request);
        let seat = Arc::clone(self);
        tokio::spawn(async move {
            let result = generation.await;
            // Who has cancelled it no longer listens.
            if seat.lock().remove(&id).is_some() {
                seat.outbox.send(&ToWindow::Done { id, result });
            }
        });
    }

    fn prepare(&self, document: u64, wanted: Wanted) {
        let ahead = match wanted {
            Wanted::File(prompt) => Ahead::File(prompt),
            Wanted::Prompt(prompt) => Ahead::Prompt(prompt),
            Wanted::NewContext(prompt, number) => {
                let outbox = self.outbox.clone();
                let tell = move || outbox.send(&ToWindow::Reached { number });
                Ahead::NewContext(prompt, Readiness::telling(tell))
            }
        };
        self.host.source.prepare_for(self.branch(document), ahead);
    }

    async fn count(&self, texts: Vec<String>) -> io::Result<Vec<usize>> {
        let counter = self.host.source.counter().ok_or(io::Error::other("no model is there"))?;
        let bytes = texts.iter().map(String::len).sum::<usize>();
        let count = move || texts.iter().map(|text| counter.count(text)).collect::<Vec<_>>();
        match bytes <= QUICK {
            true => Ok(count()),
            false => tokio::task::spawn_blocking(count).await.map_err(io::Error::other),
        }
    }
}

/// Sends what is said to a window until nobody says anything more.
async fn write(stream: Arc<Stream>, mut waiting: mpsc::Receiver<Vec<u8>>) {
    let mut to = &*stream;
    while let Some(frame) = waiting.recv().await {
        if to.write_all(&frame).await.is_err() {
            return;
        }
    }
}

/// Tells a window how far the model is, and that the engine ends.
async fn tell(seat: Arc<Seat>) {
    let (mut status, mut closing) = (seat.host.status.clone(), seat.host.closing.subscribe());
    let mut may_change = true;
    loop {
        let now = status.borrow_and_update().clone();
        seat.outbox.send(&ToWindow::Status(now));
        if *closing.borrow_and_update() {
            return seat.outbox.send(&ToWindow::Closing);
        }
        tokio::select! {
            changed = status.changed(), if may_change => may_change = changed.is_ok(),
            _ = closing.changed() => {}
        }
    }
}
