//! `infill-ls model list`: the catalogue as a table for people, or as JSON for programs.

use serde::Serialize;

use super::print;
use crate::fetch::{DEFAULT_MODEL, Listed, Speed, Store};

/// A model as `--json` has it.
#[derive(Serialize)]
struct Row {
    /// What the setting `model` takes.
    name: &'static str,
    /// The name to show.
    title: &'static str,
    /// The size of the file.
    bytes: u64,
    /// About what it takes to run.
    memory: u64,
    licence: &'static str,
    architecture: &'static str,
    /// Whether the file is here.
    installed: bool,
    /// Whether this program can run it.
    supported: bool,
    /// Whether it is used where nothing is set.
    default: bool,
    /// How fast it was on this machine, where that was measured.
    speed: Option<Speed>,
}

const HEADINGS: [&str; 7] = ["NAME", "SIZE", "MEMORY", "LICENCE", "ARCHITECTURE", "SPEED HERE", "STATE"];

/// Prints the catalogue.
pub(super) fn list(store: &Store, json: bool) -> anyhow::Result<()> {
    let rows: Vec<Row> = store.list().iter().map(|listed| row(store, listed)).collect();
    if json {
        return print(&serde_json::to_string_pretty(&rows)?);
    }
    let mut table = vec![HEADINGS.map(str::to_owned)];
    table.extend(rows.iter().map(cells));
    let width = |column: usize| table.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..HEADINGS.len()).map(width).collect();
    for row in table {
        let padded = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        print(padded.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

fn row(store: &Store, listed: &Listed) -> Row {
    let entry = listed.entry;
    Row {
        name: entry.name,
        title: entry.title,
        bytes: entry.bytes,
        memory: entry.memory(),
        licence: entry.licence,
        architecture: entry.architecture,
        installed: listed.installed,
        supported: entry.supported(),
        default: entry.name == DEFAULT_MODEL,
        speed: store.speed(entry),
    }
}

fn cells(row: &Row) -> [String; HEADINGS.len()] {
    let state = match (row.installed, row.supported) {
        (true, _) => "installed",
        (false, true) => "not installed",
        (false, false) => "not supported yet",
    };
    let default = if row.default { " (default)" } else { "" };
    [
        row.name.to_owned(),
        size(row.bytes),
        size(row.memory),
        row.licence.to_owned(),
        row.architecture.to_owned(),
        row.speed.map_or("not measured".into(), speed),
        format!("{state}{default}"),
    ]
}

fn size(bytes: u64) -> String {
    match bytes as f64 / 1e6 {
        megabytes if megabytes < 999.5 => format!("{megabytes:.0} MB"),
        megabytes => format!("{:.1} GB", megabytes / 1e3),
    }
}

fn speed(speed: Speed) -> String {
    let read = format!("reads {:.0}", speed.prefill_per_second);
    let written = speed.decode_per_second.map(|decode| format!(", writes {decode:.0}"));
    format!("{read}{} tokens/s", written.unwrap_or_default())
}
