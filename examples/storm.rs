//! Ten thousand requests to a remote source whose server fails at random: refuses, hangs, cuts the stream, answers
//! nonsense. Each must be answered exactly once, and the memory stay flat. No part of the program;
//! `cargo run --release --example storm [REQUESTS]`.

#[path = "../tests/it/remote/fate.rs"]
mod fate;

use std::io::Write;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use infill_ls::complete::Prompt;
use infill_ls::engine::{CancelToken, GenerationParams};
use infill_ls::source::{
    Input, MarkerChoice, RemoteKind, RemoteOptions, RemoteSource, Request, Source, SourceError,
};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use fate::Fates;

/// Requests under way at once.
const AT_ONCE: usize = 32;

/// Sources, for one that is left alone after failures would be asked little.
const SOURCES: usize = 64;

fn main() -> anyhow::Result<()> {
    let requests = std::env::args().nth(1).map_or(Ok(10_000), |number| number.parse())?;
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?
        .block_on(storm(requests))
}

async fn storm(requests: usize) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let fates = Arc::new(Fates::new());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&fates)));
        }
    });
    let (mut answered, mut text, mut away, mut other) = (0, 0, 0, 0);
    let begun = Instant::now();
    let mut at_first = None;
    let mut under_way = JoinSet::new();
    let mut sources: Vec<Arc<RemoteSource>> = Vec::new();
    let sent = Arc::new(AtomicUsize::new(0));
    for number in 0..requests {
        if number % (requests / 8).max(1) == 0 {
            // A new set of sources is asked again where the old one waits for its server to come back.
            sources = (0..SOURCES).map(|_| Arc::new(RemoteSource::new(options(&url)))).collect();
            let memory = resident();
            if number > 0 {
                at_first = at_first.or(memory);
            }
            writeln!(std::io::stdout(), "{number:>6} requests, {} kB", memory.unwrap_or_default())?;
        }
        let source = Arc::clone(&sources[number % SOURCES]);
        let sent = Arc::clone(&sent);
        under_way.spawn(async move {
            let answer = source.generate(request(number as u64)).await;
            sent.fetch_add(1, Ordering::Relaxed);
            answer
        });
        while AT_ONCE <= under_way.len() {
            let Some(answer) = under_way.join_next().await else { break };
            count(answer?, &mut [&mut answered, &mut text, &mut away, &mut other]);
        }
    }
    while let Some(answer) = under_way.join_next().await {
        count(answer?, &mut [&mut answered, &mut text, &mut away, &mut other]);
    }
    let (first, last) = (at_first.unwrap_or_default(), resident().unwrap_or_default());
    writeln!(
        std::io::stdout(),
        "{answered} answers in {:.0} s: {text} with text, {away} told that the server is away, {other} else; {first} kB after an eighth, {last} kB at the end",
        begun.elapsed().as_secs_f64()
    )?;
    ensure!(answered == requests && other == 0, "not each was answered as it should");
    ensure!(last < first + first / 5 + 4096, "the memory grew");
    Ok(())
}

fn count(
    answer: Result<infill_ls::source::Generation, SourceError>,
    [all, text, away, other]: &mut [&mut usize; 4],
) {
    **all += 1;
    match answer {
        Ok(_) => **text += 1,
        Err(SourceError::Away(_)) => **away += 1,
        Err(_) => **other += 1,
    }
}

fn options(url: &str) -> RemoteOptions {
    RemoteOptions {
        kind: RemoteKind::LlamaServer,
        url: Some(url.into()),
        model: None,
        key: None,
        markers: MarkerChoice::Auto,
        folders: vec!["*".into()],
        connect: Duration::from_millis(200),
        read: Duration::from_millis(50),
        ca_file: None,
        proxy: false,
    }
}

fn request(branch: u64) -> Request {
    let prompt = Prompt { prefix: "x = 1\n".repeat(500), suffix: "y = 2\n".repeat(50), ..Prompt::default() };
    Request {
        branch,
        input: Input::Infill(prompt),
        others: Vec::new(),
        latency: Duration::from_secs(1),
        params: GenerationParams { time_budget: Some(Duration::from_secs(2)), ..GenerationParams::default() },
        watch: Box::new(|_| ControlFlow::Continue(())),
        cancel: CancelToken::new(),
        idle: false,
        files: Vec::new(),
    }
}

async fn serve(stream: TcpStream, fates: Arc<Fates>) {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            match reader.read_line(&mut line).await {
                Ok(read) if read > 0 => {}
                _ => return,
            }
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).await.is_err() {
            return;
        }
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        let (answer, goes_on) = match fates.draw() % 10 {
            0 => (String::new(), false),
            1 => {
                let _ = reader.read_to_end(&mut body).await;
                return;
            }
            2 => (format!("{head}1e\r\ndata: {{\"content\":\"half of it\"}}"), false),
            3 => ("SSH-2.0-OpenSSH_9.2\r\n".into(), false),
            4 => ("HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nno".into(), true),
            5 => ("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 16\r\n\r\ndata: nonsense\n\n".into(), true),
            _ => (format!("{head}2b\r\ndata: {{\"content\":\"all of it\",\"stop\":true}}\n\n\r\n0\r\n\r\n"), true),
        };
        if writer.write_all(answer.as_bytes()).await.is_err() || !goes_on {
            return;
        }
    }
}

/// Returns the kilobytes that this process holds.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}
