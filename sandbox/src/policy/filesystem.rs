//! Paths as Landlock rules: opened once, kept open as long as the policy lives.
//!
//! A rule pins an inode, and on some filesystems (procfs, hard-linked lower files of overlayfs) an
//! inode that nobody holds is evicted under memory pressure and the rule with it. The descriptors
//! here hold it.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, BitFlags, PathBeneath, RulesetCreated, RulesetCreatedAttr, make_bitflags,
};

use super::interpreters;
use super::provenance::Grantor;
use super::{CompileError, Site};
use crate::names::landlock as rights;
use crate::profile::{Granted, Origin, Profile, What};

pub(super) type Rights = BitFlags<AccessFs>;

const READ: Rights = make_bitflags!(AccessFs::{ReadFile | ReadDir});
const EXECUTE: Rights = make_bitflags!(AccessFs::{ReadFile | ReadDir | Execute});
const WRITE: Rights = make_bitflags!(AccessFs::{
    ReadFile | ReadDir | WriteFile | Truncate | Refer | RemoveDir | RemoveFile
        | MakeDir | MakeReg | MakeSym
});
/// A scratch is private, so sockets and FIFOs in it lead nowhere else. Devices and EXECUTE are not
/// in it: `run: [{path: "${SCRATCH}"}]` grants the latter knowingly.
pub(super) const SCRATCH: Rights = make_bitflags!(AccessFs::{
    ReadFile | ReadDir | WriteFile | Truncate | Refer | RemoveDir | RemoveFile
        | MakeDir | MakeReg | MakeSym | MakeSock | MakeFifo
});

/// The rules of a profile on this machine.
#[derive(Debug)]
pub(super) struct Filesystem {
    rules: Vec<Rule>,
    /// What only the zygote may: becoming the interpreter.
    zygote_rules: Vec<Rule>,
    scratches: OwnedFd,
    scratch_rights: Rights,
}

#[derive(Debug)]
pub(super) struct Rule {
    fd: OwnedFd,
    /// Where that really is, links followed.
    pub(super) path: PathBuf,
    pub(super) rights: Rights,
    pub(super) by: Grantor,
}

/// What an entry of a profile gives on its path; nothing where it is about something else.
pub(super) fn rights_of(what: What<'_>) -> Rights {
    match what {
        What::Read(_) => READ,
        What::Write(_) => WRITE,
        What::Run(_) => EXECUTE,
        What::Landlock(grant) => rights_by_name(&grant.access),
        What::Connect(_) | What::Listen(_) | What::Seccomp(_) => Rights::EMPTY,
    }
}

fn rights_by_name(names: &[String]) -> Rights {
    let bits = names.iter().filter_map(|name| rights::bit(name));
    Rights::from_bits_truncate(bits.fold(0, |all, bit| all | bit))
}

const PROGRAM: Grantor = Grantor::Leasehold {
    rule: "program",
    why: "the function is started with it, or it is what loads that",
};
const INTERPRETER: Grantor = Grantor::Leasehold {
    rule: "interpreter",
    why: "the zygote becomes it before it loads the function; its workers cannot execute it",
};
const SECRET: Grantor = Grantor::Leasehold {
    rule: "secret",
    why: "the function lists it under `secrets`",
};
/// The call's own directory.
pub(super) const OWN_SCRATCH: Grantor = Grantor::Leasehold {
    rule: "scratch",
    why: "each call's private directory, gone when the call ends",
};

impl Filesystem {
    pub(super) fn compile(profile: &Profile, site: &Site, abi: ABI) -> Result<Self, CompileError> {
        let known = AccessFs::from_all(abi);
        let mut compiler = Compiler {
            site,
            known,
            rules: Vec::new(),
            scratch_rights: SCRATCH & known,
        };
        for granted in profile.granted() {
            compiler.granted(granted, abi)?;
        }
        for path in &site.secrets {
            let fd = open(path).map_err(|source| CompileError::Secret {
                path: path.clone(),
                source,
            })?;
            compiler.add(fd, READ & FILE, path, SECRET)?;
        }
        if let Some(program) = &site.program {
            compiler.program(program, PROGRAM)?;
            compiler.programs(&interpreters::of(program), &PROGRAM)?;
        }
        let Compiler {
            rules,
            scratch_rights,
            ..
        } = compiler;

        let mut zygote = Compiler {
            site,
            known,
            rules: Vec::new(),
            scratch_rights,
        };
        if let Some(interpreter) = &site.interpreter {
            zygote.program(interpreter, INTERPRETER)?;
            zygote.programs(&interpreters::of(interpreter), &INTERPRETER)?;
        }
        let scratches = open(&site.scratches).map_err(|source| CompileError::OpenProgram {
            path: site.scratches.clone(),
            source,
        })?;
        Ok(Self {
            rules: without_covered(rules),
            zygote_rules: without_covered(zygote.rules),
            scratches,
            scratch_rights,
        })
    }

