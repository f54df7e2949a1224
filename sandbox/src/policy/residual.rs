//! What remains possible under a profile, for whoever has to decide whether that is acceptable.
//!
//! SECURITY.md has the reasons. A sentence here is about a call that wants to do harm.
#![forbid(unsafe_code)]

use crate::profile::{Limits, Profile, SeccompAction, What};

/// What a hostile call could still do, the general before what this profile adds.
pub(super) fn remains(profile: &Profile, limits: &Limits) -> Vec<String> {
    let mut remains: Vec<String> = ALWAYS.iter().map(ToString::to_string).collect();
    remains.push(format!(
        "use what its limits leave: {} of CPU time in each process, {} of memory, {} of scratch, for {}",
        limits.cpu, limits.memory, limits.scratch, limits.timeout
    ));
    for granted in profile.granted() {
        remains.extend(match granted.what {
            What::Write(grant)
                if grant.path != "/dev/null" && !grant.path.starts_with("${SCRATCH}") =>
            {
                Some(format!(
                    "leave something below {} for other calls, or change what they left",
                    grant.path
                ))
            }
            What::Connect(grant) => Some(format!(
                "send what it knows to port {} of any address: Landlock knows ports, not addresses",
                grant.port
            )),
            What::Listen(grant) => Some(format!(
                "take port {}, so that other calls find it taken, and answer whoever connects",
                grant.port
            )),
            What::Landlock(grant) if grant.access.iter().any(|right| right == "ioctl_dev") => Some(
                format!("speak to the driver behind {} by ioctl", grant.path),
            ),
            What::Seccomp(grant) if grant.action == SeccompAction::Allow => Some(format!(
                "do whatever {} can{}",
                grant.names.join(", "),
                if grant.args.is_empty() {
                    ""
                } else {
                    " with the arguments that are allowed"
                }
            )),
            _ => None,
        });
    }
    if !profile.run.is_empty() {
        remains.push(
            "run any program that it can read or bring along, by an interpreter or `ld.so FILE`: `run` is \
             no code integrity"
                .to_owned(),
        );
    }
    remains
}

const ALWAYS: &[&str] = &[
    "put what it may read into its reply",
    "see of any path whether it exists, its size, owner and times (stat needs no Landlock right)",
    "see the machine's load, uptime and free memory",
];
