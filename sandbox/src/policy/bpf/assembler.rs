//! Instructions from the last to the first.
//!
//! BPF jumps only forward, so a program is written backwards: whatever an instruction jumps to
//! exists already, distances are known, and equal code is written once. Positions count from the
//! program's end.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use crate::enforce::{Instruction, Program};

// `<linux/bpf_common.h>`: class, size or operation, mode or source.
const LD_W_ABS: u16 = 0x20;
const ALU_AND_K: u16 = 0x54;
const JMP_JA: u16 = 0x05;
const JMP_JEQ_K: u16 = 0x15;
const JMP_JGT_K: u16 = 0x25;
const JMP_JGE_K: u16 = 0x35;
const JMP_JSET_K: u16 = 0x45;
const RET_K: u16 = 0x06;

/// How many single values are tested one after the other before a tree pays.
const CHAIN: usize = 4;

/// The offset of 32 bits of `struct seccomp_data` (`<linux/seccomp.h>`), little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Word(u32);

impl Word {
    pub(super) const NUMBER: Self = Self(0);
    pub(super) const ARCH: Self = Self(4);

    pub(super) fn low(arg: u8) -> Self {
        Self(16 + 8 * u32::from(arg))
    }

    pub(super) fn high(arg: u8) -> Self {
        Self(20 + 8 * u32::from(arg))
    }
}

/// A test of the loaded word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Test {
    Equal(u32),
    Above(u32),
    AtLeast(u32),
    AnyBit(u32),
    /// Equality under a mask; the word is lost in the test.
    Masked(u32, u32),
}

/// Where a decision leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    /// The filter's return value.
    Return(u32),
    /// Code at this position, which expects that the word is loaded.
    Code { word: Word, at: usize },
}

/// A program under construction.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    /// The last instruction first.
    reversed: Vec<Instruction>,
    /// Code that exists, by what it does.
    tests: BTreeMap<(Word, Test, Target, Target), Target>,
    /// The latest instruction that returns a value.
    returns: BTreeMap<u32, usize>,
    /// The latest load in front of code that expects it.
    loads: BTreeMap<usize, usize>,
    /// The latest stepping stone to a position that conditional jumps no longer reach.
    stones: BTreeMap<usize, usize>,
}

impl Assembler {
    /// Code that goes to `yes` if the test holds and to `no` otherwise.
    pub(super) fn test(&mut self, word: Word, test: Test, yes: Target, no: Target) -> Target {
        if yes == no {
            return yes;
        }
        let key = (word, test, yes, no);
        if let Some(&known) = self.tests.get(&key) {
            return known;
        }
        let (code, k, mask) = match test {
            Test::Equal(value) => (JMP_JEQ_K, value, None),
            Test::Above(value) => (JMP_JGT_K, value, None),
            Test::AtLeast(value) => (JMP_JGE_K, value, None),
            Test::AnyBit(bits) => (JMP_JSET_K, bits, None),
            Test::Masked(mask, value) => (JMP_JEQ_K, value, Some(mask)),
        };
        let loaded = if mask.is_none() { Some(word) } else { None };
        // Code that was written last first: its load can stand right before it.
        let last = self.reversed.len().wrapping_sub(1);
        let (yes, no) = if matches!(no, Target::Code { at, .. } if at == last) {
            let no = self.enter(no, loaded);
            (self.enter(yes, loaded), no)
        } else {
            (self.enter(yes, loaded), self.enter(no, loaded))
        };
        let yes = self.within_reach(yes, 1);
        let no = self.within_reach(no, 0);
        self.push(code, k, self.short(yes), self.short(no));
        if let Some(mask) = mask {
            self.push(ALU_AND_K, mask, 0, 0);
        }
        let target = Target::Code {
            word,
            at: self.reversed.len() - 1,
        };
        self.tests.insert(key, target);
        target
    }

    /// Code that goes to `yes` if the word's bits under the mask are the value.
    pub(super) fn masked(
        &mut self,
        word: Word,
        mask: u32,
        value: u32,
        yes: Target,
        no: Target,
    ) -> Target {
        if mask == u32::MAX {
            self.test(word, Test::Equal(value), yes, no)
        } else if value == 0 {
            self.test(word, Test::AnyBit(mask), no, yes)
        } else if value == mask && mask.is_power_of_two() {
            self.test(word, Test::AnyBit(mask), yes, no)
        } else {
            self.test(word, Test::Masked(mask, value), yes, no)
        }
    }

    /// Code that goes where the word's value says, or to `otherwise`.
    pub(super) fn switch(
        &mut self,
        word: Word,
        cases: &BTreeMap<u32, Target>,
        otherwise: Target,
    ) -> Target {
        let mut starts = BTreeMap::from([(0, otherwise)]);
        for (&value, &target) in cases {
            starts.insert(value, target);
            if let Some(next) = value.checked_add(1) {
                starts.entry(next).or_insert(otherwise);
            }
        }
        self.search(word, &starts)
    }

