use super::*;

#[test]
fn an_exec_function_with_everything() {
    let folder = folder(
        "  runtime: exec
  command: [./run.sh, --fast, '']
  profile: shell
  isolation: none
  tmp: link
  pool: 256
  limits: {timeout: 2s, processes: 4}
  env: {B: two, A: '1', _c3: ''}
",
    );
    executable(&folder.path().join("run.sh"), "#!/bin/sh\n");
    let function = load(folder.path()).unwrap();
    let directory = folder.path().canonicalize().unwrap();
    assert_eq!(function.name, "hello");
    assert_eq!(function.directory, directory);
    assert_eq!(
        (
            function.isolation,
            function.tmp,
            function.admission.pool_max
        ),
        (Isolation::None, Tmp::Link, 256)
    );
    assert_eq!(function.limits.timeout.0, 2000);
    assert_eq!(function.limits.processes, 4);
    let env = [("B", "two"), ("A", "1"), ("_c3", "")];
    assert_eq!(
        function.env,
        env.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    assert_eq!(function.profile.name, "shell");
    let program = directory.join("run.sh");
    let args = ["./run.sh", "--fast", ""].map(str::to_owned).to_vec();
    assert_eq!(
        function.runtime,
        Runtime::Exec {
            program: program.clone(),
            args,
            protocol: Protocol::Stdio,
        }
    );
    let site = function.site("/run/scratch".into(), Path::new("/secrets"));
    assert_eq!(site.function_dir, directory);
    assert_eq!(site.scratches, Path::new("/run/scratch"));
    assert_eq!((site.program, site.interpreter), (Some(program), None));
    assert!(site.python_prefix.is_empty());
}

#[test]
fn a_wasm_function_is_granted_nothing() {
    let folder = folder("  runtime: wasm\n  command: [./it.wasm, --fast]\n  profile: wasm\n");
    // It need not be executable.
    std::fs::write(folder.path().join("it.wasm"), "").unwrap();
    let function = load(folder.path()).unwrap();
    let args = ["./it.wasm", "--fast"].map(str::to_owned).to_vec();
    let module = "./it.wasm".into();
    let protocol = Protocol::Stdio;
    let runtime = Runtime::Wasm {
        module,
        args,
        protocol,
    };
    assert_eq!(function.runtime, runtime);
    let site = function.site("/run/scratch".into(), Path::new("/secrets"));
    assert_eq!((site.program, site.interpreter), (None, None));
    assert!(site.secrets.is_empty() && function.profile.read.is_empty());
}

#[test]
fn what_is_left_out_has_defaults() {
    let folder = folder("  runtime: exec\n  command: [/bin/cat]\n  profile: compute\n");
    let function = load(folder.path()).unwrap();
    assert_eq!(
        (function.isolation, function.tmp, function.admission),
        (Isolation::Call, Tmp::Auto, Admission::DEFAULT)
    );
    assert_eq!(function.limits, function.profile.ceiling.limits());
    assert!(function.env.is_empty());
    // As it is written, though /bin may be a link.
    let Runtime::Exec { program, .. } = function.runtime else {
        panic!("not exec")
    };
    assert_eq!(program, Path::new("/bin/cat"));
}

#[test]
fn a_mounted_config_map_is_a_function() {
    let folder = tempfile::tempdir().unwrap();
    let version = folder.path().join("..2024_01_01");
    fs::create_dir(&version).unwrap();
    let text = document(
        "hello",
        "  runtime: exec\n  command: [./run]\n  profile: compute\n",
    );
    fs::write(version.join(FILE_NAME), text).unwrap();
    executable(&version.join("run"), "#!/bin/sh\n");
    let link = |target: &str, name: &str| {
        std::os::unix::fs::symlink(target, folder.path().join(name)).unwrap();
    };
    link("..2024_01_01", "..data");
    link("..data/function.yaml", FILE_NAME);
    link("..data/run", "run");
    load(folder.path()).unwrap();
}

#[test]
fn the_examples_are_functions() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    for name in [
        "csv-stats",
        "echo",
        "env",
        "hello",
        "leak",
        "thumbnail",
        "wordfreq",
        "zip",
    ] {
        match load(&examples.join(name)) {
            Ok(function) => assert_eq!(function.name, name),
            Err(FunctionError::Interpreter { source, .. }) => {
                eprintln!("skipped {name}: needs a CPython: {source}");
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn admission_in_both_forms() {
    let admission = |text: &str| {
        let folder = folder(&format!(
            "  runtime: exec\n  command: [/bin/true]\n  profile: shell\n{text}"
        ));
        load(folder.path()).unwrap().admission
    };
    let default = Admission::DEFAULT;
    assert_eq!(
        admission("  pool: 3\n"),
        Admission {
            pool_min: 3,
            pool_max: 3,
            ..default
        }
    );
    assert_eq!(
        admission("  pool: {min: 1, max: 4}\n  concurrency: 2\n  queue: 0\n"),
        Admission {
            pool_min: 1,
            pool_max: 4,
            concurrency: 2,
            queue: 0
        }
    );
    assert_eq!(
        admission("  pool: {max: 1}\n"),
        Admission {
            pool_min: 1,
            pool_max: 1,
            ..default
        }
    );
    assert_eq!(admission("  pool: {min: 20}\n").pool_max, 20);
    assert_eq!(admission("  pool: 32\n").concurrency, 32);
}
