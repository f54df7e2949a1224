//! Processes of a host that are killed while it is under load, each time the load has come so far.

use std::collections::BTreeMap;

use leasehold_sandbox::sys::pidfd::PidFd;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::functions::FUNCTIONS;
use super::support::process::{children, eventually, parent, state};
use super::support::{Host, descendants};

/// Whom a blow hits.
#[derive(Debug, Clone, Copy)]
enum Victim {
    Worker,
    Undertaker,
    Zygote,
}

/// Blows by turns against workers, undertakers and zygotes, chosen by a seed.
pub(super) struct Blows<'a> {
    host: &'a Host,
    random: u64,
    number: usize,
    /// All zygotes that each function has had, the living one last.
    zygotes: BTreeMap<&'static str, Vec<u32>>,
    /// How many calls they may have cost: those that were in flight there.
    pub(super) in_flight: usize,
}

impl<'a> Blows<'a> {
    pub(super) fn new(host: &'a Host, seed: u64) -> Self {
        let functions = FUNCTIONS.iter();
        Self {
            host,
            random: seed,
            number: 0,
            zygotes: functions
                .map(|(name, _)| (*name, vec![host.zygote(name, &[])]))
                .collect(),
            in_flight: 0,
        }
    }

    /// Kills one process by -9.
    pub(super) fn strike(&mut self) {
        let victims = [Victim::Worker, Victim::Undertaker, Victim::Zygote];
        let victim = victims[self.number % victims.len()];
        self.number += 1;
        match victim {
            Victim::Worker | Victim::Undertaker => {
                eventually(&format!("a process to kill, {victim:?}"), || {
                    self.strike_call(victim)
                });
                self.in_flight += 1;
            }
            Victim::Zygote => self.strike_zygote(),
        }
    }

    /// Kills a worker, parked or running, or its undertaker; false if it was gone by then.
    fn strike_call(&mut self, victim: Victim) -> bool {
        let (function, deep) = FUNCTIONS[self.below(FUNCTIONS.len())];
        let mut above = self.zygote(function);
        if matches!(victim, Victim::Undertaker) && deep == 1 {
            return false;
        }
        if matches!(victim, Victim::Worker) && deep == 2 {
            let Some(undertaker) = self.one_of(children(above)) else {
                return false;
            };
            above = undertaker;
        }
        let Some(pid) = self.one_of(children(above)) else {
            return false;
        };
        let Ok(process) = PidFd::open(pid) else {
            return false;
        };
        // Now that it is held: its number may have become another's before.
        parent(pid) == above && !process.ended() && process.kill().is_ok()
    }

    fn strike_zygote(&mut self) {
        let (function, deep) = FUNCTIONS[self.below(FUNCTIONS.len())];
        let zygote = self.zygote(function);
        // Once it stands still, its children are all that it will ever have had.
        kill(Pid::from_raw(zygote.try_into().unwrap()), Signal::SIGSTOP).unwrap();
        eventually("a zygote that stands still", || state(zygote) == 'T');
        if deep == 1 {
            // One more may have ended and not been told of.
            self.in_flight += descendants(zygote).len() + 1;
        }
        super::support::process::kill_hard(zygote);
        let before = &self.zygotes[function];
        let next = self.host.next_zygote(function, before.len());
        self.zygotes.entry(function).or_default().push(next);
    }

    /// The living zygote of a function.
    pub(super) fn zygote(&self, function: &str) -> u32 {
        self.zygotes[function].last().copied().unwrap()
    }

    fn one_of(&mut self, pids: Vec<u32>) -> Option<u32> {
        (!pids.is_empty()).then(|| pids[self.below(pids.len())])
    }

    /// A random number below `bound`, by SplitMix64.
    fn below(&mut self, bound: usize) -> usize {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ self.random >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ mixed >> 31) % bound as u64).unwrap()
    }
}
