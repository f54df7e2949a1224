//! [`ProfileSource`]: one profile as it was written, with those that it extends.
//!
//! Loading reads the document and its ancestors; [`ProfileSource::inherit`] joins them into one
//! [`Profile`]. Imports the YAML reader and the entries' checks, nothing of kernels or policies.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Profile;
use super::catalog::{Catalog, ReadError};
use super::diagnostic::SourceError;
use super::entries::{Spec, Text};
use super::suggest;
use super::yaml::{self, DNS_LABEL, Object, Spanned};

/// So many profiles may take part in one, itself included.
pub const MAX_PROFILES: usize = 64;

/// A profile as written: checked entry by entry, not yet joined with what it extends.
#[derive(Debug, Clone)]
pub struct ProfileSource {
    /// What this document alone says.
    pub(super) own: Profile,
    pub(super) extends: Vec<Spanned<String>>,
    pub(super) file: Arc<str>,
    pub(super) text: Arc<str>,
    /// Every profile that can be reached by `extends` and was found.
    pub(super) ancestors: BTreeMap<String, ProfileSource>,
    /// What else could have been extended, for messages.
    pub(super) known: Vec<String>,
}

/// Why a profile could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The name is not a DNS label.
    #[error("{name:?} is not the name of a profile; {DNS_LABEL}")]
    Name {
        /// The name that was asked for.
        name: String,
    },
    /// No directory has it, and none ships under this name.
    #[error("there is no profile `{name}` in {searched}{}", did_you_mean(.similar.as_deref()))]
    NotFound {
        /// The name that was asked for.
        name: String,
        /// Where it was looked for.
        searched: String,
        /// A profile with nearly this name.
        similar: Option<String>,
    },
    /// Its file, or an ancestor's, cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Its text, or an ancestor's, is wrong.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// It extends more profiles than [`MAX_PROFILES`].
    #[error("`{name}` extends more than {MAX_PROFILES} profiles, directly or by others")]
    TooMany {
        /// The name that was asked for.
        name: String,
    },
}

fn did_you_mean(similar: Option<&str>) -> String {
    similar
        .map(|name| format!("; did you mean `{name}`?"))
        .unwrap_or_default()
}

impl ProfileSource {
    /// Parses one document. What it extends is known by name only: see [`Self::load`].
    ///
    /// # Errors
    /// The first mistake in the text, with its place.
    pub fn parse(text: &str, file: &str) -> Result<Self, SourceError> {
        Self::parse_named(text, file, None)
    }

    /// Loads a profile by name, and every profile that it extends, directly or by others.
    ///
    /// A parent that does not exist is reported by [`Self::inherit`], where it is asked for.
    ///
    /// # Errors
    /// When the profile is not found, or a text is not that of a profile of its name.
    pub fn load(catalog: &Catalog, name: &str) -> Result<Self, LoadError> {
        if !yaml::is_dns_label(name) {
            return Err(LoadError::Name {
                name: name.to_owned(),
            });
        }
        let known = catalog.names();
        let Some((text, file)) = catalog.find(name)? else {
            let similar =
                suggest::nearest(name, known.iter().map(String::as_str)).map(str::to_owned);
            let (name, searched) = (name.to_owned(), catalog.searched());
            return Err(LoadError::NotFound {
                name,
                searched,
                similar,
            });
        };
        let mut source = Self::parse_named(&text, &file, Some(name))?;
        source.known = known;
        let mut wanted: Vec<String> = source.parents().map(str::to_owned).collect();
        while let Some(parent) = wanted.pop() {
            if parent == name || source.ancestors.contains_key(&parent) {
                continue;
            }
            if source.ancestors.len() + 1 == MAX_PROFILES {
                return Err(LoadError::TooMany {
                    name: name.to_owned(),
                });
            }
            if let Some((text, file)) = catalog.find(&parent)? {
                let ancestor = Self::parse_named(&text, &file, Some(&parent))?;
                wanted.extend(ancestor.parents().map(str::to_owned));
                source.ancestors.insert(parent, ancestor);
            }
        }
        Ok(source)
    }

    /// `metadata.name`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.own.name
    }

    /// The names that `spec.extends` lists, in order.
    pub fn parents(&self) -> impl Iterator<Item = &str> {
        self.extends.iter().map(|parent| parent.value.as_str())
    }

    fn parse_named(text: &str, file: &str, asked: Option<&str>) -> Result<Self, SourceError> {
        let Object { name, spec } = yaml::parse_object::<Spec>(text, file, "Profile")?;
        let shared: Arc<str> = file.into();
        let source = Text {
            file: &shared,
            text,
        };
        if let Some(asked) = asked.filter(|asked| *asked != name.value) {
            let message = format!("the profile `{asked}` calls itself `{}`", name.value);
            let hint = "the file is called like the profile: NAME.yaml";
            return Err(source.error(name.span, &message, hint));
        }
        if let Some(wrong) = spec
            .extends
            .iter()
            .find(|parent| !yaml::is_dns_label(&parent.value))
        {
            let message = format!("`{}` is not the name of a profile", wrong.value);
            return Err(source.error(wrong.span, &message, DNS_LABEL));
        }
        let own = Profile {
            name: name.value,
            read: source.paths(spec.read)?,
            write: source.paths(spec.write)?,
            run: source.paths(spec.run)?,
            connect: source.ports(spec.connect)?,
            listen: source.ports(spec.listen)?,
            ceiling: spec.ceiling,
            landlock: source.landlock(spec.advanced.landlock)?,
            seccomp: source.seccomp(spec.advanced.seccomp)?,
        };
        let (extends, text) = (spec.extends, text.into());
        let (ancestors, known) = (BTreeMap::new(), Vec::new());
        Ok(Self {
            own,
            extends,
            file: shared,
            text,
            ancestors,
            known,
        })
    }
}