    /// The rules of all processes of a function, and what only its zygote may besides.
    pub(super) fn rules(&self) -> (&[Rule], &[Rule]) {
        (&self.rules, &self.zygote_rules)
    }

    /// What a call may in its own scratch.
    pub(super) fn scratch_rights(&self) -> Rights {
        self.scratch_rights
    }

    pub(super) fn add_zygote_rules(
        &self,
        ruleset: RulesetCreated,
        abi: ABI,
    ) -> Result<RulesetCreated, CompileError> {
        // Layers intersect: a right that is missing here no worker could have. Without REFER, for
        // one, a rename between two directories of one scratch would be EXDEV.
        let scratches = PathBeneath::new(&self.scratches, AccessFs::from_all(abi));
        let rules = self
            .rules
            .iter()
            .chain(&self.zygote_rules)
            .map(Rule::as_landlock);
        Ok(ruleset.add_rule(scratches)?.add_rules(rules)?)
    }

    pub(super) fn add_worker_rules(
        &self,
        ruleset: RulesetCreated,
        scratch: &Path,
    ) -> Result<RulesetCreated, CompileError> {
        let fd = open(scratch).map_err(|source| CompileError::OpenProgram {
            path: scratch.to_owned(),
            source,
        })?;
        let own = PathBeneath::new(&fd, self.scratch_rights);
        Ok(ruleset
            .add_rule(own)?
            .add_rules(self.rules.iter().map(Rule::as_landlock))?)
    }
}

/// Leaves out what a rule on the same place, or on a directory above it, grants already: the kernel adds
/// up the rights on the way to the root, and each worker pays for each rule.
fn without_covered(mut rules: Vec<Rule>) -> Vec<Rule> {
    // The wider ones first, so that of two equal ones the first stays.
    rules.sort_by_key(|rule| rule.path.components().count());
    let mut kept: Vec<Rule> = Vec::with_capacity(rules.len());
    for rule in rules {
        let above = kept
            .iter()
            .filter(|wider| rule.path.starts_with(&wider.path));
        let granted = above.fold(Rights::EMPTY, |sum, wider| sum | wider.rights);
        if !granted.contains(rule.rights) {
            kept.push(rule);
        }
    }
    kept
}

impl Rule {
    fn as_landlock(&self) -> Result<PathBeneath<&OwnedFd>, landlock::RulesetError> {
        Ok(PathBeneath::new(&self.fd, self.rights))
    }
}

struct Compiler<'a> {
    site: &'a Site,
    /// The rights that this kernel knows: what it does not know it does not deny.
    known: Rights,
    rules: Vec<Rule>,
    scratch_rights: Rights,
}

