//! What the architecture promises about the sources, and SECURITY.md about the tests.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "structure/source.rs"]
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use source::{Crate, File, root};

const SANDBOX: Crate = Crate::at("sandbox/src");
const ZYGOTE: Crate = Crate::at("function-host/zygote/src");
const HOST: Crate = Crate::at("function-host/src");
const WASM: Crate = Crate::at("function-host/wasm/src");
const ATTACKS: Crate = Crate::at("function-host/attacks/src");
const CRATES: [Crate; 5] = [SANDBOX, ZYGOTE, WASM, HOST, ATTACKS];

/// Modules of one crate do not import each other in circles.
#[test]
fn imports_of_modules_are_no_circles() {
    for source in CRATES {
        let imports = source.imports();
        let edges: usize = imports.values().map(BTreeSet::len).sum();
        assert!(
            edges > 4,
            "{source:?}: the reader of `use` lines finds nothing: {imports:?}"
        );
        if let Some(circle) = circle(&imports) {
            panic!("{source:?}: {}", circle.join(" → "));
        }
    }
}

#[test]
fn a_circle_is_found() {
    let imports = |edges: &[(&str, &str)]| {
        let mut imports: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (from, to) in edges {
            imports
                .entry((*from).into())
                .or_default()
                .insert((*to).into());
        }
        imports
    };
    assert_eq!(
        circle(&imports(&[("a", "b"), ("a", "c"), ("b", "c")])),
        None
    );
    let found = circle(&imports(&[("a", "b"), ("b", "c"), ("c", "b")]));
    assert_eq!(found.unwrap().join(" "), "b c b");
}

/// A path of imports that comes back to where it began.
fn circle(imports: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    fn visit(
        module: &str,
        imports: &BTreeMap<String, BTreeSet<String>>,
        path: &mut Vec<String>,
        done: &mut BTreeSet<String>,
    ) -> Option<Vec<String>> {
        if let Some(begin) = path.iter().position(|known| known == module) {
            let circle = path[begin..].iter().cloned();
            return Some(circle.chain([module.to_owned()]).collect());
        }
        if done.contains(module) {
            return None;
        }
        path.push(module.to_owned());
        for next in imports.get(module).into_iter().flatten() {
            if let Some(circle) = visit(next, imports, path, done) {
                return Some(circle);
            }
        }
        path.pop();
        done.insert(module.to_owned());
        None
    }
    let (mut path, mut done) = (Vec::new(), BTreeSet::new());
    let mut modules = imports.keys();
    modules.find_map(|module| visit(module, imports, &mut path, &mut done))
}

/// In the crates that run among hostile code, and in the host, the layers point down only.
#[test]
fn layers_point_down_only() {
    let forbidden: [(Crate, &str, &[&str]); 12] = [
        (
            SANDBOX,
            "profile",
            &["policy", "enforce", "sys", "kernel", "scratch"],
        ),
        (
            SANDBOX,
            "names",
            &["profile", "policy", "enforce", "sys", "kernel", "scratch"],
        ),
        (
            SANDBOX,
            "enforce",
            &["profile", "policy", "kernel", "scratch", "names"],
        ),
        (
            SANDBOX,
            "sys",
            &["profile", "policy", "enforce", "kernel", "scratch", "names"],
        ),
        (
            ZYGOTE,
            "wire",
            &[
                "worker",
                "zygote",
                "undertaker",
                "guard",
                "launch",
                "runtime",
            ],
        ),
        (
            ZYGOTE,
            "worker",
            &["zygote", "undertaker", "guard", "launch", "runtime"],
        ),
        (ZYGOTE, "zygote", &["runtime", "launch", "guard"]),
        (
            HOST,
            "function",
            &["pool", "http", "cli", "services", "reload", "telemetry"],
        ),
        (
            HOST,
            "pool",
            &["http", "cli", "services", "reload", "verify"],
        ),
        (
            HOST,
            "telemetry",
            &["pool", "http", "cli", "services", "reload"],
        ),
        (HOST, "http", &["cli", "reload", "verify"]),
        (HOST, "verify", &["cli", "http", "services", "reload"]),
    ];
    for (source, module, others) in forbidden {
        let imports = source.imports();
        for other in others {
            let known = imports
                .get(module)
                .is_some_and(|known| known.contains(*other));
            assert!(!known, "{source:?}: {module} must not know {other}");
        }
    }
}

