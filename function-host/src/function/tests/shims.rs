//! Real interpreters behind virtual environments and shims, where the machine has them.

use std::process::Command;

use super::*;

/// The system's own CPython, or why there is none.
fn real() -> Option<Interpreter> {
    let found = interpreters().resolve(None, Path::new("/nowhere"));
    found
        .inspect_err(|error| eprintln!("skipped: needs a CPython: {error}"))
        .ok()
}

#[test]
fn a_real_virtual_environment_in_the_functions_folder() {
    let Some(base) = real() else { return };
    let spec =
        "  runtime: python\n  handler: a.b\n  profile: python\n  interpreter: venv/bin/python\n";
    let folder = folder(spec);
    let directory = folder.path().canonicalize().unwrap();
    let mut make = Command::new(&base.program);
    make.args(["-m", "venv", "--without-pip", "--symlinks"])
        .arg(directory.join("venv"));
    if !make.output().unwrap().status.success() {
        return eprintln!("skipped: needs the module venv");
    }
    // Whatever else its author puts there.
    let cfg = directory.join("venv/pyvenv.cfg");
    fs::write(&cfg, format!("home = {}\n", directory.display())).unwrap();
    let function = load(&directory).unwrap();
    let Runtime::Python {
        interpreter,
        module,
        attribute,
    } = &function.runtime
    else {
        panic!("not python")
    };
    assert_eq!((module.as_str(), attribute.as_str()), ("a", "b"));
    assert_eq!(interpreter.program, directory.join("venv/bin/python"));
    assert_eq!(interpreter.version, base.version);
    for prefix in base.prefixes.iter().chain([&directory.join("venv")]) {
        assert!(interpreter.prefixes.contains(prefix), "{prefix:?}");
    }
    let site = function.site("/scratch".into(), Path::new("/secrets"));
    assert_eq!(site.interpreter.as_ref(), Some(&interpreter.program));
    assert_eq!(site.python_prefix, interpreter.prefixes);
}

#[test]
fn a_shim_of_pyenv_is_seen_through() {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let shims = std::env::split_paths(&path).find(|entry| entry.ends_with(".pyenv/shims"));
    let Some(shims) = shims.filter(|shims| shims.join("python3").is_file()) else {
        return eprintln!("skipped: needs pyenv's shims on PATH");
    };
    let found = match interpreters().resolve(
        Some(shims.join("python3").to_str().unwrap()),
        &shims.join("x"),
    ) {
        Ok(found) => found,
        Err(error) => return eprintln!("skipped: needs a version chosen in pyenv: {error}"),
    };
    assert!(!found.program.starts_with(&shims), "{found:?}");
    assert!(
        found
            .prefixes
            .iter()
            .any(|prefix| found.program.starts_with(prefix)),
        "{found:?}"
    );
    let mut command = Command::new(&found.program);
    let said = command
        .args(["-S", "-c", "import sys; print(sys.version_info[1])"])
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8(said.stdout).unwrap().trim(),
        found.version.1.to_string()
    );
}
