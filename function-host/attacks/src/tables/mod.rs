//! The attacks, a table for each neighbourhood of the kernel. The tests of this crate run each of them
//! as a test of its own; `leasehold verify` runs those of the numbered channels in real workers.

mod descriptors;
mod files;
mod ipc;
mod kernel;
mod locks;
mod metadata;
mod network;
mod process;
mod processes;
mod procfs;
mod scheduling;

use crate::attack::Attack;

/// Every attack, in the order of the tables.
#[must_use]
pub fn all() -> Vec<Attack> {
    let mut all = Vec::new();
    for table in [
        descriptors::rows(),
        files::rows(),
        ipc::rows(),
        kernel::rows(),
        #[cfg(target_arch = "x86_64")]
        kernel::entries(),
        locks::rows(),
        metadata::rows(),
        network::sockets(),
        network::rows(),
        process::rows(),
        processes::rows(),
        procfs::readings(),
        procfs::rows(),
        scheduling::rows(),
    ] {
        all.extend(table);
    }
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::attack::{Answer, By};
    use crate::channels;

    #[test]
    fn names_are_unique_and_rows_are_channels() {
        let mut names = BTreeSet::new();
        for attack in all() {
            assert!(names.insert(attack.name), "{} comes twice", attack.name);
            assert!(
                attack.row == 0 || channels::of(attack.row).is_some(),
                "{}: there is no channel {}",
                attack.name,
                attack.row
            );
        }
        assert!(names.len() > 350, "{} attacks", names.len());
    }

    #[test]
    fn what_nobody_stops_is_expected_to_succeed() {
        for attack in all() {
            let remains = attack.by == By::Nobody;
            // What leaves a trace, or breaks what the rest of its calls needs, succeeds without effect.
            let without_effect = attack.leaves.is_some() || !attack.control.reaches.is_empty();
            assert_eq!(
                remains,
                attack.expected == Answer::Ok && !without_effect,
                "{}",
                attack.name
            );
        }
    }
}
