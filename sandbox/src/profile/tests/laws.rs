use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn ceiling() -> impl Strategy<Value = Ceiling> {
    let bytes = || proptest::option::of((1..9_u64).prop_map(Bytes));
    let millis = || proptest::option::of((1..9_u64).prop_map(Millis));
    let count = || proptest::option::of(1..9_u32);
    (millis(), millis(), vec(bytes(), 5), count(), count()).prop_map(
        |(timeout, cpu, bytes, processes, open_files)| Ceiling {
            threads: processes,
            scratch_files: open_files,
            timeout,
            cpu,
            memory: bytes[0],
            scratch: bytes[1],
            processes,
            open_files,
            request_body: bytes[2],
            response_body: bytes[3],
            stderr: bytes[4],
        },
    )
}

fn origin() -> impl Strategy<Value = Origin> {
    (1..9_u32).prop_map(|line| Origin {
        file: "f".into(),
        line,
        column: 1,
        length: 0,
    })
}

fn path() -> impl Strategy<Value = PathGrant> {
    let why = proptest::option::of("[a-c]");
    ("/[a-c]", any::<bool>(), why, origin()).prop_map(|(path, if_exists, why, origin)| PathGrant {
        path,
        if_exists,
        why,
        origin,
    })
}

fn port() -> impl Strategy<Value = PortGrant> {
    (1..4_u16, origin()).prop_map(|(port, origin)| PortGrant {
        port,
        why: None,
        origin,
    })
}

fn landlock() -> impl Strategy<Value = LandlockGrant> {
    (path(), vec("execute|refer", 1..3)).prop_map(|(path, access)| {
        let PathGrant {
            path,
            if_exists,
            why,
            origin,
        } = path;
        LandlockGrant {
            path,
            access,
            if_exists,
            why,
            origin,
        }
    })
}

fn seccomp() -> impl Strategy<Value = SeccompGrant> {
    let action = prop_oneof![
        Just(SeccompAction::Allow),
        Just(SeccompAction::Kill),
        Just(SeccompAction::Errno("EPERM".into())),
    ];
    (vec("mbind|bpf", 1..3), action, origin()).prop_map(|(names, action, origin)| SeccompGrant {
        names,
        action,
        args: Vec::new(),
        why: None,
        origin,
    })
}

fn gap() -> impl Strategy<Value = AcceptedGap> {
    ("tcp|udp|truncate", origin()).prop_map(|(channel, origin)| AcceptedGap { channel, origin })
}

fn profile() -> impl Strategy<Value = Profile> {
    let paths = || vec(path(), 0..4);
    let ports = || vec(port(), 0..4);
    let advanced = (vec(landlock(), 0..4), vec(seccomp(), 0..4));
    let gaps = vec(gap(), 0..3);
    (vec(paths(), 3), vec(ports(), 2), ceiling(), advanced, gaps).prop_map(
        |(mut paths, mut ports, ceiling, (landlock, seccomp), accept_gaps)| Profile {
            name: "p".into(),
            read: paths.pop().unwrap(),
            write: paths.pop().unwrap(),
            run: paths.pop().unwrap(),
            connect: ports.pop().unwrap(),
            listen: ports.pop().unwrap(),
            ceiling,
            landlock,
            seccomp,
            accept_gaps,
        },
    )
}

/// All that a profile allows, without reasons and origins.
fn allowances(profile: &Profile) -> Vec<String> {
    let paths = |kind: &'static str, grants: &[PathGrant]| -> Vec<String> {
        grants
            .iter()
            .map(|g| format!("{kind} {} {}", g.path, g.if_exists))
            .collect()
    };
    let ports = |kind: &'static str, grants: &[PortGrant]| -> Vec<String> {
        grants
            .iter()
            .map(|g| format!("{kind} {}", g.port))
            .collect()
    };
    let landlock = profile
        .landlock
        .iter()
        .map(|g| format!("{} {:?} {}", g.path, g.access, g.if_exists));
    let seccomp = profile
        .seccomp
        .iter()
        .map(|g| format!("{:?} {:?}", g.names, g.action));
    let mut all = paths("read", &profile.read);
    all.extend(paths("write", &profile.write));
    all.extend(paths("run", &profile.run));
    all.extend(ports("connect", &profile.connect));
    all.extend(ports("listen", &profile.listen));
    all.extend(landlock);
    all.extend(seccomp);
    all
}

