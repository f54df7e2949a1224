//! The table of functions, and which found folder stands for which of its entries.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::PathBuf;
use std::sync::Arc;

use super::Service;
use crate::function::{Found, FunctionError};

/// The functions of this host, by name.
pub type Table = BTreeMap<String, Arc<Service>>;

/// What was found, each name once.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) found: BTreeMap<String, Found>,
    /// Folders that got no name, and why they are no functions.
    pub(super) left_out: BTreeMap<PathBuf, String>,
}

/// What was found, by the name that it has or is to keep in `table`.
///
/// A folder that cannot be read has only its own name, and gives way to a function's; but if it is
/// that of a function in the table, it is meant to be a new version of that one.
pub(super) fn by_name(found: Vec<Found>, table: &Table) -> Named {
    let (good, bad): (Vec<_>, Vec<_>) = found.into_iter().partition(|it| it.result.is_ok());
    let mut named = BTreeMap::new();
    let mut left_out = BTreeMap::new();
    for found in good {
        // Two that are good never have the same name.
        named.entry(found.name.clone()).or_insert(found);
    }
    for mut found in bad {
        let known = table.values().find(|it| it.directory == found.directory);
        if let Some(known) = known.filter(|known| !named.contains_key(&known.name)) {
            found.name.clone_from(&known.name);
        }
        match (named.entry(found.name.clone()), &found.result) {
            (Entry::Vacant(entry), _) => drop(entry.insert(found)),
            (Entry::Occupied(_), Err(error)) => {
                left_out.insert(found.directory, error.to_string());
            }
            (Entry::Occupied(_), Ok(_)) => {}
        }
    }
    Named {
        found: named,
        left_out,
    }
}

/// Whether `service` may still be there, since its directory of functions could not be listed.
pub(super) fn unseen<'a>(service: &Service, found: &'a [Found]) -> Option<&'a FunctionError> {
    found.iter().find_map(|found| match &found.result {
        Err(error @ FunctionError::List { path, .. }) if service.directory.starts_with(path) => {
            Some(error)
        }
        _ => None,
    })
}
