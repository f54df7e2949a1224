use super::laws::EVERYTHING;
use super::*;

#[test]
fn everything_is_read_as_written() {
    let profile = ProfileSource::parse(EVERYTHING, "f")
        .unwrap()
        .inherit()
        .unwrap();
    assert_eq!(profile.read[0].path, "${FUNCTION_DIR}/a");
    assert!(profile.read[0].if_exists && !profile.write[0].if_exists);
    assert_eq!(profile.read[0].origin.to_string(), "f:6:17");
    assert_eq!(profile.connect[0].why.as_deref(), Some("job table"));
    assert_eq!(profile.listen[0].port, 8080);
    assert_eq!(profile.ceiling.cpu, Some(Millis(1500)));
    assert_eq!(profile.ceiling.limits().scratch, Limits::DEFAULT.scratch);
    assert_eq!(profile.landlock[0].access, ["read_file", "ioctl_dev"]);
    assert_eq!(
        profile.seccomp[0].action,
        SeccompAction::Errno("ENOSYS".into())
    );
}

#[test]
fn paths_have_one_spelling() {
    let spec =
        "  read: [{path: //usr//lib/}, {path: /usr/lib}, {path: /}, {path: \"${SCRATCH}/\"}]\n";
    let profile = ProfileSource::parse(&document("p", spec), "f")
        .unwrap()
        .inherit()
        .unwrap();
    let paths: Vec<&str> = profile
        .read
        .iter()
        .map(|grant| grant.path.as_str())
        .collect();
    assert_eq!(paths, ["/usr/lib", "/", "${SCRATCH}"]);
}

#[test]
fn an_unset_limit_is_not_its_default() {
    let specs = [
        ("a", "  extends: [b, c]\n"),
        ("b", "  read: []\n"),
        ("c", "  ceiling: {timeout: 5m, processes: 32}\n"),
    ];
    let profile = load(&directory(&specs), "a").unwrap().inherit().unwrap();
    let limits = profile.ceiling.limits();
    assert_eq!((limits.timeout, limits.processes), (Millis(300_000), 32));
    let asked = Ceiling {
        timeout: Some(Millis(300_001)),
        ..Ceiling::default()
    };
    let error = profile.ceiling.lower(&asked).unwrap_err();
    assert_eq!((error.field, error.allowed.as_str()), ("timeout", "5m"));
}

#[test]
fn parents_come_first_and_once() {
    let specs = [
        ("a", "  extends: [b, c]\n  read: [{path: /a}]\n"),
        (
            "b",
            "  extends: [d]\n  read: [{path: /b}, {path: /a, why: first}]\n",
        ),
        ("c", "  extends: [d]\n  read: [{path: /c}]\n"),
        ("d", "  read: [{path: /d}]\n"),
    ];
    let profile = load(&directory(&specs), "a").unwrap().inherit().unwrap();
    let paths: Vec<&str> = profile
        .read
        .iter()
        .map(|grant| grant.path.as_str())
        .collect();
    assert_eq!(paths, ["/d", "/b", "/a", "/c"]);
    assert_eq!(profile.read[2].why.as_deref(), Some("first"));
    assert!(profile.read[2].origin.file.ends_with("b.yaml"));
}

#[test]
fn quantities_are_exact_and_canonical() {
    let bytes = |text: &str| text.parse::<Bytes>().map(|bytes| bytes.to_string());
    for (text, shown) in [
        ("512Mi", "512Mi"),
        ("1.5Gi", "1536Mi"),
        ("1048576", "1Mi"),
        ("500M", "500M"),
        ("1k", "1k"),
        ("0", "0"),
        ("007", "7"),
        ("1.50k", "1500"),
        ("15.99999904632568359375Ei", "16777215Ti"),
    ] {
        assert_eq!(bytes(text).as_deref(), Ok(shown), "{text}");
    }
    for text in [
        "", "Mi", "1 Mi", "1mi", "1m", ".5Gi", "1.Gi", "1.2.3", "-1", "+1", "1e3", "0.1", "0.3Ki",
    ] {
        assert!(bytes(text).is_err(), "{text}");
    }
    let millis = |text: &str| text.parse::<Millis>().map(|millis| millis.to_string());
    for (text, shown) in [
        ("90s", "90s"),
        ("60s", "1m"),
        ("1.5s", "1500ms"),
        ("24h", "24h"),
        ("0s", "0ms"),
    ] {
        assert_eq!(millis(text).as_deref(), Ok(shown), "{text}");
    }
    for text in [
        "30",
        "1.5",
        "",
        "30S",
        "1d",
        "s",
        "0.0001s",
        "5124095576031h",
    ] {
        assert!(millis(text).is_err(), "{text}");
    }
}
