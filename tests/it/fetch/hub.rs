//! A hub on the loopback interface: records what is asked and answers by a rule of the test.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// One request, as far as the tests look at it.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    pub path: String,
    /// The first byte of a `Range` header.
    pub range: Option<usize>,
    pub authorization: Option<String>,
}

/// A server that lives as long as the test's process.
pub struct Hub {
    pub endpoint: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Hub {
    /// Starts a server; `answer` writes the whole answer, after which the connection is closed.
    pub fn start(answer: impl Fn(&Asked, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (asked.clone(), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (seen, answer) = (seen.clone(), answer.clone());
                thread::spawn(move || serve(stream.unwrap(), &seen, answer.as_ref()));
            }
        });
        Self { endpoint, asked }
    }

    /// Returns what was asked so far with this method.
    pub fn asked(&self, method: &str) -> Vec<Asked> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|asked| asked.method == method).cloned().collect()
    }
}

fn serve(
    mut stream: TcpStream,
    seen: &Mutex<Vec<Asked>>,
    answer: &(impl Fn(&Asked, &mut TcpStream) + ?Sized),
) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let Some(first) = lines.next() else { return };
    let mut words = first.split(' ').map(str::to_owned);
    let headers: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let header = |name: &str| {
        let value = |line: &String| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        };
        headers.iter().find_map(value)
    };
    let range =
        header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let asked = Asked {
        method: words.next().unwrap(),
        path: words.next().unwrap(),
        range,
        authorization: header("authorization"),
    };
    seen.lock().unwrap().push(asked.clone());
    answer(&asked, &mut stream);
}

/// Writes the head of an answer.
pub fn head(stream: &mut TcpStream, status: &str, headers: &[(&str, String)]) {
    let mut text = format!("HTTP/1.1 {status}\r\nConnection: close\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    let _ = stream.write_all(format!("{text}\r\n").as_bytes());
}

/// Answers as the hub's storage does, ranges included, but sends at most `most` bytes before it hangs up.
pub fn send(asked: &Asked, stream: &mut TcpStream, file: &[u8], most: usize) {
    let start = asked.range.unwrap_or(0);
    let rest = &file[start.min(file.len())..];
    let length = ("Content-Length", rest.len().to_string());
    if asked.method == "HEAD" {
        head(stream, "200 OK", &[length]);
        return;
    }
    match asked.range {
        Some(start) if start >= file.len() => {
            head(stream, "416 Range Not Satisfiable", &[("Content-Length", "0".into())])
        }
        Some(start) => {
            let range = format!("bytes {start}-{}/{}", file.len() - 1, file.len());
            head(stream, "206 Partial Content", &[length, ("Content-Range", range)]);
        }
        None => head(stream, "200 OK", &[length]),
    }
    let _ = stream.write_all(&rest[..rest.len().min(most)]);
}
