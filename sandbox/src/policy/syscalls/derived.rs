//! [`Derived`]: a table of rules, and who decided each of them.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use super::grants::Answer;
use super::reasons;
use crate::names::syscalls::{self, Arch};
use crate::policy::bpf::{Action, BpfError, Clause, Entry, RuleTable};
use crate::policy::provenance::Grantor;

/// A table, and for every clause in it who decided it.
#[derive(Debug, Clone)]
pub struct Derived {
    table: RuleTable,
    /// By number: one for each clause, and one for what holds otherwise.
    by: BTreeMap<u32, Vec<Grantor>>,
    default: Grantor,
}

/// One clause of a table: the first of a call's that holds answers.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// The calls' numbers: one, or a range that has no names.
    pub numbers: (u32, u32),
    /// The call; none for numbers without a name.
    pub name: Option<&'static str>,
    /// The clause; none for what holds otherwise.
    pub clause: Option<&'a Clause>,
    /// The answer.
    pub action: Action,
    /// Who decided it.
    pub by: &'a Grantor,
}

impl Derived {
    pub(super) fn new(arch: Arch, default: Action, by: Grantor) -> Result<Self, BpfError> {
        Ok(Self {
            table: RuleTable::new(arch, default)?,
            by: BTreeMap::new(),
            default: by,
        })
    }

    /// Sets the entry of a call, where the architecture has it.
    pub(super) fn set(&mut self, name: &str, entry: Entry, by: Grantor) -> Result<(), BpfError> {
        match syscalls::number(self.table.arch(), name) {
            Some(number) => self.set_number(number, entry, by),
            None => Ok(()),
        }
    }

    pub(super) fn set_number(
        &mut self,
        number: u32,
        entry: Entry,
        by: Grantor,
    ) -> Result<(), BpfError> {
        let by = vec![by; entry.clauses().len() + 1];
        self.table.insert(number, entry)?;
        self.by.insert(number, by);
        Ok(())
    }

    /// Puts a profile's answer over what is there.
    pub(super) fn give(&mut self, name: &str, answer: &Answer<'_>) -> Result<(), BpfError> {
        let Some(number) = syscalls::number(self.table.arch(), name) else {
            return Ok(());
        };
        let (beneath, beneath_by) = match self.table.entries().get(&number) {
            Some(entry) => (entry.clone(), self.by.get(&number).cloned()),
            None => (Entry::always(self.table.default_action())?, None),
        };
        let beneath_by = beneath_by.unwrap_or_else(|| vec![self.default.clone()]);
        let (entry, by) = answer.over(&beneath, &beneath_by)?;
        self.table.insert(number, entry)?;
        self.by.insert(number, by);
        Ok(())
    }

    /// The table alone.
    #[must_use]
    pub fn table(&self) -> &RuleTable {
        &self.table
    }

    /// The table alone.
    #[must_use]
    pub fn into_table(self) -> RuleTable {
        self.table
    }

    /// Who decides about calls that have no entry.
    #[must_use]
    pub fn default_grantor(&self) -> &Grantor {
        &self.default
    }

    /// Who decides about a call for which this clause of its entry holds, or none of them.
    #[must_use]
    pub fn grantor(&self, number: u32, clause: Option<usize>) -> &Grantor {
        let by = self.by.get(&number);
        by.and_then(|by| match clause {
            Some(clause) => by.get(clause),
            None => by.last(),
        })
        .unwrap_or(&self.default)
    }

    /// Says that a profile's entry decides about this call.
    pub(in crate::policy) fn attribute(&mut self, name: &str, by: &Grantor) {
        let number = syscalls::number(self.table.arch(), name);
        if let Some(known) = number.and_then(|number| self.by.get_mut(&number)) {
            known.iter_mut().for_each(|known| *known = by.clone());
        }
    }

    /// All clauses: by the calls' names, then the numbers without one.
    #[must_use]
    pub fn rows(&self) -> Vec<Row<'_>> {
        let arch = self.table.arch();
        let mut rows: Vec<Row<'_>> = Vec::new();
        for (&number, entry) in self.table.entries() {
            let name = syscalls::name(arch, number);
            for (at, clause) in entry.clauses().iter().enumerate() {
                rows.push(Row {
                    numbers: (number, number),
                    name,
                    clause: Some(clause),
                    action: clause.action(),
                    by: self.grantor(number, Some(at)),
                });
            }
            let last = Row {
                numbers: (number, number),
                name,
                clause: None,
                action: entry.otherwise(),
                by: self.grantor(number, None),
            };
            match rows.last_mut() {
                // Numbers that follow each other without a name are one row.
                Some(before)
                    if name.is_none()
                        && before.name.is_none()
                        && before.numbers.1 + 1 == number
                        && before.action == last.action =>
                {
                    before.numbers.1 = number;
                }
                _ => rows.push(last),
            }
        }
        rows.sort_by_key(|row| (row.name.is_none(), row.name));
        rows
    }
}

impl Derived {
    pub(super) fn of_function(&mut self, name: &str, entry: Entry) -> Result<(), BpfError> {
        self.set(name, entry, reasons::of_function(name))
    }

    pub(super) fn of_worker(&mut self, name: &str, entry: Entry) -> Result<(), BpfError> {
        self.set(name, entry, reasons::of_worker(name))
    }
}
