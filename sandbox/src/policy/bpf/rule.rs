//! One call's rule: conditions on its arguments and the answers they lead to.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::fmt;

use super::assembler::{Assembler, Target, Test, Word};
use super::{Action, BpfError};
use crate::policy::interpreter::SeccompData;

/// How much of an argument the kernel looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Width {
    /// The low 32 bits, as for `int` and `unsigned int`: the kernel drops the high word, and a
    /// comparison that does not is bypassed by setting it.
    Dword,
    /// All 64 bits, as for pointers and `unsigned long`.
    Qword,
}

/// An unsigned comparison of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Compare {
    /// The argument is this value.
    Eq(u64),
    /// The argument is another value.
    Ne(u64),
    /// The argument's bits under the mask are the value.
    MaskedEq {
        /// The bits that count; not 0.
        mask: u64,
        /// Their value; no bit outside the mask.
        value: u64,
    },
    /// The argument is this value or greater.
    AtLeast(u64),
    /// The argument is this value or less.
    AtMost(u64),
}

/// One checked condition on one argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Condition {
    arg: u8,
    width: Width,
    compare: Compare,
}

impl Condition {
    /// A condition on argument `arg`, counted from 0.
    ///
    /// # Errors
    /// When there is no such argument, an operand is wider than the comparison, or a masked
    /// comparison cannot tell anything.
    pub fn new(arg: u8, width: Width, compare: Compare) -> Result<Self, BpfError> {
        if arg > 5 {
            return Err(BpfError::Argument(arg));
        }
        let (operand, mask) = match compare {
            Compare::Eq(value)
            | Compare::Ne(value)
            | Compare::AtLeast(value)
            | Compare::AtMost(value) => (value, None),
            Compare::MaskedEq { mask, value } => (value, Some(mask)),
        };
        if let Some(mask) = mask
            && (mask == 0 || operand & !mask != 0)
        {
            return Err(BpfError::Mask {
                mask,
                value: operand,
            });
        }
        let widest = operand.max(mask.unwrap_or(0));
        if width == Width::Dword && widest > u64::from(u32::MAX) {
            return Err(BpfError::Width(widest));
        }
        Ok(Self {
            arg,
            width,
            compare,
        })
    }

    /// The argument, how much of it counts, and the comparison.
    #[cfg(test)]
    pub(super) fn parts(&self) -> (u8, Width, Compare) {
        (self.arg, self.width, self.compare)
    }

    fn holds(&self, data: &SeccompData) -> bool {
        let argument = match self.width {
            Width::Dword => data.args[usize::from(self.arg)] & u64::from(u32::MAX),
            Width::Qword => data.args[usize::from(self.arg)],
        };
        match self.compare {
            Compare::Eq(value) => argument == value,
            Compare::Ne(value) => argument != value,
            Compare::MaskedEq { mask, value } => argument & mask == value,
            Compare::AtLeast(value) => argument >= value,
            Compare::AtMost(value) => argument <= value,
        }
    }

    /// The argument, counted from 0.
    #[must_use]
    pub fn arg(&self) -> u8 {
        self.arg
    }

    /// How much of it is compared.
    #[must_use]
    pub fn width(&self) -> Width {
        self.width
    }

    /// What it is compared with.
    #[must_use]
    pub fn compare(&self) -> Compare {
        self.compare
    }

    /// The value, when this is an equality of 32 bits.
    fn dword_value(&self) -> Option<u32> {
        match (self.width, self.compare) {
            (Width::Dword, Compare::Eq(value)) => Some(value as u32),
            _ => None,
        }
    }

    fn assemble(&self, code: &mut Assembler, yes: Target, no: Target) -> Target {
        let (low, high) = (Word::low(self.arg), Word::high(self.arg));
        let halves = |value: u64| (value as u32, (value >> 32) as u32);
        let wide = self.width == Width::Qword;
        match self.compare {
            Compare::Eq(value) => {
                let (l, h) = halves(value);
                let yes = code.test(low, Test::Equal(l), yes, no);
                if wide {
                    code.test(high, Test::Equal(h), yes, no)
                } else {
                    yes
                }
            }
            Compare::Ne(value) => {
                let compare = Compare::Eq(value);
                Self { compare, ..*self }.assemble(code, no, yes)
            }
            Compare::MaskedEq { mask, value } => {
                let ((ml, mh), (l, h)) = (halves(mask), halves(value));
                let yes = if ml == 0 {
                    yes
                } else {
                    code.masked(low, ml, l, yes, no)
                };
                if mh == 0 {
                    yes
                } else {
                    code.masked(high, mh, h, yes, no)
                }
            }
            Compare::AtLeast(value) => {
                let (l, h) = halves(value);
                let by_low = code.test(low, Test::AtLeast(l), yes, no);
                if !wide {
                    return by_low;
                }
                let by_low = code.test(high, Test::Equal(h), by_low, no);
                code.test(high, Test::Above(h), yes, by_low)
            }
            Compare::AtMost(value) => {
                let (l, h) = halves(value);
                let by_low = code.test(low, Test::Above(l), no, yes);
                if !wide {
                    return by_low;
                }
                let by_low = code.test(high, Test::Equal(h), by_low, yes);
                code.test(high, Test::Above(h), no, by_low)
            }
        }
    }
}

/// `arg1 & 0xf == 0x1`. Where all 64 bits count, the argument is `arg1:64`.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "arg{}", self.arg)?;
        if self.width == Width::Qword {
            f.write_str(":64")?;
        }
        match self.compare {
            Compare::Eq(value) => write!(f, " == {value:#x}"),
            Compare::Ne(value) => write!(f, " != {value:#x}"),
            Compare::MaskedEq { mask, value } => write!(f, " & {mask:#x} == {value:#x}"),
            Compare::AtLeast(value) => write!(f, " >= {value:#x}"),
            Compare::AtMost(value) => write!(f, " <= {value:#x}"),
        }
    }
}

