//! What came of the attacks: one finding for each, and a verdict for each channel.

use std::collections::BTreeMap;

use leasehold_attacks::channels::{self, CHANNELS};
use serde::Serialize;

/// All findings, with the channels counted by verdict.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// By channel; several for most.
    pub rows: Vec<Finding>,
    /// Channels whose attacks were all refused.
    pub stopped: usize,
    /// Channels of which something remains open by nature.
    pub residual: usize,
    /// Channels that were not attacked.
    pub not_run: usize,
    /// Channels that let an attack through.
    pub leaks: usize,
}

/// What came of one attack, under all profiles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The channel.
    pub row: u8,
    /// The attack.
    pub name: String,
    /// What it was written in.
    pub form: Form,
    /// Whom it was aimed at.
    pub mode: Mode,
    /// Whether it works here without the sandbox.
    pub control: Control,
    /// Why there was no control, or no attack.
    pub reason: Option<String>,
    /// What came of it.
    pub verdict: Verdict,
    /// What stopped it.
    pub layer: Option<Layer>,
    /// The exact answer: an error, a signal, what was absent; for a leak, under which profile.
    pub evidence: Option<String>,
}

/// What an attack is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// Raw system calls.
    Native,
    /// A Python handler.
    Python,
}

/// Whom an attack is aimed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The call after it, or nobody in particular.
    Sequential,
    /// A call that runs at the same time.
    Concurrent,
    /// The host, or what stands in for it.
    Host,
    /// The zygote.
    Zygote,
}

/// Whether an attack works without the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Control {
    /// It does, on this machine.
    Succeeds,
    /// It cannot, here.
    Impossible,
}

/// What came of an attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It was refused, or what it looked for was not there.
    Stopped,
    /// It succeeded, and is known to.
    Residual,
    /// It proves nothing.
    NotRun,
    /// It succeeded, and must not.
    Leaked,
}

/// What stops an attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// A Landlock right or scope.
    Landlock,
    /// The filter.
    Seccomp,
    /// Everything that a call started is killed.
    Burial,
    /// A directory of its own that goes with it.
    Scratch,
    /// A ceiling.
    Limits,
    /// The way in which the host does things.
    Host,
}

/// The attacks so far. The same attack under another profile is the same finding.
#[derive(Debug, Default)]
pub(super) struct Findings(BTreeMap<Key, Vec<Under>>);

/// What tells one attack from another.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    row: u8,
    form: Form,
    mode: Mode,
    name: String,
}

/// What came of an attack under one profile.
#[derive(Debug)]
struct Under {
    profile: String,
    finding: Finding,
}

impl Findings {
    /// Adds what came of an attack under a profile.
    pub(super) fn add(&mut self, profile: &str, finding: Finding) {
        let key = Key {
            row: finding.row,
            form: finding.form,
            mode: finding.mode,
            name: finding.name.clone(),
        };
        let profile = profile.to_owned();
        self.0
            .entry(key)
            .or_default()
            .push(Under { profile, finding });
    }

