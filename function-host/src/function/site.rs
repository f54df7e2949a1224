//! Where a function lives, as policies want to know it. Imports the sandbox's `policy`.

use std::path::{Path, PathBuf};

use leasehold_sandbox::policy::Site;

use super::{Function, Protocol, Runtime, Start};

impl Function {
    /// What the variables of the function's profile stand for, and what it starts with.
    ///
    /// `scratches` is the directory in which this function's scratches come and go, `secrets` the
    /// operator's folder of secrets.
    #[must_use]
    pub fn site(&self, scratches: PathBuf, secrets: &Path) -> Site {
        let site = Site {
            function_dir: self.directory.clone(),
            scratches,
            secrets: self.secrets.iter().map(|name| secrets.join(name)).collect(),
            ..Site::default()
        };
        match &self.runtime {
            Runtime::Exec {
                program, protocol, ..
            } => Site {
                program: Some(program.clone()),
                listener: *protocol == Protocol::Http,
                ..site
            },
            Runtime::Node { program, .. } => Site {
                program: Some(program.clone()),
                ..site
            },
            Runtime::Wasm { .. } => site,
            Runtime::Python { interpreter, .. } => {
                let program = Some(interpreter.program.clone());
                let site = Site {
                    python_prefix: interpreter.prefixes.clone(),
                    ..site
                };
                match self.start {
                    Start::Fork => Site {
                        interpreter: program,
                        ..site
                    },
                    Start::Spawn => Site { program, ..site },
                }
            }
        }
    }
}