/// Conditions that must all hold, and the answer when they do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Clause {
    conditions: Vec<Condition>,
    action: Action,
}

impl Clause {
    /// A clause.
    ///
    /// # Errors
    /// When there is no condition, or the answer is not one the kernel can give.
    pub fn new(conditions: Vec<Condition>, action: Action) -> Result<Self, BpfError> {
        if conditions.is_empty() {
            return Err(BpfError::Unconditional);
        }
        Ok(Self {
            conditions,
            action: action.checked()?,
        })
    }

    /// The conditions; at least one.
    #[must_use]
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// The answer when all hold.
    #[must_use]
    pub fn action(&self) -> Action {
        self.action
    }

    /// The word and value, when this clause is one equality of 32 bits.
    fn switch_case(&self) -> Option<(u8, u32)> {
        match self.conditions.as_slice() {
            [only] => only.dword_value().map(|value| (only.arg, value)),
            _ => None,
        }
    }
}

/// The conditions, joined by `and`.
impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, condition) in self.conditions.iter().enumerate() {
            if at > 0 {
                f.write_str(" and ")?;
            }
            condition.fmt(f)?;
        }
        Ok(())
    }
}

/// What is answered to one system call: the first clause that holds, otherwise `otherwise`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry {
    clauses: Vec<Clause>,
    otherwise: Action,
}

impl Entry {
    /// One answer, whatever the arguments.
    ///
    /// # Errors
    /// When the answer is not one the kernel can give.
    pub fn always(action: Action) -> Result<Self, BpfError> {
        Self::new(Vec::new(), action)
    }

    /// The first clause that holds answers, and `otherwise` when none does.
    ///
    /// # Errors
    /// When `otherwise` is not an answer that the kernel can give.
    pub fn new(clauses: Vec<Clause>, otherwise: Action) -> Result<Self, BpfError> {
        Ok(Self {
            clauses,
            otherwise: otherwise.checked()?,
        })
    }

    /// The clauses, in the order in which they are tried.
    #[must_use]
    pub fn clauses(&self) -> &[Clause] {
        &self.clauses
    }

    /// The answer where no clause holds.
    #[must_use]
    pub fn otherwise(&self) -> Action {
        self.otherwise
    }

    /// Which clause answers this call; `None` where it is `otherwise`.
    #[must_use]
    pub fn deciding_clause(&self, data: &SeccompData) -> Option<usize> {
        let holds = |clause: &Clause| {
            let mut conditions = clause.conditions.iter();
            conditions.all(|condition| condition.holds(data))
        };
        self.clauses.iter().position(holds)
    }

    /// Whether the answer depends on the arguments.
    #[must_use]
    pub fn is_conditional(&self) -> bool {
        !self.clauses.is_empty()
    }

    /// The answers that are possible, whatever the arguments.
    #[cfg(test)]
    pub(in crate::policy) fn answers(&self) -> impl Iterator<Item = Action> {
        let clauses = self.clauses.iter().map(|clause| clause.action);
        clauses.chain([self.otherwise])
    }

    /// The conditions of each clause with its answer, and the answer otherwise.
    #[cfg(test)]
    pub(super) fn parts(&self) -> (impl Iterator<Item = (&[Condition], Action)>, Action) {
        let clauses = self.clauses.iter();
        let clauses = clauses.map(|it| (it.conditions.as_slice(), it.action));
        (clauses, self.otherwise)
    }

    /// Values at and around what the entry compares with: a random argument rarely meets a rule.
    #[cfg(test)]
    pub(in crate::policy) fn values_around(&self) -> Vec<u64> {
        let mut values = vec![0, u64::MAX];
        values.extend((0..6).flat_map(|arg| self.values_of(arg)));
        values
    }

    /// Values at and around what the entry compares this argument with.
    #[must_use]
    pub fn values_of(&self, arg: u8) -> Vec<u64> {
        let conditions = self.clauses.iter().flat_map(|clause| &clause.conditions);
        let of_it = conditions.filter(|condition| condition.arg == arg);
        of_it
            .flat_map(|condition| {
                let (Compare::Eq(v)
                | Compare::Ne(v)
                | Compare::AtLeast(v)
                | Compare::AtMost(v)
                | Compare::MaskedEq { value: v, .. }) = condition.compare;
                [v, v.wrapping_add(1), v.wrapping_sub(1), v | 1 << 32, !v]
            })
            .collect()
    }

    pub(super) fn evaluate(&self, data: &SeccompData) -> Action {
        let deciding = self.deciding_clause(data);
        deciding
            .and_then(|at| self.clauses.get(at))
            .map_or(self.otherwise, |clause| clause.action)
    }

    pub(super) fn assemble(&self, code: &mut Assembler) -> Target {
        let mut target = Target::Return(self.otherwise.verdict());
        let mut rest = self.clauses.as_slice();
        while let Some((last, before)) = rest.split_last() {
            let Some((arg, _)) = last.switch_case() else {
                let mut yes = Target::Return(last.action.verdict());
                for condition in last.conditions.iter().rev() {
                    yes = condition.assemble(code, yes, target);
                }
                target = yes;
                rest = before;
                continue;
            };
            // Neighbouring equalities on one word become a search tree of their own.
            let mut cases = BTreeMap::new();
            while let Some((case, before)) = rest.split_last() {
                match case.switch_case() {
                    Some((of, value)) if of == arg => {
                        cases.insert(value, Target::Return(case.action.verdict()));
                        rest = before;
                    }
                    _ => break,
                }
            }
            target = code.switch(Word::low(arg), &cases, target);
        }
        target
    }
}
