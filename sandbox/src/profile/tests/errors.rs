use std::fmt::Write as _;
use std::os::unix::fs::symlink;

use super::*;

/// How the mistakes of these specs are shown, one after the other.
fn shown(specs: &[&str]) -> String {
    specs.iter().fold(String::new(), |mut out, spec| {
        match ProfileSource::parse(&document("p", spec), "p.yaml") {
            Ok(_) => panic!("accepted: {spec}"),
            Err(error) => writeln!(out, "{error}\n").unwrap(),
        }
        out
    })
}

/// What a directory's profile fails with, its path replaced.
fn failure(profiles: &[(&str, &str)], name: &str) -> String {
    let directory = directory(profiles);
    let error = match load(&directory, name) {
        Ok(source) => source.inherit().unwrap_err().to_string(),
        Err(error) => error.to_string(),
    };
    error.replace(directory.path().to_str().unwrap(), "DIR")
}

#[test]
fn syntax() {
    let shown = shown(&[
        "  raed: []\n",
        "  processes: 8\n",
        "  read: [{path: /x, ifExist: true}]\n",
        "  read: [{path: /x, ifExists: yes}]\n",
        "  read: [{why: code}]\n",
        "  read: []\n  read: []\n",
        "  read: [\n",
        "  read:\n",
        "  extends: base\n",
        "  read: &anchor []\n  write: *anchor\n",
        "  <<: {}\n",
        "  read: !!set []\n",
        "---\n",
        "  read: [[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]\n",
    ]);
    insta::assert_snapshot!(shown);
}

#[test]
fn entries() {
    let shown = shown(&[
        "  read:\n    - path: lib/fonts\n",
        "  read: [{path: \"\"}]\n",
        "  read: [{path: \"${FUNCTION_DIR}/../secret\"}]\n",
        "  read: [{path: \"${FUNCTION}/data\"}]\n",
        "  read: [{path: \"/srv/${SCRATCH}\"}]\n",
        "  read: [{path: \"/a\\nb\"}]\n",
        "  connect: [{port: 0}]\n",
        "  listen: [{port: 65536}]\n",
        "  listen: [{port: http}]\n",
        "  extends: [../python]\n",
        "  advanced: {landlock: [{path: /dev/dri, access: [read-file]}]}\n",
        "  advanced: {landlock: [{path: /dev/dri, access: []}]}\n",
        "  advanced: {seccomp: [{names: [], action: allow}]}\n",
        "  advanced: {seccomp: [{names: [mbnd], action: allow}]}\n",
        "  advanced: {seccomp: [{names: [mbind], action: log}]}\n",
        "  advanced: {seccomp: [{names: [mbind], action: errno}]}\n",
        "  advanced: {seccomp: [{names: [mbind], action: kill, errno: EPERM}]}\n",
        "  advanced: {seccomp: [{names: [mbind], action: errno, errno: ENOSIS}]}\n",
    ]);
    insta::assert_snapshot!(shown);
}

#[test]
fn limits() {
    let shown = shown(&[
        "  ceiling: {timeout: 30}\n",
        "  ceiling: {timeout: }\n",
        "  ceiling: {timeout: 1.0001s}\n",
        "  ceiling: {timeout: 0s}\n",
        "  ceiling: {memory: 12Mb}\n",
        "  ceiling: {memory: -1}\n",
        "  ceiling: {memory: 1.5}\n",
        "  ceiling: {memory: 99999999999999999999}\n",
        "  ceiling: {memory: 16Ei}\n",
        "  ceiling: {processes: 0}\n",
        "  ceiling: {openFiles: many}\n",
        "  ceiling: {open_files: 3}\n",
    ]);
    insta::assert_snapshot!(shown);
}

#[test]
fn heads() {
    let texts = [
        "",
        "profile",
        "kind: Profile\n",
        "apiVersion: v1\nkind: Profile\nmetadata: {name: p}\nspec: {}\n",
        "apiVersion: leasehold.dev/v1alpha1\nkind: Function\nspec: {runtime: exec}\n",
        "apiVersion: leasehold.dev/v1alpha1\nkind: Profile\nmetadata: {name: P_1}\nspec: {}\n",
        "apiVersion: leasehold.dev/v1alpha1\nkind: Profile\nmetadata: {name: p}\n",
    ];
    let shown = texts.iter().fold(String::new(), |mut out, text| {
        writeln!(
            out,
            "{}\n",
            ProfileSource::parse(text, "p.yaml").unwrap_err()
        )
        .unwrap();
        out
    });
    insta::assert_snapshot!(shown);
}

#[test]
fn hostile_text_is_shown_harmlessly() {
    let long = format!("  read: [{{path: \"{}x\"}}]\n", "/..".repeat(400));
    let shown = shown(&[
        "  \"\\e[2J\\u202egpj\": []\n",
        "  read: [{path: \"\u{202e}/etc\"}]\n",
        "\t\u{1b}[31m: []\n",
        &long,
    ]);
    insta::assert_snapshot!(shown);
}

