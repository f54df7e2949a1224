//! What a question is about: a profile by name, by itself or as a function meets it.

use std::path::PathBuf;

use clap::Args;
use leasehold_sandbox::policy::Site;
use leasehold_sandbox::policy::explain::Explanation;
use leasehold_sandbox::profile::{Catalog, Limits, Profile, ProfileSource};

use super::{ProfileError, kernel};
use crate::cli::Places;
use crate::function::Function;

/// As whom a profile is looked at.
#[derive(Debug, Args)]
pub(super) struct Whose {
    /// Look at it as this function meets it: with its limits, its paths and its program
    #[arg(long, value_name = "NAME")]
    pub(super) function: Option<String>,
    #[command(flatten)]
    places: Places,
}

/// A profile that was found, and what it means here.
pub(super) struct Subject {
    /// As it was written, to show places in it.
    pub(super) source: ProfileSource,
    pub(super) profile: Profile,
    pub(super) explanation: Explanation,
    pub(super) function: Option<String>,
}

impl Whose {
    /// The profile of this name or file; without one, the function's.
    pub(super) async fn resolve(self, profile: Option<&str>) -> Result<Subject, ProfileError> {
        let folders = &self.places.profiles;
        let Some(name) = &self.function else {
            let named = profile.ok_or(ProfileError::NoProfile)?;
            return Subject::plain(folders, named);
        };
        let opened = self.places.open().await;
        let (host, found) = opened.map_err(|error| ProfileError::Places(Box::new(error)))?;
        let known = || -> Vec<&str> { found.iter().map(|found| found.name.as_str()).collect() };
        let Some(wanted) = found.iter().find(|found| found.name == *name) else {
            return Err(ProfileError::NoSuchFunction {
                name: name.clone(),
                known: known().join(", "),
            });
        };
        let function = wanted.result.as_ref();
        let function = function.map_err(|error| ProfileError::Function {
            name: name.clone(),
            why: error.to_string(),
        })?;
        let site = function.site(host.state.path().to_owned(), &host.secrets);
        Subject::of(folders, profile, function, &site)
    }
}

impl Subject {
    /// A profile by itself, by name or by file.
    pub(super) fn plain(folders: &[PathBuf], named: &str) -> Result<Self, ProfileError> {
        let source = load(folders, named)?;
        let profile = source.clone().inherit()?;
        let limits = profile.ceiling.limits();
        Self::new(source, profile, limits, None, None)
    }

    /// A function's profile, or another as the function would meet it.
    fn of(
        folders: &[PathBuf],
        named: Option<&str>,
        function: &Function,
        site: &Site,
    ) -> Result<Self, ProfileError> {
        let source = load(folders, named.unwrap_or(&function.profile.name))?;
        let profile = source.clone().inherit()?;
        // Another profile may have a lower ceiling than the function was checked against.
        let limits = match named {
            None => function.limits.clone(),
            Some(_) => profile.ceiling.limits(),
        };
        Self::new(source, profile, limits, Some(site), Some(&function.name))
    }

    fn new(
        source: ProfileSource,
        profile: Profile,
        limits: Limits,
        site: Option<&Site>,
        function: Option<&str>,
    ) -> Result<Self, ProfileError> {
        Ok(Self {
            explanation: Explanation::of(&profile, limits, &kernel()?, site)?,
            source,
            profile,
            function: function.map(str::to_owned),
        })
    }
}

/// A file where it is written as one, else a profile of this name.
fn load(folders: &[PathBuf], named: &str) -> Result<ProfileSource, ProfileError> {
    match named.contains(['/', '.']) {
        true => Ok(super::open(folders, named.as_ref())?),
        false => Ok(ProfileSource::load(
            &Catalog::new(folders.iter().cloned()),
            named,
        )?),
    }
}
