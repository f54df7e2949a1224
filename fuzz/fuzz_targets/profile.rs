//! A profile's text, which is read with bounds: no panic, no message that moves a terminal's cursor, and
//! filters for every kernel if it is a profile.
#![no_main]

use leasehold_sandbox::names::syscalls::Arch;
use leasehold_sandbox::policy::bpf;
use leasehold_sandbox::policy::syscalls::{Intents, Substitutes, function_filter, worker_delta};
use leasehold_sandbox::{Profile, ProfileSource};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let shown = match ProfileSource::parse(text, "fuzz.yaml") {
        Ok(source) => match source.inherit() {
            Ok(profile) => return filters(&profile),
            Err(error) => error.to_string(),
        },
        Err(error) => error.to_string(),
    };
    let harmless = |c: char| !c.is_control() || c == '\n';
    assert!(shown.chars().all(harmless), "{shown:?}");
});

fn filters(profile: &Profile) {
    for old in [false, true] {
        let intents = Intents {
            arch: Arch::X86_64,
            connect: !profile.connect.is_empty(),
            listen: !profile.listen.is_empty(),
            listener: false,
            processes: profile.ceiling.limits().processes > 1,
            exec: !profile.run.is_empty(),
            imports: false,
            group_burial: old,
            substitutes: Substitutes {
                truncate: old,
                ioctl_dev: old,
                signals: old,
            },
            grants: &profile.seccomp,
        };
        for table in [function_filter(&intents), worker_delta(&intents)] {
            bpf::compile(&table.expect("a profile's grants are checked")).expect("it fits");
        }
    }
}