#[test]
fn inheritance() {
    let other = "  advanced: {seccomp: [{names: [mbind], action: allow}]}\n";
    let mine = "  extends: [b]\n  advanced: {seccomp: [{names: [mbind], action: kill}]}\n";
    let shown = [
        failure(&[("a", "  extends: [pyhton]\n")], "a"),
        failure(
            &[
                ("a", "  extends: [b]\n"),
                ("b", "  extends: [c, a]\n"),
                ("c", "  read: []\n"),
            ],
            "a",
        ),
        failure(&[("a", "  extends: [a]\n")], "a"),
        failure(&[("a", "  run: [{path: /bin/sh}]\n")], "a"),
        failure(
            &[("a", "  extends: [shell]\n  ceiling: {processes: 1}\n")],
            "a",
        ),
        failure(&[("a", mine), ("b", other)], "a"),
        failure(&[("a", "  extends: [b]\n"), ("b", "  raed: []\n")], "a"),
        failure(&[], "shel"),
        failure(&[], "../etc/passwd"),
    ]
    .join("\n\n");
    insta::assert_snapshot!(shown);
}

#[test]
fn depth_and_number_are_bounded() {
    let names: Vec<String> = (0..100).map(|number| format!("p{number}")).collect();
    let chain = |length: usize| {
        let specs = (0..length).map(|at| match at + 1 == length {
            true => "  read: []\n".to_owned(),
            false => format!("  extends: [p{}]\n", at + 1),
        });
        let specs: Vec<String> = specs.collect();
        directory(
            &names
                .iter()
                .map(String::as_str)
                .zip(specs.iter().map(String::as_str))
                .collect::<Vec<_>>(),
        )
    };
    assert!(load(&chain(MAX_DEPTH), "p0").unwrap().inherit().is_ok());
    let deep = load(&chain(MAX_DEPTH + 1), "p0").unwrap().inherit();
    assert!(matches!(deep, Err(InheritError::TooDeep(_))), "{deep:?}");
    assert!(load(&chain(MAX_PROFILES), "p0").is_ok());
    let many = load(&chain(MAX_PROFILES + 1), "p0");
    assert!(matches!(many, Err(LoadError::TooMany { .. })), "{many:?}");
}

#[test]
fn a_chain_is_measured_by_its_longest_way() {
    // p0 extends the end of the chain first, so that the walk has been there when it is deepest.
    let specs: Vec<(String, String)> = (0..20)
        .map(|at| match at {
            0 => ("p0".into(), "  extends: [p10, p1]\n".into()),
            19 => ("p19".into(), "  read: []\n".into()),
            at => (format!("p{at}"), format!("  extends: [p{}]\n", at + 1)),
        })
        .collect();
    let specs: Vec<(&str, &str)> = specs
        .iter()
        .map(|(n, s)| (n.as_str(), s.as_str()))
        .collect();
    let deep = load(&directory(&specs), "p0").unwrap().inherit();
    assert!(matches!(deep, Err(InheritError::TooDeep(_))), "{deep:?}");
}

#[test]
fn files_that_are_no_documents_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(format!("{name}.yaml"));
    std::fs::create_dir(path("directory")).unwrap();
    symlink("/dev/zero", path("device")).unwrap();
    nix::unistd::mkfifo(&path("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    std::fs::write(path("large"), vec![b'#'; MAX_DOCUMENT + 1]).unwrap();
    std::fs::write(path("binary"), b"a: \xff").unwrap();
    write(directory.path(), "other", &document("name", "  read: []\n"));
    symlink("here.yaml", path("link")).unwrap();
    std::fs::write(path("here"), document("link", "  read: []\n")).unwrap();

    let refused = |name: &str| load(&directory, name).unwrap_err();
    let not_regular = |e: LoadError| matches!(e, LoadError::Read(ReadError::NotRegular { .. }));
    assert!(not_regular(refused("directory")));
    assert!(not_regular(refused("device")));
    assert!(not_regular(refused("pipe")));
    assert!(matches!(
        refused("large"),
        LoadError::Read(ReadError::TooLarge { .. })
    ));
    let offset = |e: LoadError| matches!(e, LoadError::Read(ReadError::NotUtf8 { offset: 3, .. }));
    assert!(offset(refused("binary")));
    let LoadError::Source(error) = refused("other") else {
        panic!("misnamed, yet accepted")
    };
    assert_eq!((error.span.line, error.span.column), (3, 18));
    assert_eq!(error.message, "the profile `other` calls itself `name`");
    assert!(
        load(&directory, "link").is_ok(),
        "ConfigMaps are mounted as links"
    );
}

#[test]
fn all_mistakes_of_a_file_are_told_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let spec = "  raed: []\n  read:\n    - path: lib\n    - {path: /x, ifExist: true}\n    - /usr\n  \
                connect: [{port: http}, {prot: 1}]\n  ceiling: {timeout: 30, memory: [], procs: 3}\n  \
                advanced:\n    seccomp: [{names: [opnat2, ptrac], action: alow}, \
                {names: [], action: errno}]\n    landlock: {}\n  extends: [base, Python]\n";
    write(directory.path(), "p", &document("q", spec));
    let path = directory.path().join("p.yaml");
    let Err(OpenError::Mistakes(mistakes)) = ProfileSource::open(&Catalog::default(), &path) else {
        panic!("accepted")
    };
    let shown: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    let shown = shown.join("\n\n");
    insta::assert_snapshot!(shown.replace(directory.path().to_str().unwrap(), "DIR"));
}

#[test]
fn mistakes_are_bounded() {
    let spec = format!("  read: [{}]\n", "{path: x},".repeat(5000));
    let directory = directory(&[("p", &spec)]);
    let opened = ProfileSource::open(&Catalog::default(), &directory.path().join("p.yaml"));
    let Err(OpenError::Mistakes(mistakes)) = opened else {
        panic!("accepted")
    };
    assert_eq!(mistakes.len(), 100);
}
