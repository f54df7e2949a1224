//! Node on this machine. It is never asked what it is: it runs in the sandbox only, and says there if it is
//! too old.

use std::path::{Path, PathBuf};

use leasehold_sandbox::profile::{Span, Spanned};
use nix::unistd::{AccessFlags, access};

use super::FunctionError;
use super::document::Document;
use super::interpreter::Interpreters;

/// What it is called: Debian had another program `node` once.
const NAMES: [&str; 2] = ["node", "nodejs"];

/// The Node that a function asks for, or the first on the `PATH`.
pub(super) fn find(
    document: &Document,
    asked: Option<&Spanned<String>>,
    runtime: Span,
    interpreters: &Interpreters,
) -> Result<PathBuf, FunctionError> {
    let wrong = |span, message: &str, hint: &str| {
        FunctionError::Program(Box::new(document.error(span, message, hint)))
    };
    let Some(Spanned { value, span }) = asked else {
        let mut found = NAMES
            .iter()
            .filter_map(|name| interpreters.program_on_path(name));
        return found.next().ok_or_else(|| {
            let hint = "install Node 18 or later, or name it: `interpreter: /path/to/node`";
            wrong(runtime, "there is no `node` on the PATH", hint)
        });
    };
    let path = Path::new(value);
    let hint = "name Node itself by an absolute path";
    if !path.is_absolute() || !path.is_file() {
        return Err(wrong(
            *span,
            &format!("`{value}` is no file at an absolute path"),
            hint,
        ));
    }
    if let Err(error) = access(path, AccessFlags::X_OK) {
        let message = format!("`{value}` cannot be executed: {}", error.desc());
        return Err(wrong(*span, &message, hint));
    }
    Ok(path.to_owned())
}
