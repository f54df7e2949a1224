//! What a list says of a function, be it read from its folder or told by a host that runs.

use serde::{Deserialize, Serialize};

use super::Service;
use crate::function::{Admission, Found, Function, Isolation, Runtime};

/// A row of `leasehold list`, and an object of `/functions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Listing {
    /// Its name, or its folder's where the name could not be read.
    pub name: String,
    /// Where it is called.
    pub path: String,
    /// Its folder.
    pub directory: String,
    /// What runs it; this and what follows is of the version that serves, if there is one.
    pub runtime: Option<String>,
    /// Its profile.
    pub profile: Option<String>,
    /// `call` or `none`.
    pub isolation: Option<String>,
    /// The least and the most workers that are parked, one number if they are the same.
    pub pool: Option<String>,
    /// The most calls at once.
    pub concurrency: Option<usize>,
    /// Why it cannot be called.
    pub error: Option<String>,
    /// Why the newest version is not the one that serves. Only a host that runs can tell.
    pub refused: Option<String>,
}

impl From<&Found> for Listing {
    fn from(found: &Found) -> Self {
        let directory = found.directory.display().to_string();
        Self {
            error: found.result.as_ref().err().map(ToString::to_string),
            ..Self::of(&found.name, directory, found.result.as_ref().ok())
        }
    }
}

impl From<&Service> for Listing {
    fn from(service: &Service) -> Self {
        let directory = service.directory.display().to_string();
        let definition = service.definition.as_ref();
        let function = definition.map(|definition| &*definition.function);
        Self {
            error: service.trouble(),
            refused: service.stale(),
            ..Self::of(&service.name, directory, function)
        }
    }
}

impl Listing {
    fn of(name: &str, directory: String, function: Option<&Function>) -> Self {
        Self {
            name: name.to_owned(),
            path: format!("/function/{name}"),
            directory,
            runtime: function.map(|function| runtime(function).to_owned()),
            profile: function.map(|function| function.profile.name.clone()),
            isolation: function.map(|function| isolation(function).to_owned()),
            pool: function.map(|function| pool(function.admission)),
            concurrency: function.map(|function| function.admission.concurrency),
            error: None,
            refused: None,
        }
    }
}

fn pool(admission: Admission) -> String {
    let Admission {
        pool_min, pool_max, ..
    } = admission;
    if pool_min == pool_max {
        pool_min.to_string()
    } else {
        format!("{pool_min}–{pool_max}")
    }
}

fn isolation(function: &Function) -> &'static str {
    match function.isolation {
        Isolation::Call => "call",
        Isolation::None => "none",
    }
}

fn runtime(function: &Function) -> &'static str {
    match function.runtime {
        Runtime::Exec { .. } => "exec",
        Runtime::Python { .. } => "python",
        Runtime::Wasm { .. } => "wasm",
        Runtime::Node { .. } => "node",
    }
}