    pub(super) fn len(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// The report, over the channels that `wanted` takes.
    pub(super) fn report(self, wanted: impl Fn(u8) -> bool) -> Report {
        let mut rows: Vec<_> = self.0.into_values().filter_map(merged).collect();
        for channel in CHANNELS {
            if wanted(channel.row) && !rows.iter().any(|finding| finding.row == channel.row) {
                rows.push(Finding::none(channel.row));
            }
        }
        rows.sort_by_key(|finding| finding.row);
        let mut report = Report {
            rows,
            stopped: 0,
            residual: 0,
            not_run: 0,
            leaks: 0,
        };
        for channel in CHANNELS.iter().filter(|channel| wanted(channel.row)) {
            match report.verdict(channel.row) {
                Verdict::Stopped => report.stopped += 1,
                Verdict::Residual => report.residual += 1,
                Verdict::NotRun => report.not_run += 1,
                Verdict::Leaked => report.leaks += 1,
            }
        }
        report
    }
}

/// One finding of those under several profiles: the worst, with all the evidence.
fn merged(found: Vec<Under>) -> Option<Finding> {
    let worst = found.iter().map(|under| under.finding.verdict).max()?;
    let of_worst = || {
        let all = found.iter();
        all.filter(|under| under.finding.verdict == worst)
    };
    let mut evidence: Vec<String> = Vec::new();
    for Under { profile, finding } in of_worst() {
        let text = finding.evidence.clone().unwrap_or_default();
        let text = match worst {
            Verdict::Leaked => format!("{text} under `{profile}`"),
            _ => text,
        };
        if !text.is_empty() && !evidence.contains(&text) {
            evidence.push(text);
        }
    }
    let first = &of_worst().next()?.finding;
    Some(Finding {
        evidence: (!evidence.is_empty()).then(|| evidence.join(", ")),
        ..first.clone()
    })
}

impl Finding {
    /// For a channel that no attack of this run reaches.
    fn none(row: u8) -> Self {
        let channel = channels::of(row);
        let reason = match row {
            19 => "zygotes are executed, not forked from the host; a control would have to fork it",
            90 => {
                "the host reads what a worker sends without room for descriptors; to send one takes a frame of its protocol"
            }
            93 => "it takes dropping the caches of the whole machine; it fails closed",
            _ => "no attack of this run reaches it; see --runtime, --profile",
        };
        Self {
            row,
            name: channel.map_or_else(String::new, |channel| channel.name.to_owned()),
            form: Form::Native,
            mode: Mode::Sequential,
            control: Control::Impossible,
            reason: Some(reason.to_owned()),
            verdict: Verdict::NotRun,
            layer: None,
            evidence: None,
        }
    }
}

impl Report {
    /// The verdict on a channel: a leak is one whatever else was refused; what remains by nature is
    /// never stopped.
    #[must_use]
    pub fn verdict(&self, row: u8) -> Verdict {
        let verdicts = self.of(row).map(|finding| finding.verdict);
        let worst = verdicts.max_by_key(|verdict| match verdict {
            Verdict::NotRun => 0,
            Verdict::Stopped => 1,
            Verdict::Residual => 2,
            Verdict::Leaked => 3,
        });
        let remains = channels::of(row).is_some_and(|channel| channel.remains.is_some());
        match worst {
            None => Verdict::NotRun,
            Some(Verdict::Stopped) if remains => Verdict::Residual,
            Some(worst) => worst,
        }
    }

    /// The findings on a channel.
    pub fn of(&self, row: u8) -> impl Iterator<Item = &Finding> {
        self.rows.iter().filter(move |finding| finding.row == row)
    }

    /// How many channels were attacked by something that works here without the sandbox.
    #[must_use]
    pub fn controlled(&self) -> usize {
        let controlled = |finding: &Finding| {
            finding.control == Control::Succeeds && finding.verdict != Verdict::NotRun
        };
        let rows = CHANNELS.iter().map(|channel| channel.row);
        rows.filter(|&row| self.of(row).any(controlled)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(row: u8, verdict: Verdict, evidence: &str) -> Finding {
        Finding {
            control: Control::Succeeds,
            verdict,
            evidence: Some(evidence.to_owned()),
            ..Finding::none(row)
        }
    }

    #[test]
    fn a_leak_under_one_profile_is_a_leak() {
        let mut findings = Findings::default();
        findings.add("tight", finding(7, Verdict::Stopped, "EPERM"));
        findings.add("loose", finding(7, Verdict::Leaked, "success"));
        let report = findings.report(|row| row == 7);
        assert_eq!((report.leaks, report.stopped), (1, 0));
        let evidence = report.rows.first().and_then(|row| row.evidence.as_deref());
        assert_eq!(evidence, Some("success under `loose`"));
    }

    #[test]
    fn what_remains_by_nature_is_never_stopped() {
        let mut findings = Findings::default();
        findings.add("base", finding(26, Verdict::Stopped, "EPERM"));
        findings.add("base", finding(27, Verdict::Stopped, "EPERM"));
        let report = findings.report(|_| true);
        assert_eq!(report.verdict(26), Verdict::Residual);
        assert_eq!(report.verdict(27), Verdict::Stopped);
        assert_eq!((report.stopped, report.residual), (1, 1));
        assert_eq!(report.not_run + 2, CHANNELS.len());
        assert_eq!(report.controlled(), 2);
    }

    #[test]
    fn what_proves_nothing_is_not_stopped() {
        let mut findings = Findings::default();
        findings.add("base", finding(7, Verdict::Stopped, "EPERM"));
        findings.add("other", finding(7, Verdict::NotRun, ""));
        assert_eq!(findings.report(|row| row == 7).not_run, 1);
    }
}
