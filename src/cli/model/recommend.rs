//! `infill-ls model recommend`: which model is the largest whose suggestions come in time on this machine. Those that are here
//! are measured; for the others it is worked out from the largest one measured, by the sizes of the files.

use super::print;
use crate::cli::progress::terminal_progress;
use crate::cli::speed::{keep, measure};
use crate::fetch::{Entry, Listed, Progress, Speed, Store};
use crate::model::{Compute, LoadOptions, load, physical_cores};

/// What a suggestion costs beyond what is computed while nobody waits: a few tokens to read, a line to write.
const READ: f64 = 24.0;
const WRITTEN: f64 = 12.0;

/// One model.
#[derive(Debug, Clone, Copy)]
struct Row {
    entry: &'static Entry,
    installed: bool,
    speed: Option<Speed>,
    measured: bool,
}

/// Measures, estimates, and prints.
pub(super) fn recommend(store: &Store, latency: u32) -> anyhow::Result<()> {
    let mut rows: Vec<Row> = Vec::new();
    for Listed { entry, installed } in store.list().into_iter().filter(|listed| listed.entry.supported()) {
        let speed = if installed { Some(tried(store, entry)?) } else { None };
        rows.push(Row { entry, installed, speed, measured: speed.is_some() });
    }
    let measured = rows.iter().filter(|row| row.measured).max_by_key(|row| row.entry.bytes).copied();
    let Some(measured) = measured else {
        anyhow::bail!(
            "no model is here to be measured; fetch one with `infill-ls model pull`, then try again"
        );
    };
    for row in rows.iter_mut().filter(|row| !row.measured) {
        row.speed = estimated(&measured, row.entry);
    }
    let memory = available();
    print(&format!("a line may take {latency} ms (--latency); what is not here is estimated from what is"))?;
    for row in &rows {
        print(&line(row, latency, memory))?;
    }
    print(&match recommended(&rows, latency, memory) {
        Some(Row { entry, installed: true, .. }) => {
            format!("recommended: {}, which is here (licence: {})", entry.name, entry.licence)
        }
        Some(Row { entry, .. }) => {
            format!(
                "recommended: {0} (licence: {1}); fetch it with `infill-ls model pull {0}`, then try again: it was not measured",
                entry.name, entry.licence
            )
        }
        None => format!("none writes a line in {latency} ms; the smallest comes nearest, or allow more time"),
    })
}

fn tried(store: &Store, entry: &'static Entry) -> anyhow::Result<Speed> {
    let progress = terminal_progress();
    progress.note(&format!("measuring {}", entry.name));
    let options = LoadOptions { context: 256, threads: physical_cores(), compute: Compute::best() };
    let speed = measure(&load(&store.path(entry), options)?.decoder)?;
    keep(entry.name, speed);
    Ok(speed)
}

/// Reading and writing both cost in proportion to the weights.
fn estimated(measured: &Row, entry: &Entry) -> Option<Speed> {
    let factor = measured.entry.bytes as f64 / entry.bytes as f64;
    let speed = measured.speed?;
    Some(Speed {
        prefill_per_second: speed.prefill_per_second * factor,
        decode_per_second: speed.decode_per_second.map(|decode| decode * factor),
    })
}

/// Returns the milliseconds until a line is there.
fn milliseconds(speed: Option<Speed>) -> Option<f64> {
    let speed = speed?;
    Some(1e3 * (READ / speed.prefill_per_second + WRITTEN / speed.decode_per_second?))
}

fn fits(row: &Row, latency: u32, memory: Option<u64>) -> bool {
    let fast = milliseconds(row.speed).is_some_and(|time| time <= f64::from(latency));
    fast && memory.is_none_or(|memory| row.entry.memory() <= memory)
}

/// Returns the largest that fits, one that fills in before one that does not.
fn recommended(rows: &[Row], latency: u32, memory: Option<u64>) -> Option<&Row> {
    let fitting = rows.iter().filter(|row| fits(row, latency, memory));
    fitting.max_by_key(|row| (row.entry.fills_in(), row.entry.bytes))
}

fn line(row: &Row, latency: u32, memory: Option<u64>) -> String {
    let how = if row.measured { "measured" } else { "estimated" };
    let time = milliseconds(row.speed).map_or("?".into(), |time| format!("{time:.0} ms"));
    let verdict = match (fits(row, latency, memory), memory.is_some_and(|memory| row.entry.memory() > memory))
    {
        (true, _) => "fits",
        (false, true) => "needs more memory than is free",
        (false, false) => "too slow",
    };
    let gigabytes = row.entry.memory() as f64 / 1e9;
    let Entry { name, licence, .. } = row.entry;
    format!("{name:<30} {gigabytes:>5.1} GB memory  {time:>9} a line ({how})  {verdict:<26}  {licence}")
}

/// Returns the memory that is free, where the system tells it simply.
fn available() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::fetch::catalogue;

    fn rows(decode: f64) -> Vec<Row> {
        let speed = Speed { prefill_per_second: 4.0 * decode, decode_per_second: Some(decode) };
        let smallest = Row { entry: &catalogue()[0], installed: true, speed: Some(speed), measured: true };
        let others = catalogue()[1..].iter().filter(|entry| entry.supported()).map(|entry| Row {
            entry,
            installed: false,
            speed: estimated(&smallest, entry),
            measured: false,
        });
        [smallest].into_iter().chain(others).collect()
    }

    #[test]
    fn the_largest_that_is_fast_enough_and_fits_the_memory_is_recommended() {
        let name = |decode, memory| recommended(&rows(decode), 700, memory).map(|row| row.entry.name);
        assert_eq!(name(40.0, None), Some("qwen2.5-coder-0.5b-instruct"));
        assert_eq!(name(80.0, None), Some("qwen2.5-coder-1.5b-instruct"));
        assert_eq!(name(80.0, Some(1_300_000_000)), Some("deepseek-coder-1.3b-base"));
        assert_eq!(name(5.0, None), None);
    }

    #[test]
    fn a_larger_file_is_estimated_slower_in_proportion() {
        let rows = rows(40.0);
        let (first, second) = (milliseconds(rows[0].speed).unwrap(), milliseconds(rows[1].speed).unwrap());
        let ratio = rows[1].entry.bytes as f64 / rows[0].entry.bytes as f64;
        assert!((second / first - ratio).abs() < 1e-6);
    }
}
