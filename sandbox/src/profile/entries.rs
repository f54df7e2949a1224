//! The entries of a profile: as YAML spells them, and the checks that make grants of them.
//!
//! After this nobody checks again: a path is absolute or begins with a variable, a port is one, every
//! right, error and system call is known by its name.
#![forbid(unsafe_code)]

use std::sync::Arc;

use serde::Deserialize;

use super::diagnostic::{SourceError, Span};
use super::path;
use super::yaml::{Spanned, instead_of};
use super::{Ceiling, LandlockGrant, Origin, PathGrant, PortGrant, SeccompAction, SeccompGrant};
use crate::names::{errno, landlock, syscalls};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
pub(super) struct Spec {
    pub(super) extends: Vec<Spanned<String>>,
    pub(super) read: Vec<RawPath>,
    pub(super) write: Vec<RawPath>,
    pub(super) connect: Vec<RawPort>,
    pub(super) listen: Vec<RawPort>,
    pub(super) run: Vec<RawPath>,
    pub(super) ceiling: Ceiling,
    pub(super) advanced: Advanced,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Advanced {
    pub(super) landlock: Vec<RawLandlock>,
    pub(super) seccomp: Vec<RawSeccomp>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct RawPath {
    path: Spanned<String>,
    #[serde(default)]
    if_exists: bool,
    why: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPort {
    port: Spanned<i64>,
    why: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct RawLandlock {
    path: Spanned<String>,
    access: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    if_exists: bool,
    why: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSeccomp {
    names: Spanned<Vec<Spanned<String>>>,
    action: Spanned<Action>,
    errno: Option<Spanned<String>>,
    why: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Allow,
    Errno,
    Kill,
}

/// The text that is read, for messages and origins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) file: &'a Arc<str>,
    pub(super) text: &'a str,
}

impl Text<'_> {
    pub(super) fn error(&self, span: Span, message: &str, hint: &str) -> SourceError {
        SourceError::at(self.file, self.text, span, message, Some(hint))
    }

    fn origin(&self, span: Span) -> Origin {
        Origin {
            file: Arc::clone(self.file),
            line: span.line,
            column: span.column,
        }
    }

    pub(super) fn paths(&self, entries: Vec<RawPath>) -> Result<Vec<PathGrant>, SourceError> {
        let grant = |RawPath {
                         path,
                         if_exists,
                         why,
                     }| {
            let origin = self.origin(path.span);
            Ok(PathGrant {
                path: self.path(&path)?,
                if_exists,
                why: reason(why),
                origin,
            })
        };
        entries.into_iter().map(grant).collect()
    }

    pub(super) fn ports(&self, entries: Vec<RawPort>) -> Result<Vec<PortGrant>, SourceError> {
        let grant = |RawPort { port, why }| match u16::try_from(port.value) {
            Ok(number) if number != 0 => Ok(PortGrant {
                port: number,
                why: reason(why),
                origin: self.origin(port.span),
            }),
            _ => {
                let message = format!("{} is not a TCP port", port.value);
                Err(self.error(port.span, &message, "a port is a number from 1 to 65535"))
            }
        };
        entries.into_iter().map(grant).collect()
    }

    pub(super) fn landlock(
        &self,
        entries: Vec<RawLandlock>,
    ) -> Result<Vec<LandlockGrant>, SourceError> {
        let grant = |RawLandlock {
                         path,
                         access,
                         if_exists,
                         why,
                     }| {
            let origin = self.origin(path.span);
            let path = self.path(&path)?;
            let known: Vec<&str> = landlock::all().collect();
            let access = self.names(access, "Landlock right", &known)?;
            Ok(LandlockGrant {
                path,
                access,
                if_exists,
                why: reason(why),
                origin,
            })
        };
        entries.into_iter().map(grant).collect()
    }

    pub(super) fn seccomp(
        &self,
        entries: Vec<RawSeccomp>,
    ) -> Result<Vec<SeccompGrant>, SourceError> {
        let grant = |RawSeccomp {
                         names,
                         action,
                         errno,
                         why,
                     }| {
            let origin = self.origin(names.value.first().map_or(names.span, |name| name.span));
            let known: Vec<&str> = syscalls::all().collect();
            let names = self.names(names, "system call", &known)?;
            let action = self.action(&action, errno)?;
            Ok(SeccompGrant {
                names,
                action,
                why: reason(why),
                origin,
            })
        };
        entries.into_iter().map(grant).collect()
    }

    fn action(
        &self,
        action: &Spanned<Action>,
        errno: Option<Spanned<String>>,
    ) -> Result<SeccompAction, SourceError> {
        let action = match (action.value, errno) {
            (Action::Allow, None) => SeccompAction::Allow,
            (Action::Kill, None) => SeccompAction::Kill,
            (Action::Errno, Some(name)) if errno::value(&name.value).is_some() => {
                SeccompAction::Errno(name.value)
            }
            (Action::Errno, Some(name)) => {
                let known: Vec<&str> = errno::all().collect();
                return Err(self.unknown("error", &name, &known));
            }
            (Action::Errno, None) => {
                let message = "`action: errno` does not say which error";
                return Err(self.error(action.span, message, "add `errno: EPERM`, for example"));
            }
            (Action::Allow | Action::Kill, Some(name)) => {
                let message = "`errno` has no meaning with this action";
                return Err(self.error(name.span, message, "write `action: errno` or remove it"));
            }
        };
        Ok(action)
    }

    fn path(&self, path: &Spanned<String>) -> Result<String, SourceError> {
        path::normal(&path.value).map_err(|(message, hint)| self.error(path.span, &message, &hint))
    }

    /// Names that are all known, each once.
    fn names(
        &self,
        names: Spanned<Vec<Spanned<String>>>,
        kind: &str,
        known: &[&str],
    ) -> Result<Vec<String>, SourceError> {
        if names.value.is_empty() {
            let message = format!("no {kind} is named");
            return Err(self.error(
                names.span,
                &message,
                "name at least one, or remove the entry",
            ));
        }
        let mut checked = Vec::with_capacity(names.value.len());
        for name in names.value {
            if !known.contains(&name.value.as_str()) {
                return Err(self.unknown(kind, &name, known));
            }
            if !checked.contains(&name.value) {
                checked.push(name.value);
            }
        }
        Ok(checked)
    }

    fn unknown(&self, kind: &str, name: &Spanned<String>, known: &[&str]) -> SourceError {
        // A list of hundreds of names is no help.
        let hint = match instead_of(&name.value, known) {
            all if all.len() > 300 => format!("no {kind} has a name like it"),
            hint => hint,
        };
        self.error(
            name.span,
            &format!("unknown {kind} `{}`", name.value),
            &hint,
        )
    }
}

/// An empty reason is none.
fn reason(why: Option<String>) -> Option<String> {
    why.map(|why| why.trim().to_owned())
        .filter(|why| !why.is_empty())
}
