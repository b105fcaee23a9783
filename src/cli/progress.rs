//! Progress for a person: a bar where standard error is a terminal, plain lines where it is not. Standard output is
//! left to the results.

use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::fetch::Progress;

/// Returns the progress that fits standard error.
pub fn terminal_progress() -> impl Progress {
    if std::io::stderr().is_terminal() {
        Terminal::Bar(bar())
    } else {
        Terminal::Lines(Mutex::new(Told::default()))
    }
}

enum Terminal {
    Bar(ProgressBar),
    Lines(Mutex<Told>),
}

/// What was printed last; a line comes only when the stage changes or another tenth is there.
#[derive(Default)]
struct Told {
    stage: String,
    tenth: u64,
}

impl Progress for Terminal {
    fn report(&self, stage: &str, done: u64, total: u64) {
        match self {
            Self::Bar(bar) => draw(bar, stage, done, total),
            Self::Lines(told) => {
                let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(line) = told.line(stage, done, total) {
                    print(&line);
                }
            }
        }
    }

    fn note(&self, text: &str) {
        match self {
            Self::Bar(bar) => bar.suspend(|| print(text)),
            Self::Lines(_) => print(text),
        }
    }
}

/// A bar left half-way stays on the screen; the result is what counts, so it goes.
impl Drop for Terminal {
    fn drop(&mut self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

impl Told {
    fn line(&mut self, stage: &str, done: u64, total: u64) -> Option<String> {
        let tenth = (done * 10).checked_div(total).unwrap_or(0);
        let news = stage != self.stage || tenth > self.tenth;
        if !news {
            return None;
        }
        self.stage = stage.to_owned();
        self.tenth = tenth;
        let megabytes = |bytes: u64| bytes / 1_000_000;
        match total {
            0 => Some(stage.to_owned()),
            _ => Some(format!("{stage}: {} of {} MB", megabytes(done), megabytes(total))),
        }
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    bar.set_style(waiting());
    bar
}

fn draw(bar: &ProgressBar, stage: &str, done: u64, total: u64) {
    if bar.length() != Some(total) {
        bar.set_length(total);
        bar.set_style(if total == 0 { waiting() } else { filling() });
    }
    if bar.message() != stage {
        bar.set_message(stage.to_owned());
    }
    bar.set_position(done);
}

fn waiting() -> ProgressStyle {
    style("{spinner} {msg}")
}

fn filling() -> ProgressStyle {
    style("{msg} {wide_bar:.cyan/blue} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec}")
}

/// A template that does not parse would be a slip here, not the user's; the plain bar is good enough then.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Nobody can be told that standard error does not work.
fn print(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
