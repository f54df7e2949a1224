//! The functions that are attacked: made from YAML, as those that are served.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use leasehold_attacks::attack::Profile;
use leasehold_attacks::attacker;
use leasehold_sandbox::profile::{Catalog, Millis, PathGrant, ProfileSource};

use super::session::Session;
use crate::function::{Function, Interpreters};
use crate::host::Host;

/// The module that attacks in Python, and those whose import does.
pub(super) const MODULES: [(&str, &str); 4] = [
    ("attack", include_str!("attack.py")),
    ("shared", include_str!("shared.py")),
    ("child", include_str!("child.py")),
    ("lurker", include_str!("lurker.py")),
];

/// The example that looks for what the call before it has left.
pub(super) const WITNESS: &str = include_str!("../../../examples/leak/handler.py");

/// Makes functions.
#[derive(Debug)]
pub(super) struct Functions<'a> {
    session: &'a Session,
    catalog: Catalog,
    interpreters: Interpreters,
    python: Option<PathBuf>,
    prefixes: Vec<PathBuf>,
    executable: String,
}

impl<'a> Functions<'a> {
    /// With profiles from these folders, and this interpreter with its prefixes.
    ///
    /// # Errors
    /// When this program cannot be found.
    pub(super) fn new(
        host: &Arc<Host>,
        session: &'a Session,
        profiles: &[PathBuf],
        python: Option<PathBuf>,
        prefixes: Vec<PathBuf>,
    ) -> io::Result<Self> {
        let processes = Arc::clone(&host.processes);
        let directories = [session.profiles()].into_iter();
        Ok(Self {
            session,
            catalog: Catalog::new(directories.chain(profiles.iter().cloned())),
            interpreters: Interpreters::new(Box::new(move |command| processes.output(command))),
            python,
            prefixes,
            executable: std::env::current_exe()?.to_string_lossy().into_owned(),
        })
    }

    /// One whose command is the attacker, under a profile and what an attack adds to it.
    ///
    /// # Errors
    /// What is wrong with the profile.
    pub(super) fn native(&self, profile: &str, more: Profile) -> Result<Function, String> {
        let command = serde_json::to_string(&[&self.executable, attacker::ARGUMENT]);
        let command = command.map_err(|error| error.to_string())?;
        let spec = format!("runtime: exec\n  command: {command}");
        let mut function = self.load(&spec, "call", &self.extended(profile, more)?, &[])?;
        // An exec function has no interpreter: what one may read is put in by hand.
        let profile = &mut function.profile;
        for grants in [&mut profile.read, &mut profile.write, &mut profile.run] {
            *grants = self.expanded(std::mem::take(grants));
        }
        // Small enough for attacks on them to be quick, whatever the profile's ceiling.
        let limits = &mut function.limits;
        limits.response_body.0 = limits.response_body.0.min(SMALL);
        limits.memory.0 = limits.memory.0.min(512 << 20);
        Ok(function)
    }

    /// The attacker without isolation.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub(super) fn control(&self) -> Result<Function, String> {
        let command = serde_json::to_string(&[&self.executable, attacker::ARGUMENT]);
        let command = command.map_err(|error| error.to_string())?;
        self.load(
            &format!("runtime: exec\n  command: {command}"),
            "none",
            "base",
            &[],
        )
    }

    /// One with a module of ours as its handler; `None` without an interpreter.
    ///
    /// # Errors
    /// What is wrong with the profile or the interpreter.
    pub(super) fn python(
        &self,
        module: &str,
        text: &str,
        isolation: &str,
        profile: &str,
        more: Profile,
    ) -> Result<Option<Function>, String> {
        let Some(interpreter) = &self.python else {
            return Ok(None);
        };
        let interpreter = serde_json::to_string(interpreter).map_err(|error| error.to_string())?;
        let spec = format!(
            "runtime: python\n  handler: {module}.handle\n  interpreter: {interpreter}\n  pool: 1\n  concurrency: 1"
        );
        let files = [(format!("{module}.py"), text)];
        self.load(&spec, isolation, &self.extended(profile, more)?, &files)
            .map(Some)
    }

    /// Whether an interpreter can be read under this profile.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn serves_python(&self, profile: &str) -> Result<bool, String> {
        let source =
            ProfileSource::load(&self.catalog, profile).map_err(|error| error.to_string())?;
        let profile = source.inherit().map_err(|error| error.to_string())?;
        let reads = profile
            .read
            .iter()
            .any(|grant| grant.path.starts_with(PREFIX));
        Ok(reads && self.python.is_some())
    }

    fn load(
        &self,
        spec: &str,
        isolation: &str,
        profile: &str,
        files: &[(String, &str)],
    ) -> Result<Function, String> {
        let write = || -> io::Result<PathBuf> {
            let directory = self.session.directory()?;
            let text = format!(
                "apiVersion: leasehold.dev/v1alpha1\nkind: Function\nmetadata: {{name: verify}}\nspec:\n  \
                 {spec}\n  isolation: {isolation}\n  profile: {profile}\n"
            );
            fs::write(directory.join(crate::function::FILE_NAME), text)?;
            furnish(&directory)?;
            for (name, text) in files {
                fs::write(directory.join(name), text)?;
            }
            Ok(directory)
        };
        let directory = write().map_err(|error| error.to_string())?;
        let function = Function::load(&directory, &self.catalog, &self.interpreters);
        let mut function = function.map_err(|error| error.to_string())?;
        // A victim waits for all attacks on it.
        function.limits.timeout = VICTIM;
        Ok(function)
    }

    /// The name of the profile with what an attack adds to it.
    fn extended(&self, profile: &str, more: Profile) -> Result<String, String> {
        let Some(additions) = more.additions() else {
            return Ok(profile.to_owned());
        };
        let name = format!("verify-{}", more.name());
        let text = format!(
            "apiVersion: leasehold.dev/v1alpha1\nkind: Profile\nmetadata: {{name: {name}}}\nspec:\n  \
             extends: [{profile}]\n  {additions}\n"
        );
        let path = self.session.profiles().join(format!("{name}.yaml"));
        fs::write(path, text).map_err(|error| error.to_string())?;
        Ok(name)
    }

    fn expanded(&self, grants: Vec<PathGrant>) -> Vec<PathGrant> {
        let mut expanded = Vec::new();
        for grant in grants {
            match grant.path.strip_prefix(PREFIX) {
                None => expanded.push(grant),
                Some(rest) => expanded.extend(self.prefixes.iter().map(|prefix| PathGrant {
                    path: format!("{}{rest}", prefix.display()),
                    ..grant.clone()
                })),
            }
        }
        expanded
    }
}

/// What stands for an interpreter's files in a profile.
const PREFIX: &str = "${PYTHON_PREFIX}";

/// The largest reply of an attacker, in bytes.
pub(super) const SMALL: u64 = 256 << 10;

/// How long a victim may wait.
const VICTIM: Millis = Millis(600_000);

/// What all calls of a function may read.
///
/// # Errors
/// Those of writing a file.
pub(super) fn furnish(directory: &Path) -> io::Result<()> {
    fs::write(directory.join("data"), "for all calls of the function")
}
