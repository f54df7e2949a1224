use super::*;

fn shipped(name: &str) -> Profile {
    let source = ProfileSource::load(&Catalog::default(), name).unwrap_or_else(|e| panic!("{e}"));
    source.inherit().unwrap_or_else(|e| panic!("{e}"))
}

/// Every name and text in the repository's `profiles/`.
fn files() -> Vec<(String, String)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../profiles");
    let paths = directory
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let yaml = paths.filter(|path| {
        path.extension()
            .is_some_and(|extension| extension == "yaml")
    });
    yaml.map(|path| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, read(&path).unwrap())
    })
    .collect()
}

#[test]
fn every_file_is_in_the_binary_and_inherits() {
    let mut names: Vec<String> = files().into_iter().map(|(name, _)| name).collect();
    names.sort();
    assert_eq!(names, Catalog::default().names());
    for name in names {
        assert_eq!(shipped(&name).name, name);
    }
}

#[test]
fn every_allowance_says_why() {
    for (name, text) in files() {
        let own = ProfileSource::parse(&text, &name)
            .unwrap_or_else(|e| panic!("{e}"))
            .own;
        for Granted { why, origin, .. } in own.granted() {
            assert!(why.is_some(), "{origin}: no `why`");
        }
    }
}

#[test]
fn all_stand_on_base_and_few_set_a_limit() {
    let base = shipped("base");
    for name in ["compute", "python", "shell"] {
        let profile = shipped(name);
        assert!(
            base.read.iter().all(|grant| profile.read.contains(grant)),
            "{name}"
        );
        assert_eq!(profile.write, base.write, "{name}");
    }
    let none = Ceiling::default();
    assert!(
        ["base", "compute", "python", "wasm"]
            .map(shipped)
            .iter()
            .all(|p| p.ceiling == none)
    );
    assert_eq!(
        shipped("shell").ceiling,
        Ceiling {
            processes: Some(32),
            ..none
        }
    );
}

/// Its module is read by the host.
#[test]
fn wasm_is_granted_nothing() {
    let nothing = ProfileSource::parse(&document("wasm", "  {}"), "wasm").unwrap();
    let (wasm, nothing) = (shipped("wasm"), nothing.inherit().unwrap());
    assert_eq!(format!("{wasm:?}"), format!("{nothing:?}"));
}

#[test]
fn none_grants_what_calls_could_meet_in() {
    for (name, _) in files() {
        let profile = shipped(&name);
        // Names over TCP lead to a name server, not to other calls.
        let ports: Vec<u16> = profile.connect.iter().map(|grant| grant.port).collect();
        let dns: &[u16] = if name == "network-client" { &[53] } else { &[] };
        assert_eq!(ports, dns, "{name}");
        assert!(profile.listen.is_empty(), "{name}");
        let all = profile
            .read
            .iter()
            .chain(&profile.write)
            .chain(&profile.run);
        for grant in all {
            // What fontconfig knows of the fonts; no call can write it.
            if grant.path == "/var/cache/fontconfig" {
                continue;
            }
            let below = |closed: &str| Path::new(&grant.path).starts_with(closed);
            let shared = [
                "/proc", "/tmp", "/var", "/run", "/home", "/root", "/dev/shm", "/dev/pts",
            ];
            assert!(!shared.into_iter().any(below), "{name}: {}", grant.path);
            assert!(
                !["/", "/dev", "/sys", "/etc"].contains(&grant.path.as_str()),
                "{name}"
            );
        }
    }
}

#[test]
fn a_directory_takes_precedence() {
    let directory = directory(&[("base", "  read: []\n")]);
    assert!(
        load(&directory, "base")
            .unwrap()
            .inherit()
            .unwrap()
            .read
            .is_empty()
    );
    let python = load(&directory, "python").unwrap().inherit().unwrap();
    assert!(!python.read.iter().any(|grant| grant.path == "/usr/lib"));
}

#[test]
fn the_example_of_the_documentation_is_a_profile() {
    let text = include_str!("../../../../docs/profiles.md");
    let block = text
        .split("```yaml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .unwrap();
    let profile = ProfileSource::parse(block, "docs/profiles.md").unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(profile.name(), "thumbnailer");
}

#[test]
fn the_error_of_the_documentation_is_a_true_one() {
    let page = include_str!("../../../../docs/profiles.md");
    let example = page
        .split("```yaml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .unwrap();
    let wrong = example.replace("read_file", "read-file");
    let error = ProfileSource::parse(&wrong, "profiles/thumbnailer.yaml").unwrap_err();
    assert!(page.contains(&format!("```text\n{error}\n```")), "{error}");
}