    /// Code that goes to the target of the last start that is not above the word's value.
    ///
    /// The first start must be 0.
    pub(super) fn search(&mut self, word: Word, starts: &BTreeMap<u32, Target>) -> Target {
        let mut ranges: Vec<(u32, Target)> = Vec::with_capacity(starts.len());
        for (&start, &target) in starts {
            if ranges.last().is_none_or(|last| last.1 != target) {
                ranges.push((start, target));
            }
        }
        self.tree(word, &ranges, u32::MAX)
    }

    /// A balanced tree over ranges, the last of which ends with `end`.
    fn tree(&mut self, word: Word, ranges: &[(u32, Target)], end: u32) -> Target {
        if let Some(chain) = self.chain(word, ranges, end) {
            return chain;
        }
        let (left, right) = ranges.split_at(ranges.len() / 2);
        let Some(&(pivot, _)) = right.first() else {
            return Target::Return(super::Action::KillProcess.verdict());
        };
        let above = self.tree(word, right, end);
        let below = self.tree(word, left, pivot.saturating_sub(1));
        self.test(word, Test::AtLeast(pivot), above, below)
    }

    /// A few single values in front of one background need one test each, a tree would need two.
    fn chain(&mut self, word: Word, ranges: &[(u32, Target)], end: u32) -> Option<Target> {
        let ends = ranges.iter().skip(1).map(|next| next.0 - 1).chain([end]);
        let (mut singles, mut wide) = (Vec::new(), None);
        for (&(start, target), end) in ranges.iter().zip(ends) {
            match wide {
                _ if start == end => singles.push((start, target)),
                None => wide = Some(target),
                Some(background) if background == target => {}
                Some(_) => return None,
            }
        }
        let background = wide.or_else(|| singles.last().map(|last| last.1))?;
        singles.retain(|single| single.1 != background);
        if singles.len() > CHAIN {
            return None;
        }
        Some(
            singles
                .into_iter()
                .rev()
                .fold(background, |rest, (value, target)| {
                    self.test(word, Test::Equal(value), target, rest)
                }),
        )
    }

    /// The program that begins with this target.
    pub(super) fn finish(mut self, start: Target) -> Program {
        let at = self.enter(start, None);
        if at + 1 != self.reversed.len() {
            self.jump(at);
        }
        self.reversed.reverse();
        Program(self.reversed)
    }

    /// The position at which a target is entered when `loaded` is in the accumulator.
    fn enter(&mut self, target: Target, loaded: Option<Word>) -> usize {
        match target {
            Target::Return(value) => match self.returns.get(&value) {
                Some(&at) => at,
                None => self.ret(value),
            },
            Target::Code { word, at } if loaded == Some(word) => at,
            Target::Code { word, at } => match self.loads.get(&at) {
                Some(&load) => load,
                None => {
                    if at + 1 != self.reversed.len() {
                        self.jump(at);
                    }
                    let load = self.push(LD_W_ABS, word.0, 0, 0);
                    self.loads.insert(at, load);
                    load
                }
            },
        }
    }

    /// The position itself, or a nearer one with the same effect, such that a conditional jump
    /// reaches it even after `slack` further instructions.
    fn within_reach(&mut self, at: usize, slack: usize) -> usize {
        let reaches = |at: usize, next: usize| next - at - 1 + slack <= usize::from(u8::MAX);
        if reaches(at, self.reversed.len()) {
            return at;
        }
        if let Some(&stone) = self.stones.get(&at)
            && reaches(stone, self.reversed.len())
        {
            return stone;
        }
        let stone = match self.reversed.get(at) {
            Some(far) if far.code == RET_K => {
                let value = far.k;
                self.ret(value)
            }
            _ => self.jump(at),
        };
        self.stones.insert(at, stone);
        stone
    }

    /// The distance of a position within reach.
    fn short(&self, at: usize) -> u8 {
        // `within_reach` has made it fit; 255 is its bound.
        u8::try_from(self.reversed.len() - at - 1).unwrap_or(u8::MAX)
    }

    fn ret(&mut self, value: u32) -> usize {
        let at = self.push(RET_K, value, 0, 0);
        self.returns.insert(value, at);
        at
    }

    fn jump(&mut self, to: usize) -> usize {
        let distance = u32::try_from(self.reversed.len() - to - 1).unwrap_or(u32::MAX);
        self.push(JMP_JA, distance, 0, 0)
    }

    fn push(&mut self, code: u16, k: u32, jt: u8, jf: u8) -> usize {
        self.reversed.push(Instruction { code, jt, jf, k });
        self.reversed.len() - 1
    }
}
