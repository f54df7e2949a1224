//! [`ProfileSource`]: one profile as it was written, with those that it extends.
//!
//! Loading reads the document and its ancestors; [`ProfileSource::inherit`] joins them into one
//! [`Profile`]. Imports the YAML reader and the entries' checks, nothing of kernels or policies.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::catalog::{self, Catalog, ReadError};
use super::diagnostic::{SourceError, Span};
use super::entries::Written;
use super::reader::Reader;
use super::suggest;
use super::yaml::{self, DNS_LABEL, Spanned};
use super::{Origin, Profile};

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

/// Why the profile of a file could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// All that is wrong in the file, in its order; at least one.
    #[error("{}", join(.0))]
    Mistakes(Vec<SourceError>),
    /// It cannot be read, or an ancestor cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
}

fn join(mistakes: &[SourceError]) -> String {
    let shown: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    shown.join("\n\n")
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
        Self::parse_named(text, file, None).map_err(first)
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
        Self::parse_named(&text, &file, Some(name))
            .map_err(first)?
            .with_ancestors(catalog)
    }

    /// Opens the profile of a file, which is called like it, and loads what it extends.
    ///
    /// # Errors
    /// Every mistake in the file, or why it or an ancestor cannot be loaded.
    pub fn open(catalog: &Catalog, path: &Path) -> Result<Self, OpenError> {
        let text = catalog::read(path).map_err(LoadError::from)?;
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let source = Self::parse_named(&text, &path.display().to_string(), stem)
            .map_err(OpenError::Mistakes)?;
        Ok(source.with_ancestors(catalog)?)
    }

    fn with_ancestors(mut self, catalog: &Catalog) -> Result<Self, LoadError> {
        self.known = catalog.names();
        let mut wanted: Vec<String> = self.parents().map(str::to_owned).collect();
        while let Some(parent) = wanted.pop() {
            if parent == self.own.name || self.ancestors.contains_key(&parent) {
                continue;
            }
            if self.ancestors.len() + 1 == MAX_PROFILES {
                return Err(LoadError::TooMany {
                    name: self.own.name,
                });
            }
            if let Some((text, file)) = catalog.find(&parent)? {
                let ancestor = Self::parse_named(&text, &file, Some(&parent)).map_err(first)?;
                wanted.extend(ancestor.parents().map(str::to_owned));
                self.ancestors.insert(parent, ancestor);
            }
        }
        Ok(self)
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

    /// The line that an entry stands on, fit to be printed.
    #[must_use]
    pub fn line(&self, at: &Origin) -> Option<String> {
        self.show(at, "", "").line().map(str::to_owned)
    }

    /// Something to be said about an entry, whichever of the profiles it is from.
    #[must_use]
    pub fn show(&self, at: &Origin, message: &str, hint: &str) -> SourceError {
        let mut sources = [self].into_iter().chain(self.ancestors.values());
        let source = sources.find(|source| source.file == at.file);
        let span = Span {
            line: at.line,
            column: at.column,
            length: at.length,
        };
        let text = source.map_or("", |source| &source.text);
        SourceError::at(&at.file, text, span, message, Some(hint))
    }

    /// All that is wrong in a document, or the profile. There is at least one mistake.
    fn parse_named(text: &str, file: &str, asked: Option<&str>) -> Result<Self, Vec<SourceError>> {
        let tree = yaml::parse_tree(text, file, "Profile").map_err(|error| vec![error])?;
        let shared: Arc<str> = file.into();
        let mut reader = Reader::new(&shared, text);
        let written = reader.profile(&tree);
        if let (Some(asked), Some(Written { name, .. })) = (asked, &written)
            && asked != name.value
            && yaml::is_dns_label(&name.value)
        {
            let message = format!("the profile `{asked}` calls itself `{}`", name.value);
            let hint = "the file is called like the profile: NAME.yaml";
            reader.wrong(name.span, &message, Some(hint));
        }
        match (written, reader.mistakes()) {
            (Some(Written { extends, own, .. }), mistakes) if mistakes.is_empty() => Ok(Self {
                own,
                extends,
                file: shared,
                text: text.into(),
                ancestors: BTreeMap::new(),
                known: Vec::new(),
            }),
            (_, mistakes) => Err(mistakes),
        }
    }
}

/// The first of several mistakes.
fn first(mistakes: Vec<SourceError>) -> SourceError {
    let unknown = || SourceError::at("", "", Span::default(), "this is no profile", None);
    mistakes.into_iter().next().unwrap_or_else(unknown)
}