proptest! {
    #[test]
    fn the_smaller_ceiling_is_a_semilattice(a in ceiling(), b in ceiling(), c in ceiling()) {
        let min = |x: &Ceiling, y: &Ceiling| x.clone().min(y.clone());
        prop_assert_eq!(min(&min(&a, &b), &c), min(&a, &min(&b, &c)));
        prop_assert_eq!(min(&a, &b), min(&b, &a));
        prop_assert_eq!(min(&a, &a), a.clone());
        prop_assert_eq!(min(&a, &Ceiling::default()), a);
    }

    #[test]
    fn a_function_can_only_lower(profile in ceiling(), function in ceiling()) {
        let allowed = profile.limits();
        match profile.lower(&function) {
            Ok(limits) => {
                prop_assert!(limits.timeout <= allowed.timeout && limits.cpu <= allowed.cpu);
                prop_assert!(limits.memory <= allowed.memory && limits.stderr <= allowed.stderr);
                prop_assert!(limits.processes <= allowed.processes);
                prop_assert_eq!(limits.timeout, function.timeout.unwrap_or(allowed.timeout));
            }
            Err(error) => prop_assert_ne!(error.asked, error.allowed),
        }
    }

    #[test]
    fn joining_is_associative_and_idempotent(a in profile(), b in profile(), c in profile()) {
        let join = |x: &Profile, y: &Profile| x.clone().join(y.clone());
        prop_assert_eq!(join(&join(&a, &b), &c), join(&a, &join(&b, &c)));
        let once = join(&a, &b);
        prop_assert_eq!(join(&once, &b), once.clone());
        let accept_gaps = a.accept_gaps;
        let closed = Profile { accept_gaps, ..Profile::closed("p") };
        prop_assert_eq!(join(&closed, &once), once);
    }

    #[test]
    fn accepted_gaps_are_not_joined(a in profile(), b in profile()) {
        prop_assert_eq!(a.clone().join(b).accept_gaps, a.accept_gaps);
    }

    #[test]
    fn joining_never_removes_an_allowance(a in profile(), b in profile()) {
        let both = allowances(&a.clone().join(b.clone()));
        for one in allowances(&a).iter().chain(&allowances(&b)) {
            prop_assert!(both.contains(one), "{} is lost", one);
        }
        let mut distinct = both.clone();
        distinct.sort();
        distinct.dedup();
        prop_assert_eq!(distinct.len(), both.len());
    }

    #[test]
    fn bytes_survive_the_round_trip(bytes: u64) {
        prop_assert_eq!(Bytes(bytes).to_string().parse(), Ok(Bytes(bytes)));
        prop_assert_eq!(parse_document::<Bytes>(&Bytes(bytes).to_string(), "f"), Ok(Bytes(bytes)));
    }

    #[test]
    fn millis_survive_the_round_trip(millis: u64) {
        prop_assert_eq!(Millis(millis).to_string().parse(), Ok(Millis(millis)));
        prop_assert_eq!(parse_document::<Millis>(&Millis(millis).to_string(), "f"), Ok(Millis(millis)));
    }

    #[test]
    fn no_text_makes_a_quantity_panic(text in "[0-9.]{0,50}[a-zA-Z]{0,2}|.*") {
        let _ = (text.parse::<Bytes>(), text.parse::<Millis>());
    }

    #[test]
    fn no_bytes_make_the_parser_panic(bytes in vec(any::<u8>(), 0..400)) {
        harmless(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_mutation_of_a_profile_makes_the_parser_panic(
        edits in vec((any::<prop::sample::Index>(), any::<prop::sample::Selector>()), 1..8),
    ) {
        let mut text: Vec<char> = EVERYTHING.chars().collect();
        for (at, what) in edits {
            let at = at.index(text.len());
            match what.select("\0\t\n\r :-[]{}\"'&*!|>%@`#,?~\\\u{1b}\u{202e}é09a=<\u{7f}".chars()) {
                '\0' => drop(text.remove(at)),
                '\u{7f}' => text.truncate(at + 1),
                other => text.insert(at, other),
            }
        }
        harmless(&text.into_iter().collect::<String>());
    }
}

/// Parses, and shows the error if there is one: neither may panic or print a control character.
fn harmless(text: &str) {
    let shown = match ProfileSource::parse(text, "f") {
        Ok(source) => source.inherit().err().map(|error| error.to_string()),
        Err(error) => Some(error.to_string()),
    };
    let shown = shown.unwrap_or_default();
    assert!(
        !shown.chars().any(|c| c.is_control() && c != '\n'),
        "{shown:?}"
    );
    assert!(shown.lines().count() < 9, "{shown}");
}

/// One of each kind of entry.
pub(super) const EVERYTHING: &str = r#"
apiVersion: leasehold.dev/v1alpha1
kind: Profile
metadata: {name: everything}
spec:
  read: [{path: "${FUNCTION_DIR}/a", ifExists: true, why: code}]
  write: [{path: /dev/null}]
  connect: [{port: 5432, why: job table}]
  listen:
    - port: 8080
  run: [{path: /usr/bin/ffmpeg, why: posters}]
  ceiling: {timeout: 30s, cpu: 1.5s, memory: 512Mi, processes: 8, openFiles: 256, stderr: 1Mi}
  advanced:
    landlock: [{path: /dev/dri, access: [read_file, ioctl_dev], why: decode}]
    seccomp: [{names: [mbind], action: errno, errno: ENOSYS, why: NUMA probe}]
"#;