/// Only these know what is dangerous, large or a matter of syntax.
#[test]
fn what_is_confined_stays_where_it_is() {
    let confined: [(&str, &[&str]); 5] = [
        (
            "unsafe {",
            &[
                "sandbox/src/sys/",
                "function-host/zygote/src/runtime/python/ffi.rs",
                "function-host/wasm/src/artefact.rs",
                // Attackers make raw system calls; none of it runs in a host that serves.
                "function-host/attacks/src/memory.rs",
                "function-host/attacks/src/program.rs",
                "function-host/attacks/src/sandbox.rs",
                "function-host/attacks/src/trap.rs",
                "function-host/attacks/src/verbs.rs",
            ],
        ),
        ("wasmtime::", &["function-host/wasm/src/"]),
        ("serde_saphyr", &["sandbox/src/profile/yaml.rs"]),
        ("postcard::", &["function-host/zygote/src/wire/"]),
        ("hyper::server", &["function-host/src/http/"]),
    ];
    for (word, places) in confined {
        let mut seen = false;
        for file in CRATES.iter().flat_map(Crate::files) {
            let allowed = places.iter().any(|place| file.path.starts_with(place));
            let used = file.code.contains(word);
            assert!(allowed || !used, "{} must not hold `{word}`", file.path);
            seen |= used;
        }
        assert!(
            seen || word == "hyper::server",
            "`{word}` is nowhere: is this test still true?"
        );
    }
}

/// What runs among hostile code brings no event loop, HTTP or compiler with it.
#[test]
fn the_sandboxed_side_depends_on_little() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let packages = source::dependencies(&lock);
    for package in ["leasehold-sandbox", "leasehold-zygote"] {
        let all = source::closure(&packages, package);
        assert!(
            all.contains("landlock"),
            "{package}: the lock file is read wrongly: {all:?}"
        );
        for heavy in ["tokio", "hyper", "wasmtime", "tracing-subscriber", "clap"] {
            assert!(!all.contains(heavy), "{package} depends on {heavy}");
        }
    }
    assert!(source::closure(&packages, "leasehold").contains("tokio"));
}

/// Each claim of SECURITY.md names its tests, and they exist.
#[test]
fn claims_name_their_tests() {
    let text = fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let claims = text.split("## What is claimed").nth(1).unwrap();
    let claims = claims.split("\n## ").next().unwrap();
    let rows = claims
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| -"));
    let mut counted = 0;
    for row in rows.skip(1) {
        let cells: Vec<_> = row.trim_matches('|').split('|').collect();
        assert_eq!(cells.len(), 3, "a claim, a mechanism, its tests: {row}");
        let tests: Vec<_> = cells[2].split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "no test: {row}");
        for test in tests {
            assert!(is_test(test), "there is no test `{test}`: {row}");
            counted += 1;
        }
    }
    assert!(counted > 20, "{counted} tests are named");
    assert!(!is_test("burial::no_such_test") && !is_test("no_such_file"));
}

/// Whether `file::name`, `escapes::file::name` or one of these without the name is there.
fn is_test(id: &str) -> bool {
    let mut parts: Vec<_> = id.split("::").collect();
    let mut directory = "tests".to_owned();
    if parts[0] == "escapes" {
        directory = "function-host/attacks/tests/escapes".to_owned();
        parts.remove(0);
    } else if ["sandbox", "zygote"].contains(&parts[0]) {
        directory = if parts[0] == "sandbox" {
            SANDBOX.path
        } else {
            ZYGOTE.path
        }
        .to_owned();
        parts.remove(0);
    }
    let name = if parts.len() > 1 { parts.pop() } else { None };
    let base = root().join(&directory).join(parts.join("/"));
    let mut files = vec![base.with_extension("rs")];
    if directory.starts_with("function-host/attacks") {
        // Most attacks are tests by their table.
        let tables = root().join(ATTACKS.path).join("tables");
        files.push(tables.join(parts.join("/")).with_extension("rs"));
    }
    files.extend(
        fs::read_dir(base)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path()),
    );
    let mut texts = files
        .iter()
        .filter_map(|file| fs::read_to_string(file).ok());
    match name {
        None => texts.next().is_some(),
        Some(name) => texts.any(|text| {
            let mut words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            words.any(|word| word == name)
        }),
    }
}

/// Files stay short enough to be one concept each.
#[test]
fn files_are_short() {
    const MOST: usize = 400;
    // A table of the kernel's numbers, a row a call.
    const TABLES: [&str; 1] = ["sandbox/src/names/syscalls.rs"];
    let long: Vec<String> = CRATES
        .iter()
        .flat_map(Crate::files)
        .filter(|file| !TABLES.contains(&file.path.as_str()))
        .filter_map(|File { path, code }| {
            let lines = code.lines().count();
            (lines > MOST).then(|| format!("{path}: {lines} lines"))
        })
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}
