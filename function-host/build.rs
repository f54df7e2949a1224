//! Builds leasehold-zygote once more, as the shared library that CPython loads.
//!
//! Left to cargo, the library would not be where `cargo run` can find it, and would not be built at
//! all for a statically linked host. So a cargo of its own builds it, with a target directory of its
//! own and none of this build's flags, and the host embeds the bytes.
//!
//! The examples are copied, for the host to embed them without what tools have put beside them.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What steers the outer build and must not steer the inner one.
const NOT_INHERITED: [&str; 9] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_TARGET",
    "CARGO_TARGET_DIR",
    "CARGO_PRIMARY_PACKAGE",
    "CLIPPY_ARGS",
    "RUSTDOCFLAGS",
];

fn main() {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    for input in [
        "build.rs",
        "zygote/src",
        "zygote/Cargo.toml",
        "../sandbox/src",
        "../Cargo.lock",
        "../examples",
    ] {
        println!("cargo::rerun-if-changed={}", here.join(input).display());
    }
    if let Err(error) = copy(&here.join("../examples"), &out.join("examples")) {
        println!("cargo::error=the examples were not copied: {error}");
    }
    match build(&here, &out) {
        Ok(library) => {
            println!(
                "cargo::rustc-env=LEASEHOLD_ZYGOTE_LIBRARY={}",
                library.display()
            );
        }
        Err(error) => println!("cargo::error=the library for CPython was not built: {error}"),
    }
}

/// Makes `to` a copy of the directory `from`, but for what is not part of it.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    match fs::remove_dir_all(to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => fs::create_dir(to)?,
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if ["site-packages", "__pycache__", "target"]
            .iter()
            .any(|name| entry.file_name() == *name)
        {
            continue;
        } else if path.is_dir() {
            copy(&path, &target)?;
        } else {
            fs::copy(&path, &target)?;
        }
    }
    Ok(())
}

fn build(here: &Path, out: &Path) -> Result<PathBuf, String> {
    let target = out.join("zygote-library");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args([
            "rustc",
            "--package",
            "leasehold-zygote",
            "--lib",
            "--crate-type",
            "cdylib",
        ])
        .args([
            "--release",
            "--locked",
            "--offline",
            "--quiet",
            "--manifest-path",
        ])
        .arg(here.join("zygote/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .current_dir(here);
    for name in NOT_INHERITED {
        cargo.env_remove(name);
    }
    for (name, _) in env::vars_os() {
        let steers = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_CFG_")
                || name.starts_with("CARGO_FEATURE_")
                || name.starts_with("CARGO_PROFILE_")
                || (name.starts_with("CARGO_TARGET_") && name.ends_with("_RUSTFLAGS"))
        });
        if steers {
            cargo.env_remove(&name);
        }
    }
    let status = cargo
        .status()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !status.success() {
        return Err(format!("cargo ended with {status}"));
    }
    let library = target.join("release/libleasehold_zygote.so");
    library
        .is_file()
        .then_some(library)
        .ok_or_else(|| "cargo made no library".to_owned())
}
