//! Inheritance: a profile and all that it extends, joined into one.
//!
//! Allowances are a union in the order of `extends`, limits the smallest of all. Both are
//! associative, so parents can be joined one by one, each once, before what extends them. Gaps that a
//! parent accepts are not inherited: they would open a channel to a profile whose author has not
//! thought of it. Knows profiles only.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};

use super::diagnostic::SourceError;
use super::source::ProfileSource;
use super::yaml::{Spanned, instead_of};
use super::{Ceiling, LandlockGrant, PathGrant, PortGrant, Profile, SeccompGrant};

/// The longest chain of `extends`, the profile itself included.
pub const MAX_DEPTH: usize = 16;

/// Why profiles cannot be joined. Each variant shows where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InheritError {
    /// `extends` names a profile that does not exist.
    #[error("{0}")]
    MissingParent(Box<SourceError>),
    /// A profile extends itself, directly or by others.
    #[error("{0}")]
    Cycle(Box<SourceError>),
    /// A chain of `extends` is longer than [`MAX_DEPTH`].
    #[error("{0}")]
    TooDeep(Box<SourceError>),
    /// `run` lists programs, but the ceiling leaves no process to run them in.
    #[error("{0}")]
    RunWithoutProcesses(Box<SourceError>),
    /// Two entries give different answers to one system call.
    #[error("{0}")]
    TwoAnswers(Box<SourceError>),
}

impl ProfileSource {
    /// Joins the profile with all that it extends.
    ///
    /// # Errors
    /// When a parent is missing, profiles extend each other in a circle or too deeply, or the whole
    /// contradicts itself.
    pub fn inherit(self) -> Result<Profile, InheritError> {
        let profile = self.joined()?;
        match self.contradictions(&profile).into_iter().next() {
            Some(contradiction) => Err(contradiction),
            None => Ok(profile),
        }
    }

    /// As [`Self::inherit`], with all that is wrong.
    ///
    /// # Errors
    /// At least one, in the order in which they were found.
    pub fn inherit_or_tell_all(&self) -> Result<Profile, Vec<InheritError>> {
        let profile = self.joined().map_err(|error| vec![error])?;
        let contradictions = self.contradictions(&profile);
        match contradictions.is_empty() {
            true => Ok(profile),
            false => Err(contradictions),
        }
    }

    /// The profile whose limit it is that holds: the smallest that is set, if any is.
    #[must_use]
    pub fn limited_by(&self, limit: &str) -> Option<&str> {
        let limit_of = |ceiling: &Ceiling| {
            let found = ceiling.set().find(|(name, _)| *name == limit);
            found.map(|(_, value)| value)
        };
        let joined = limit_of(&self.joined().ok()?.ceiling)?;
        let sources = lineage(self).ok()?;
        let decides =
            |source: &&ProfileSource| limit_of(&source.own.ceiling).as_ref() == Some(&joined);
        sources.into_iter().find(decides).map(ProfileSource::name)
    }

    fn joined(&self) -> Result<Profile, InheritError> {
        let closed = Profile {
            accept_gaps: self.own.accept_gaps.clone(),
            ..Profile::closed(&self.own.name)
        };
        Ok(lineage(self)?
            .into_iter()
            .fold(closed, |sum, source| sum.join(source.own.clone())))
    }

    fn contradictions(&self, profile: &Profile) -> Vec<InheritError> {
        let mut all: Vec<InheritError> = self.run_without_processes(profile).into_iter().collect();
        all.extend(self.two_answers(profile));
        all
    }

    /// EXECUTE without fork could only replace the function itself.
    fn run_without_processes(&self, profile: &Profile) -> Option<InheritError> {
        let enough = profile.ceiling.limits().processes > 1;
        let first = profile.run.first().filter(|_| !enough)?;
        let name = &profile.name;
        let message = format!("`{name}` may run programs but has only one process");
        let hint = "set `ceiling.processes` above 1, or remove `run`";
        let error = self.show(&first.origin, &message, hint);
        Some(InheritError::RunWithoutProcesses(Box::new(error)))
    }

    fn two_answers(&self, profile: &Profile) -> Vec<InheritError> {
        let mut answers = BTreeMap::new();
        let mut contradictions = Vec::new();
        for grant in &profile.seccomp {
            for name in &grant.names {
                let first = answers.entry((name, &grant.args)).or_insert(grant);
                if first.action != grant.action {
                    let message = format!("`{name}` has another answer already");
                    let hint = format!("it stands at {}; what is inherited stays", first.origin);
                    let error = self.show(&grant.origin, &message, &hint);
                    contradictions.push(InheritError::TwoAnswers(Box::new(error)));
                }
            }
        }
        contradictions
    }
}

impl InheritError {
    /// What is wrong, and where.
    #[must_use]
    pub fn source_error(&self) -> &SourceError {
        match self {
            Self::MissingParent(error)
            | Self::Cycle(error)
            | Self::TooDeep(error)
            | Self::RunWithoutProcesses(error)
            | Self::TwoAnswers(error) => error,
        }
    }
}

