//! What `check` has found, as a table: functions × channels.

use std::collections::BTreeSet;
use std::fmt;

use leasehold_sandbox::policy::channels::channels;

use super::report::{ChannelReport, FunctionReport, Report, State};
use crate::cli::list::indent;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kernel = &self.kernel;
        let seccomp = if kernel.seccomp {
            "available"
        } else {
            "missing"
        };
        write!(
            f,
            "Linux {}, Landlock ABI {}, seccomp {seccomp}, {} filters inherited",
            kernel.release, kernel.own_landlock_abi, kernel.inherited_filters,
        )?;
        if kernel.landlock_abi != kernel.own_landlock_abi {
            write!(f, "; taken for a kernel with ABI {}", kernel.landlock_abi)?;
        }
        f.write_str("\n\n")?;
        self.matrix(f)?;
        f.write_str("L closed by Landlock, F by the filter, - open as accepted, ! open\n")?;
        if let Some(why) = &self.no_private_tmp {
            writeln!(f, "calls have a private TMPDIR, but no private /tmp: {why}")?;
        }
        self.prices(f)?;
        self.functions
            .iter()
            .try_for_each(|function| function.gaps(f))
    }
}

/// Landlock and seccomp themselves are in the first line.
fn columns() -> impl Iterator<Item = &'static str> {
    let names = channels().iter().map(|channel| channel.name);
    names.filter(|name| !["landlock", "seccomp"].contains(name))
}

impl Report {
    fn matrix(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let longest = self
            .functions
            .iter()
            .map(|it| it.name.chars().count())
            .max();
        let width = longest.unwrap_or_default().max("NAME".len());
        write!(f, "{:<width$}", "NAME")?;
        columns().try_for_each(|name| write!(f, "  {name}"))?;
        f.write_str("  ENFORCEMENT  TMP\n")?;
        for function in &self.functions {
            write!(f, "{:<width$}", function.name)?;
            for name in columns() {
                let cell = function.channels.iter().find(|it| it.channel == name);
                let cell = cell.map_or(' ', |it| it.state.letter());
                write!(f, "  {cell:<wide$}", wide = name.len())?;
            }
            let tmp = function.tmp.unwrap_or("-");
            writeln!(f, "  {:<11}  {tmp}", function.enforcement)?;
        }
        Ok(())
    }

    /// What functions lose on this kernel, though nothing is open.
    fn prices(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let channels = self.functions.iter().flat_map(|it| &it.channels);
        let mut told = BTreeSet::new();
        for ChannelReport {
            channel,
            price,
            remedy,
            ..
        } in channels
        {
            if let Some(price) = price
                && told.insert(channel)
            {
                writeln!(f, "{channel}: {price}; what ends it is {remedy}")?;
            }
        }
        Ok(())
    }
}

impl FunctionReport {
    fn gaps(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open: Vec<_> = self
            .channels
            .iter()
            .filter(|it| it.state == State::Open)
            .collect();
        if open.is_empty() && self.trouble.is_none() {
            return Ok(());
        }
        writeln!(f, "{}", self.name)?;
        if let Some(trouble) = &self.trouble {
            writeln!(f, "{}", indent(trouble))?;
        }
        for gap in open {
            let why = gap.why.as_deref().unwrap_or_default();
            let ChannelReport {
                channel,
                consequence,
                remedy,
                ..
            } = gap;
            writeln!(
                f,
                "    {channel} is open: {consequence}; {why}; what closes it is {remedy}"
            )?;
        }
        Ok(())
    }
}

impl State {
    fn letter(self) -> char {
        match self {
            Self::Kernel => 'L',
            Self::Filter => 'F',
            Self::Open => '-',
            Self::Missing => '!',
        }
    }
}