impl Compiler<'_> {
    fn granted(&mut self, granted: Granted<'_>, abi: ABI) -> Result<(), CompileError> {
        let (template, if_exists, rights) = match granted.what {
            What::Connect(_) | What::Listen(_) | What::Seccomp(_) => return Ok(()),
            What::Read(grant) | What::Write(grant) | What::Run(grant) => {
                (&grant.path, grant.if_exists, rights_of(granted.what))
            }
            What::Landlock(grant) => {
                let rights = named_rights(&grant.access, self.known, abi, &grant.origin)?;
                (&grant.path, grant.if_exists, rights)
            }
        };
        self.grant(template, rights, if_exists, granted)?;
        if !matches!(granted.what, What::Run(_)) {
            return Ok(());
        }
        let loaders = match template.starts_with("${") {
            true => interpreters::loaders(),
            false => interpreters::of(Path::new(template)),
        };
        self.programs(&loaders, &granted.into())
    }

    /// Adds `rights` on everything that `template` stands for.
    fn grant(
        &mut self,
        template: &str,
        rights: Rights,
        if_exists: bool,
        granted: Granted<'_>,
    ) -> Result<(), CompileError> {
        let origin = granted.origin;
        if let Some(rest) = template.strip_prefix("${SCRATCH}") {
            if !rest.trim_matches('/').is_empty() {
                return Err(CompileError::BelowScratch {
                    origin: origin.clone(),
                });
            }
            self.scratch_rights |= rights & self.known;
            return Ok(());
        }
        for path in self.expand(template, origin)? {
            match open(&path) {
                Ok(fd) => self.add(fd, rights, &path, granted.into())?,
                Err(error) if is_missing(&error) && if_exists => {}
                Err(error) if is_missing(&error) => {
                    return Err(CompileError::MissingPath {
                        path,
                        origin: origin.clone(),
                    });
                }
                Err(source) => {
                    return Err(CompileError::OpenPath {
                        path,
                        origin: origin.clone(),
                        source,
                    });
                }
            }
        }
        Ok(())
    }

    fn program(&mut self, path: &Path, by: Grantor) -> Result<(), CompileError> {
        let failed = |source| CompileError::OpenProgram {
            path: path.to_owned(),
            source,
        };
        self.add(open(path).map_err(failed)?, EXECUTE, path, by)
    }

    fn programs(&mut self, paths: &[PathBuf], by: &Grantor) -> Result<(), CompileError> {
        let mut paths = paths.iter();
        paths.try_for_each(|path| self.program(path, by.clone()))
    }

    /// A file takes only the rights that a file can have.
    fn add(
        &mut self,
        fd: OwnedFd,
        rights: Rights,
        path: &Path,
        by: Grantor,
    ) -> Result<(), CompileError> {
        let file = std::fs::File::from(fd);
        let metadata = file
            .metadata()
            .map_err(|source| CompileError::OpenProgram {
                path: path.to_owned(),
                source,
            })?;
        let rights = if metadata.is_dir() {
            rights & self.known
        } else {
            rights & self.known & FILE
        };
        if !rights.is_empty() {
            let fd = OwnedFd::from(file);
            let path = real(&fd).map_err(|source| CompileError::OpenProgram {
                path: path.to_owned(),
                source,
            })?;
            self.rules.push(Rule {
                fd,
                path,
                rights,
                by,
            });
        }
        Ok(())
    }

    fn expand(&self, template: &str, origin: &Origin) -> Result<Vec<PathBuf>, CompileError> {
        let join = |base: &Path, rest: &str| base.join(rest.trim_start_matches('/'));
        if let Some(rest) = template.strip_prefix("${FUNCTION_DIR}") {
            return Ok(vec![join(&self.site.function_dir, rest)]);
        }
        if let Some(rest) = template.strip_prefix("${PYTHON_PREFIX}") {
            if self.site.python_prefix.is_empty() {
                let variable = "${PYTHON_PREFIX}";
                return Err(CompileError::NoValue {
                    variable,
                    origin: origin.clone(),
                });
            }
            return Ok(self
                .site
                .python_prefix
                .iter()
                .map(|base| join(base, rest))
                .collect());
        }
        Ok(vec![PathBuf::from(template)])
    }
}

/// The rights that apply to files; the others are refused on them (`EINVAL`).
pub(super) const FILE: Rights =
    make_bitflags!(AccessFs::{Execute | WriteFile | ReadFile | Truncate | IoctlDev});

/// The named rights that this kernel knows. One that it does not know it does not deny either, but for
/// REFER: before that right existed, Landlock denied what it allows.
fn named_rights(
    names: &[String],
    known: Rights,
    abi: ABI,
    origin: &Origin,
) -> Result<Rights, CompileError> {
    let mut rights = Rights::EMPTY;
    for name in names {
        let bit = rights::bit(name);
        let right = known.iter().find(|right| Some(*right as u64) == bit);
        match right {
            Some(right) => rights |= right,
            None if name == "refer" => {
                return Err(CompileError::UnknownRight {
                    access: name.clone(),
                    abi: abi as i32,
                    origin: origin.clone(),
                });
            }
            None => {}
        }
    }
    Ok(rights)
}

/// Opens whatever `path` leads to, without reading it and without any permission on it.
fn open(path: &Path) -> io::Result<OwnedFd> {
    let mut options = std::fs::OpenOptions::new();
    options
        .read(true)
        .custom_flags(libc::O_PATH | libc::O_CLOEXEC);
    Ok(options.open(path)?.into())
}

/// Where an open file is, as procfs tells, which the host can read.
fn real(fd: &OwnedFd) -> io::Result<PathBuf> {
    std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd()))
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(path: &str, rights: Rights) -> Rule {
        Rule {
            fd: open(Path::new("/")).unwrap(),
            path: path.into(),
            rights,
            by: PROGRAM,
        }
    }

    #[test]
    fn what_is_granted_above_is_no_rule_of_its_own() {
        let rules = vec![
            rule("/usr/lib/python3", READ),
            rule("/usr/lib", READ),
            rule("/usr/lib", READ),
            rule("/usr/lib64", READ),
            rule("/usr/lib/x/program", AccessFs::Execute | AccessFs::ReadFile),
            rule("/usr/lib/x/data", AccessFs::ReadFile.into()),
            rule("/usr", AccessFs::ReadDir.into()),
        ];
        let kept = without_covered(rules);
        let kept: Vec<_> = kept.iter().filter_map(|rule| rule.path.to_str()).collect();
        let expected = ["/usr", "/usr/lib", "/usr/lib64", "/usr/lib/x/program"];
        assert_eq!(kept, expected);
    }
}
