//! Rows as a table for a terminal.

use std::fmt::Write;

use super::reading::Row;

/// The widest that names are shown.
const NAME: usize = 32;

/// The table. Of more rows than `most` the busiest are shown, in order of their names.
pub(super) fn table(mut rows: Vec<Row>, most: usize) -> String {
    let hidden = rows.len().saturating_sub(most);
    if hidden > 0 {
        rows.sort_by(|a, b| b.calls_per_second.total_cmp(&a.calls_per_second));
        rows.truncate(most);
        rows.sort_by(|a, b| a.function.cmp(&b.function));
    }
    let names: Vec<String> = rows.iter().map(|row| printable(&row.function)).collect();
    let longest = names.iter().map(|name| name.chars().count()).max();
    let width = longest.unwrap_or_default().clamp(8, NAME);
    let mut out = format!(
        "{:<width$} {:>5} {:>9} {:>6} {:>6} {:>6} {:>8} {:>8} {:>8}  ERRORS/S\n",
        "FUNCTION", "READY", "CALLS/S", "RUN", "QUEUE", "PARKED", "P50", "P99", "RESTARTS",
    );
    for (row, name) in rows.iter().zip(names) {
        let ready = match row.ready {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "-",
        };
        // Writing to a string cannot fail.
        let _written = writeln!(
            out,
            "{name:<width$} {ready:>5} {:>9.1} {:>6} {:>6} {:>6} {:>8} {:>8} {:>8}  {}",
            row.calls_per_second,
            row.in_flight,
            row.queued,
            row.parked,
            duration(row.p50_seconds),
            duration(row.p99_seconds),
            row.zygote_restarts,
            errors(row),
        );
    }
    if hidden > 0 {
        let _written = writeln!(out, "… and {hidden} more");
    }
    out
}

fn errors(row: &Row) -> String {
    let errors = row.errors_per_second.iter();
    let errors: Vec<String> = errors
        .map(|(outcome, rate)| format!("{} {rate:.1}", printable(outcome)))
        .collect();
    if errors.is_empty() {
        "-".to_owned()
    } else {
        errors.join(", ")
    }
}

/// Three digits or so, with a unit.
fn duration(seconds: Option<f64>) -> String {
    match seconds {
        None => "-".to_owned(),
        Some(seconds) if seconds >= 1.0 => format!("{seconds:.2} s"),
        Some(seconds) if seconds >= 0.01 => format!("{:.0} ms", seconds * 1e3),
        Some(seconds) => format!("{:.2} ms", seconds * 1e3),
    }
}

/// At most as long as a name is shown, and nothing that a terminal would obey.
fn printable(text: &str) -> String {
    let chars = text.chars().map(|c| if c.is_control() { '?' } else { c });
    let mut shown: String = chars.take(NAME + 1).collect();
    if shown.chars().count() > NAME {
        shown = shown.chars().take(NAME - 1).chain(['…']).collect();
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn row(function: &str, calls_per_second: f64) -> Row {
        Row {
            function: function.to_owned(),
            ready: Some(true),
            calls_per_second,
            in_flight: 1,
            queued: 2,
            parked: 3,
            p50_seconds: Some(0.0012),
            p99_seconds: Some(2.5),
            errors_per_second: BTreeMap::from([("Failed".to_owned(), 0.5)]),
            zygote_restarts: 4,
            calls: BTreeMap::new(),
        }
    }

    #[test]
    fn a_row_has_everything() {
        let table = table(vec![row("resize", 12.34)], 10);
        let mut lines = table.lines().map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words.join(" ")
        });
        lines.next();
        let line = lines.next().unwrap();
        assert_eq!(line, "resize yes 12.3 1 2 3 1.20 ms 2.50 s 4 Failed 0.5");
    }

    #[test]
    fn the_busiest_are_shown_in_order_of_their_names() {
        let table = table(vec![row("c", 3.0), row("a", 1.0), row("b", 2.0)], 2);
        let first = table.lines().skip(1).take(2).map(|line| &line[..1]);
        assert_eq!(first.collect::<String>(), "bc");
    }

    #[test]
    fn names_cannot_move_the_cursor() {
        let name = format!("\u{1b}[2J{}", "x".repeat(100));
        let table = table(vec![row(&name, 0.0)], 2);
        assert!(table.contains("?[2Jxxx") && !table.contains('\u{1b}'));
        assert!(table.lines().all(|line| line.chars().count() < 120));
    }
}
