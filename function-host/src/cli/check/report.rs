//! What `check` has found, as data: the JSON that it prints.

use leasehold_sandbox::Kernel;
use leasehold_sandbox::policy::channels::{Assessment, Closure};
use serde::Serialize;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    pub(super) kernel: KernelReport,
    /// Why `/tmp` does not lead calls to their scratches, if it does not.
    pub(super) no_private_tmp: Option<String>,
    pub(super) functions: Vec<FunctionReport>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct KernelReport {
    pub(in crate::cli) release: String,
    /// The one that policies were compiled for.
    pub(in crate::cli) landlock_abi: u32,
    /// The kernel's own.
    pub(super) own_landlock_abi: u32,
    pub(super) seccomp: bool,
    pub(super) inherited_filters: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FunctionReport {
    pub(super) name: String,
    /// `full`, `gaps` (all but what the profile accepts), `none`, `not-ready` or `refused`.
    pub(super) enforcement: &'static str,
    /// How its calls come to a `/tmp` of their own: by `link`, or by `env` alone.
    pub(super) tmp: Option<&'static str>,
    pub(super) trouble: Option<String>,
    pub(super) channels: Vec<ChannelReport>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChannelReport {
    pub(super) channel: &'static str,
    pub(super) state: State,
    /// Why the filter does not close it.
    pub(super) why: Option<String>,
    /// What calls can do where it is open.
    pub(super) consequence: &'static str,
    /// What functions lose by how it is closed here.
    pub(super) price: Option<&'static str>,
    /// What brings the kernel's own way to close it.
    pub(super) remedy: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// Closed by Landlock, or what is the filter's anyway by the filter.
    Kernel,
    /// Closed by the filter in Landlock's place.
    Filter,
    /// Open, as the profile accepts.
    Open,
    /// Open, and so the function is refused.
    Missing,
}

impl Report {
    /// Whether every function is served as its profile wants it.
    pub(super) fn is_fine(&self) -> bool {
        let fine = |function: &FunctionReport| matches!(function.enforcement, "full" | "gaps");
        self.functions.iter().all(fine)
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

impl KernelReport {
    pub(in crate::cli) fn of(kernel: &Kernel, own: u32) -> Self {
        Self {
            release: kernel.release.clone(),
            landlock_abi: kernel.landlock_abi,
            own_landlock_abi: own,
            seccomp: kernel.seccomp,
            inherited_filters: kernel.inherited_filters,
        }
    }
}

impl ChannelReport {
    pub(super) fn of(assessment: &Assessment, kernel: &Kernel) -> Self {
        let (state, why) = match &assessment.closure {
            Closure::Kernel => (State::Kernel, None),
            Closure::Filter => (State::Filter, None),
            Closure::Accepted(why) => (State::Open, Some(why.clone())),
            Closure::Missing(why) => (State::Missing, Some(why.clone())),
        };
        Self {
            channel: assessment.channel.name,
            state,
            why,
            consequence: assessment.channel.consequence,
            price: assessment.price(kernel),
            remedy: assessment.channel.remedy,
        }
    }
}
