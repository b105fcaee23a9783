//! A summary as a person reads it: tables and bars in plain text.

use super::acceptance::Level;
use super::summary::{Row, Summary};

/// Columns of a bar.
const BAR: usize = 40;

/// Eighths of a block, so that small numbers can be told apart.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// How many days are shown unless more are asked for.
pub const DAYS: usize = 14;

/// Returns all that there is to read: the tables, and a bar for each of the last `days`.
pub fn report(summary: &Summary, days: usize, unicode: bool) -> String {
    if summary.days.is_empty() {
        return "Nothing has been shown yet, or nothing is written down (setting `stats.enabled`).\n".into();
    }
    let legend = match unicode {
        true => "█ accepted, whole or in part   ░ shown",
        false => "# accepted, whole or in part   - shown",
    };
    let confidence = confidence(summary, unicode);
    format!("{}\n{}{legend}\n{confidence}", table(summary, days), bars(summary, days, unicode))
}

/// Returns a bar for each tenth of confidence: what was shown, and of that what was wanted. Nothing where no confidence
/// is known.
fn confidence(summary: &Summary, unicode: bool) -> String {
    let levels = summary.confidence.levels();
    let most = levels.iter().map(|level| level.shown).max().unwrap_or(0);
    if most == 0 {
        return String::new();
    }
    let mut text = String::from(
        "\nmean probability of a token, and what was wanted (accepted, or typed to its end) of what was shown\n",
    );
    for (tenth, Level { shown, wanted }) in levels.iter().enumerate().filter(|(_, level)| level.shown > 0) {
        let bar = if unicode { solid(*wanted, *shown, most) } else { plain(*wanted, *shown, most) };
        text += &format!("0.{tenth}         {bar}  {wanted} of {shown}\n");
    }
    text
}

/// Returns the tables by language and by day; of the days the last `days`.
fn table(summary: &Summary, days: usize) -> String {
    let header = [
        "",
        "shown",
        "accepted",
        "partly",
        "typed",
        "rate",
        "kept 30 s",
        "kept 5 min",
        "keys saved",
        "ms p50",
        "ms p95",
    ];
    let mut lines = vec![header.map(str::to_owned)];
    lines.extend(summary.languages.iter().map(cells));
    if summary.languages.len() > 1 {
        lines.push(cells(&summary.all));
    }
    let first = summary.days.len().saturating_sub(days);
    let by_language = lines.len();
    lines.extend(summary.days[first..].iter().map(cells));
    let widths: [usize; 11] =
        std::array::from_fn(|column| lines.iter().map(|line| width(&line[column])).max().unwrap_or(0));
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        if number == by_language {
            text.push('\n');
        }
        text += &row(line, &widths);
    }
    text
}

fn cells(row: &Row) -> [String; 11] {
    let percent = |share: Option<usize>| share.map_or("-".into(), |share| format!("{share} %"));
    let ms = |ms: Option<u64>| ms.map_or("-".into(), |ms| ms.to_string());
    let name = if row.name.is_empty() { "(none)" } else { &row.name };
    [
        name.into(),
        row.shown.to_string(),
        row.accepted.to_string(),
        row.partly.to_string(),
        row.typed.to_string(),
        percent(row.accepted_percent()),
        percent(row.kept_30s.percent()),
        percent(row.kept_5min.percent()),
        row.keys_saved.to_string(),
        ms(row.ms_p50),
        ms(row.ms_p95),
    ]
}

fn row(cells: &[String; 11], widths: &[usize; 11]) -> String {
    let mut line = String::new();
    for (column, (cell, &wide)) in cells.iter().zip(widths).enumerate() {
        let blanks = " ".repeat(wide - width(cell));
        match column {
            0 => line += &format!("{cell}{blanks}"),
            _ => line += &format!("  {blanks}{cell}"),
        }
    }
    line.trim_end().to_owned() + "\n"
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// Returns a bar for each of the last `days`: suggestions shown, and of these the accepted in full. With `unicode` the
/// blocks are solid; without, they are letters that any pipe takes.
fn bars(summary: &Summary, days: usize, unicode: bool) -> String {
    let days = &summary.days[summary.days.len().saturating_sub(days)..];
    let most = days.iter().map(|row| row.shown).max().unwrap_or(0).max(1);
    let mut text = String::new();
    for row in days {
        let accepted = row.accepted + row.partly;
        let bar = if unicode { solid(accepted, row.shown, most) } else { plain(accepted, row.shown, most) };
        text += &format!("{}  {bar}  {accepted} of {}\n", row.name, row.shown);
    }
    text
}

/// Full blocks for the accepted, light ones for the rest of the shown.
fn solid(accepted: usize, shown: usize, most: usize) -> String {
    let eighths = accepted * BAR * 8 / most;
    let full = "█".repeat(eighths / 8) + EIGHTHS[eighths % 8];
    let light = (shown * BAR).div_ceil(most).saturating_sub(width(&full));
    let blank = BAR.saturating_sub(width(&full) + light);
    format!("{full}{}{}", "░".repeat(light), " ".repeat(blank))
}

fn plain(accepted: usize, shown: usize, most: usize) -> String {
    let full = accepted * BAR / most;
    let light = (shown * BAR).div_ceil(most) - full;
    format!("{}{}{}", "#".repeat(full), "-".repeat(light), " ".repeat(BAR - full - light))
}