/// A profile's sources, each once, parents before what extends them.
fn lineage(root: &ProfileSource) -> Result<Vec<&ProfileSource>, InheritError> {
    let (order, chain, heights) = (Vec::new(), Vec::new(), BTreeMap::new());
    let mut walk = Walk {
        root,
        order,
        chain,
        heights,
    };
    walk.visit(root)?;
    Ok(walk.order)
}

/// The walk that makes a [`lineage`].
struct Walk<'a> {
    root: &'a ProfileSource,
    order: Vec<&'a ProfileSource>,
    /// From the root to where the walk is.
    chain: Vec<&'a str>,
    /// Names whose walk is over, with the longest chain below each.
    heights: BTreeMap<&'a str, usize>,
}

impl<'a> Walk<'a> {
    /// Walks one profile's parents, then adds the profile. Never deeper than [`MAX_DEPTH`].
    fn visit(&mut self, source: &'a ProfileSource) -> Result<usize, InheritError> {
        self.chain.push(source.name());
        let mut height = 1;
        for parent in &source.extends {
            let above = match self.heights.get(parent.value.as_str()) {
                Some(&known) => known,
                None => {
                    let next = self.step(source, parent)?;
                    self.visit(next)?
                }
            };
            height = height.max(above + 1);
            if self.chain.len() + above > MAX_DEPTH {
                let message = format!("more than {MAX_DEPTH} profiles extend each other in a row");
                let hint = "let the profile extend what it needs directly";
                return Err(InheritError::TooDeep(error_at(
                    source, parent, &message, hint,
                )));
            }
        }
        self.chain.pop();
        self.heights.insert(source.name(), height);
        self.order.push(source);
        Ok(height)
    }

    /// The profile that `parent` names, unless the walk has come from there.
    fn step(
        &self,
        from: &ProfileSource,
        parent: &Spanned<String>,
    ) -> Result<&'a ProfileSource, InheritError> {
        let name = parent.value.as_str();
        if let Some(start) = self.chain.iter().position(|&above| above == name) {
            let circle: Vec<&str> = self
                .chain
                .iter()
                .skip(start)
                .copied()
                .chain([name])
                .collect();
            let message = format!("`{name}` extends itself: {}", circle.join(" → "));
            return Err(InheritError::Cycle(error_at(
                from,
                parent,
                &message,
                "remove one of them",
            )));
        }
        if self.chain.len() == MAX_DEPTH {
            let message = format!("more than {MAX_DEPTH} profiles extend each other in a row");
            let hint = "let the profile extend what it needs directly";
            return Err(InheritError::TooDeep(error_at(
                from, parent, &message, hint,
            )));
        }
        self.root.ancestors.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.root.known.iter().map(String::as_str).collect();
            let message = format!("there is no profile `{name}`");
            InheritError::MissingParent(error_at(from, parent, &message, &instead_of(name, &known)))
        })
    }
}

fn error_at(
    source: &ProfileSource,
    parent: &Spanned<String>,
    message: &str,
    hint: &str,
) -> Box<SourceError> {
    Box::new(SourceError::at(
        &source.file,
        &source.text,
        parent.span,
        message,
        Some(hint),
    ))
}

impl Profile {
    /// The profile that allows nothing.
    #[must_use]
    pub fn closed(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            read: Vec::new(),
            write: Vec::new(),
            run: Vec::new(),
            connect: Vec::new(),
            listen: Vec::new(),
            ceiling: Ceiling::default(),
            landlock: Vec::new(),
            seccomp: Vec::new(),
            accept_gaps: Vec::new(),
        }
    }

    /// This profile and another, under this one's name: every allowance of both, the smaller limits.
    ///
    /// Of entries that allow the same, the first stays, with its reason and origin. As the name, the
    /// accepted gaps are this profile's.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self {
            name: self.name,
            read: union(self.read, other.read),
            write: union(self.write, other.write),
            run: union(self.run, other.run),
            connect: union(self.connect, other.connect),
            listen: union(self.listen, other.listen),
            ceiling: self.ceiling.min(other.ceiling),
            landlock: union(self.landlock, other.landlock),
            seccomp: union(self.seccomp, other.seccomp),
            accept_gaps: self.accept_gaps,
        }
    }
}

/// What an entry allows, whoever wrote it for whatever reason.
trait Allowance {
    fn allows(&self) -> impl Ord;
}

fn union<T: Allowance>(first: Vec<T>, second: Vec<T>) -> Vec<T> {
    let all: Vec<T> = first.into_iter().chain(second).collect();
    let mut seen = BTreeSet::new();
    let new: Vec<bool> = all
        .iter()
        .map(|entry| seen.insert(entry.allows()))
        .collect();
    drop(seen);
    all.into_iter()
        .zip(new)
        .filter_map(|(entry, new)| new.then_some(entry))
        .collect()
}

impl Allowance for PathGrant {
    fn allows(&self) -> impl Ord {
        (&self.path, self.if_exists)
    }
}

impl Allowance for PortGrant {
    fn allows(&self) -> impl Ord {
        self.port
    }
}

impl Allowance for LandlockGrant {
    fn allows(&self) -> impl Ord {
        (&self.path, &self.access, self.if_exists)
    }
}

impl Allowance for SeccompGrant {
    fn allows(&self) -> impl Ord {
        (&self.names, &self.action, &self.args)
    }
}
