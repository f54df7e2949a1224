//! What a `function.yaml` refers to, found: its profile, its program, its interpreter.
//!
//! Looks at files and never opens one of the function's own. Imports profiles and interpreters.

use std::path::{Path, PathBuf};

use leasehold_sandbox::profile::{
    Catalog, Ceiling, Limits, LoadError, Profile, ProfileSource, Spanned,
};
use nix::unistd::{AccessFlags, access};

use super::document::Document;
use super::interpreter::Interpreters;
use super::node;
use super::spec::Code;
use super::{FunctionError, Runtime};

/// Loads and joins the profile of this name.
pub(super) fn profile(
    document: &Document,
    name: &Spanned<String>,
    catalog: &Catalog,
) -> Result<Profile, FunctionError> {
    let unnamed = |message: &str, hint: &str| {
        FunctionError::ProfileName(Box::new(document.error(name.span, message, hint)))
    };
    let source = ProfileSource::load(catalog, &name.value).map_err(|error| match error {
        LoadError::NotFound { name, similar, .. } => {
            let hint = match similar {
                Some(similar) => format!("did you mean `{similar}`?"),
                None => format!("there are `{}`", catalog.names().join("`, `")),
            };
            let message = format!("there is no profile `{name}` in {}", catalog.searched());
            unnamed(&message, &hint)
        }
        LoadError::Name { name } => {
            let hint =
                "a profile is given by name: its file is NAME.yaml in a directory of profiles";
            unnamed(&format!("`{name}` is not the name of a profile"), hint)
        }
        error => FunctionError::ProfileLoad {
            file: document.file.clone(),
            source: Box::new(error),
        },
    })?;
    source
        .inherit()
        .map_err(|source| FunctionError::ProfileInherit {
            file: document.file.clone(),
            source,
        })
}

/// The function's limits under its profile's ceiling.
pub(super) fn limits(
    document: &Document,
    asked: &Spanned<Ceiling>,
    profile: &Profile,
) -> Result<Limits, FunctionError> {
    profile.ceiling.lower(&asked.value).map_err(|error| {
        let message = format!("`limits.{}` is {}", error.field, error.asked);
        let hint = format!(
            "the profile `{}` allows {}; a function may only lower it",
            profile.name, error.allowed
        );
        let span = document.limit(error.field).unwrap_or(asked.span);
        FunctionError::Ceiling(Box::new(document.error(span, &message, &hint)))
    })
}

/// What is to be executed.
pub(super) fn runtime(
    document: &Document,
    code: Code,
    directory: &Path,
    interpreters: &Interpreters,
) -> Result<Runtime, FunctionError> {
    match code {
        Code::Exec {
            program,
            args,
            protocol,
        } => Ok(Runtime::Exec {
            program: self::program(document, &program, directory)?,
            args,
            protocol,
        }),
        Code::Node {
            module,
            export,
            interpreter,
            runtime,
        } => Ok(Runtime::Node {
            program: node::find(document, interpreter.as_ref(), runtime, interpreters)?,
            module,
            export,
        }),
        Code::Python {
            module,
            attribute,
            interpreter,
            runtime,
        } => {
            let span = interpreter.as_ref().map_or(runtime, |asked| asked.span);
            let asked = interpreter.as_ref().map(|asked| asked.value.as_str());
            match interpreters.resolve(asked, directory) {
                Ok(interpreter) => Ok(Runtime::Python {
                    interpreter,
                    module,
                    attribute,
                }),
                Err(source) => {
                    let shown = document.error(span, &source.to_string(), &source.hint());
                    let shown = Box::new(shown);
                    Err(FunctionError::Interpreter { shown, source })
                }
            }
        }
        Code::Wasm {
            module,
            args,
            protocol,
        } => Ok(Runtime::Wasm {
            module: self::module(document, &module, directory)?,
            args,
            protocol,
        }),
    }
}

/// The module of a command: in the function's folder, from where the host reads it.
fn module(
    document: &Document,
    written: &Spanned<String>,
    directory: &Path,
) -> Result<PathBuf, FunctionError> {
    if written.value.starts_with('/') {
        let message = "a module is read from the function's folder only";
        let hint = "copy it there and write `./NAME`";
        let shown = document.error(written.span, message, hint);
        return Err(FunctionError::Program(Box::new(shown)));
    }
    file(document, written, directory, "module")?;
    Ok(written.value.clone().into())
}

/// The program of a command: absolute, or below the function's folder.
///
/// The path stays as it is written, for programs that look at how they were called.
fn program(
    document: &Document,
    written: &Spanned<String>,
    directory: &Path,
) -> Result<PathBuf, FunctionError> {
    let path = file(document, written, directory, "program")?;
    if let Err(error) = access(&path, AccessFlags::X_OK) {
        let message = format!("`{}` cannot be executed: {}", written.value, error.desc());
        let hint = format!("run `chmod +x {}`", path.display());
        let shown = document.error(written.span, &message, &hint);
        return Err(FunctionError::Program(Box::new(shown)));
    }
    Ok(path)
}

/// The file that a command begins with, absolute.
fn file(
    document: &Document,
    written: &Spanned<String>,
    directory: &Path,
    kind: &str,
) -> Result<PathBuf, FunctionError> {
    let Spanned { value: name, span } = written;
    let wrong = |message: &str, hint: &str| {
        Err(FunctionError::Program(Box::new(
            document.error(*span, message, hint),
        )))
    };
    if name.is_empty() {
        return wrong(
            &format!("the {kind} has no name"),
            "write ./NAME or an absolute path",
        );
    }
    if !name.contains('/') {
        let message = format!("`{name}` is looked for nowhere: a function has no search path here");
        let hint = format!(
            "write `./{name}` for a file beside {}, or an absolute path",
            super::FILE_NAME
        );
        return wrong(&message, &hint);
    }
    // Without the `.` components.
    let path: PathBuf = directory.join(name).components().collect();
    let target = match path.canonicalize() {
        Ok(target) => target,
        Err(error) => {
            let hint = match name.starts_with('/') {
                true => "write the path of an installed program, or ./NAME".to_owned(),
                false => format!("it is looked for in {}", directory.display()),
            };
            return wrong(&format!("cannot find the {kind} `{name}`: {error}"), &hint);
        }
    };
    if !name.starts_with('/') && !target.starts_with(directory) {
        let hint = format!("write `{}`, or copy it into the folder", target.display());
        return wrong(
            &format!("`{name}` leads out of the function's folder"),
            &hint,
        );
    }
    if !target.is_file() {
        return wrong(
            &format!("`{name}` is not a file"),
            &format!("name the {kind} itself"),
        );
    }
    Ok(path)
}
