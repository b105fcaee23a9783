//! What windows and the engine process say to each other: frames of JSON behind their length, at most so long. Both ends
//! are the same program, so a version that differs is refused and not translated.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::complete::Prompt;
use crate::engine::{Counters, GenerationParams};
use crate::source::{Generation, Input, SourceError, Status};

/// The protocol's number; another one is refused.
pub(super) const PROTOCOL: u32 = 1;

/// The longest frame: many times the largest document that is completed.
const LONGEST: u32 = 64 << 20;

/// The first words of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hello {
    /// The protocol's number.
    pub(super) protocol: u32,
    /// The program's version.
    pub(super) version: String,
    /// Which engine is meant: model, options, program. An empty one asks about whatever engine it is.
    pub(super) key: String,
    /// Whether it is an editor's window; otherwise somebody who only has a question.
    pub(super) window: bool,
}

impl Hello {
    /// Returns the first words of this program.
    pub(super) fn of(key: &str, window: bool) -> Self {
        let (key, version) = (key.to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        Self { protocol: PROTOCOL, version, key, window }
    }

    /// Checks that both ends speak of the same.
    pub(super) fn agree(&self, other: &Self) -> Result<(), String> {
        if (self.protocol, &self.version) != (other.protocol, &other.version) {
            let [ours, theirs] = [self, other].map(|hello| format!("{}/{}", hello.version, hello.protocol));
            return Err(format!("the engine is of version {ours}, the window of {theirs}"));
        }
        match other.key.is_empty() || self.key == other.key {
            true => Ok(()),
            false => Err("the engine has another model or other options".into()),
        }
    }
}

/// A generation that is asked for.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Asked {
    pub(super) document: u64,
    pub(super) input: Input,
    pub(super) others: Vec<Prompt>,
    pub(super) latency: Duration,
    pub(super) params: GenerationParams,
    pub(super) idle: bool,
    pub(super) files: Vec<PathBuf>,
}

/// What is to be made ready.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Wanted {
    File(Prompt),
    /// With the number under which it is told that it is there.
    NewContext(Prompt, u64),
    Prompt(Prompt),
}

/// What the engine hears.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum ToEngine {
    Hello(Hello),
    Generate {
        id: u64,
        asked: Box<Asked>,
    },
    /// What the watcher says of a piece: whether to go on.
    Verdict {
        id: u64,
        go_on: bool,
    },
    Cancel {
        id: u64,
    },
    Prepare {
        document: u64,
        wanted: Wanted,
    },
    Forget {
        document: u64,
    },
    /// How many tokens these texts are; answered in order, as all questions.
    Count(Vec<String>),
    Counters,
    Report,
    /// Ends the engine.
    Stop,
}

/// What a window hears.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum ToWindow {
    Hello {
        hello: Hello,
        pid: u32,
    },
    Refused(String),
    Status(Status),
    Piece {
        id: u64,
        text: String,
    },
    Done {
        id: u64,
        result: Result<Generation, SourceError>,
    },
    /// What was to be made ready is there.
    Reached {
        number: u64,
    },
    Counts(Vec<usize>),
    Counters(Counters),
    Report(Running),
    /// The engine was told to end; it is not to be started again before it is needed.
    Closing,
}

/// What an engine process says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Running {
    /// Its process.
    pub pid: u32,
    /// Windows that share it.
    pub windows: usize,
    /// Its model, or how far that is.
    pub status: Status,
}

/// Returns a message as it is sent.
pub(super) fn frame(message: &impl Serialize) -> Vec<u8> {
    let mut bytes = vec![0; 4];
    // Writing plain data into memory does not fail; an empty frame would close the connection.
    if serde_json::to_writer(&mut bytes, message).is_err() {
        bytes.truncate(4);
    }
    let length = (bytes.len() - 4) as u32;
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    bytes
}

/// Reads the next message; `None` at the end of the connection.
pub(super) async fn receive<M: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
) -> io::Result<Option<M>> {
    let mut length = [0; 4];
    if from.read(&mut length[..1]).await? == 0 {
        return Ok(None);
    }
    from.read_exact(&mut length[1..]).await?;
    let length = checked(length)?;
    let mut body = Vec::new();
    // The room grows with what comes, so that a lie about the length costs nothing.
    from.take(length).read_to_end(&mut body).await?;
    parsed(&body, length).map(Some)
}

/// The same for who waits for it.
pub(super) fn receive_blocking<M: DeserializeOwned>(from: &mut impl Read) -> io::Result<M> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = checked(length)?;
    let mut body = Vec::new();
    from.take(length).read_to_end(&mut body)?;
    parsed(&body, length)
}

/// Sends a message and waits until it is gone.
pub(super) fn send_blocking(to: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    to.write_all(&frame(message))?;
    to.flush()
}

fn checked(length: [u8; 4]) -> io::Result<u64> {
    match u32::from_le_bytes(length) {
        length @ 1..=LONGEST => Ok(length.into()),
        length => Err(malformed(format!("a frame of {length} bytes"))),
    }
}

fn parsed<M: DeserializeOwned>(body: &[u8], length: u64) -> io::Result<M> {
    if body.len() as u64 != length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    serde_json::from_slice(body).map_err(|error| malformed(error.to_string()))
}

fn malformed(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
