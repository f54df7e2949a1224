//! Verdicts, held against what really happens to a call.

use super::*;

/// Does what a question asks about, and says how it ended: `ok`, or an error's name.
const ACTOR: &str = r#"
import ctypes, errno, json, os, socket

libc = ctypes.CDLL(None, use_errno=True)
NUMBERS = {"getpid": 39, "mbind": 237, "unshare": 272, "chmod": 90, "inotify_init": 253, "io_setup": 206,
           "clone3": 435, "memfd_create": 319, "fork": 57, "personality": 135, "socket": 41}

def outcome(act):
    try:
        act()
        return "ok"
    except OSError as error:
        return errno.errorcode[error.errno]

def call(text):
    name, _, args = text.partition("(")
    args = [int(arg, 0) for arg in args.rstrip(")").split(",") if arg]
    ctypes.set_errno(0)
    libc.syscall.restype = ctypes.c_long
    if libc.syscall(ctypes.c_long(NUMBERS[name]), *map(ctypes.c_ulong, args)) == -1:
        raise OSError(ctypes.get_errno(), "")

def connect(kind, port):
    with socket.socket() as end:
        if kind == "connect":
            end.connect(("127.0.0.1", port))
        else:
            end.bind(("127.0.0.1", port))

def handle(event, context):
    told = {}
    for question in json.loads(event["data"]):
        kind, _, what = question.partition(":")
        if kind == "read" and os.path.isdir(what):
            told[question] = outcome(lambda: os.listdir(what))
        elif kind == "read":
            told[question] = outcome(lambda: open(what).close())
        elif kind == "write":
            told[question] = outcome(lambda: open(what, "a").close())
        elif kind in ("connect", "listen"):
            told[question] = outcome(lambda: connect(kind, int(what)))
        else:
            told[question] = outcome(lambda: call(what))
    return told
"#;

#[test]
fn verdicts_are_what_the_kernel_does() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path().to_str().unwrap();
    std::fs::set_permissions(root, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    for directory in ["read", "write", "closed"] {
        std::fs::create_dir(place.path().join(directory)).unwrap();
        std::fs::write(place.path().join(directory).join("file"), "").unwrap();
    }
    std::os::unix::fs::symlink("closed", place.path().join("read-link")).unwrap();
    std::os::unix::fs::symlink("../read/file", place.path().join("closed/link")).unwrap();
    let open = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = open.local_addr().unwrap().port();
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let shut = other.local_addr().unwrap().port();
    let directory = profiles(&[(
        "actor",
        &format!(
            "  extends: [python]\n  read: [{{path: {root}/read, why: r}}, {{path: {root}/read-link/file, why: \
             one}}]\n  write: [{{path: {root}/write, why: w}}]\n  connect: [{{port: {port}, why: c}}]\n  \
             advanced: {{seccomp: [{{names: [mbind], action: errno, errno: ENOSYS, why: s}}, {{names: \
             [personality], action: allow, args: [{{index: 0, value: 0x40000}}], why: s}}]}}\n"
        ),
    )]);
    let functions = Functions::new();
    functions.python("actor", "  profile: actor\n", ACTOR);
    let profiles = directory.path().to_str().unwrap();
    let host = Host::start_with(functions.path(), &["--profiles", profiles]);

    let mut questions: Vec<String> = [
        "read:{}/read",
        "read:{}/read/file",
        "read:{}/closed/file",
        "read:{}/closed/link",
        "read:{}/read-link/file",
        "read:{}/closed",
        "read:{}",
        "read:/etc/hostname",
        "write:{}/read/file",
        "write:{}/write/file",
        "write:{}/write/new",
        "write:{}/closed/new",
        "write:/dev/null",
        "read:/usr/lib/os-release",
        "read:/etc/os-release",
    ]
    .map(|question| question.replace("{}", root))
    .to_vec();
    questions.extend([
        format!("connect:{port}"),
        format!("connect:{shut}"),
        format!("listen:{port}"),
    ]);
    let calls = [
        "getpid",
        "mbind(0,0,0,0,0,0)",
        "unshare(0)",
        "inotify_init",
        "io_setup(1,0)",
        "clone3(0,0)",
        "memfd_create(0,0)",
        "fork",
        "personality(0xffffffff)",
        "personality(0x40000)",
        "personality(0x40001)",
        "socket(2,1,0)",
        "socket(2,2,0)",
        "socket(1,1,0)",
        "socket(0x100000002,1,6)",
    ];
    questions.extend(calls.map(|call| format!("syscall:{call}")));

    let body = serde_json::to_string(&questions).unwrap();
    let told = host.call("actor", &body).json();
    let state = tempfile::tempdir_in(support::memory()).unwrap();
    let places = [
        "--functions",
        functions.path().to_str().unwrap(),
        "--profiles",
        profiles,
        "--state",
        state.path().to_str().unwrap(),
        "--function",
        "actor",
        "--json",
    ];
    let mut args = vec!["why"];
    args.extend(questions.iter().map(String::as_str));
    args.extend(places);
    let output = profile(Path::new("/"), &args);
    assert_eq!(output.status.code(), Some(1));
    let answers = json(&output);
    assert_eq!(answers.as_array().unwrap().len(), questions.len());
    for answer in answers.as_array().unwrap() {
        let question = answer["question"].as_str().unwrap();
        let verdict = answer["verdict"].as_str().unwrap();
        let expected = match told[question].as_str().unwrap() {
            "ok" => "allowed".to_owned(),
            // The port is another's: the sandbox had nothing against it, or had it first.
            error => format!("denied: {error}"),
        };
        assert_eq!(verdict, expected, "{question} {answer:#}");
    }
}

#[test]
fn the_deciding_line_is_shown() {
    let own = "  extends: [base]\n  connect: [{port: 443, why: the API}]\n";
    let directory = profiles(&[("own", own)]);
    let ask = |question: &str| {
        let output = profile(directory.path(), &["why", "./own.yaml", question]);
        (output.status.code(), out(&output))
    };
    let (code, text) = ask("connect:443");
    assert_eq!(code, Some(0));
    let expected = "connect:443: allowed\n  Landlock allows it on TCP port 443, at any address\n  \
                    ./own.yaml:6:20: the API\n      6 |   connect: [{port: 443, why: the API}]\n";
    assert_eq!(text, expected);
    let (code, text) = ask("write:/etc/shadow");
    assert_eq!(code, Some(1));
    assert!(
        text.starts_with("write:/etc/shadow: denied: EACCES\n"),
        "{text}"
    );
    assert!(
        text.contains("to allow it: write: [{path: \"/etc/shadow\", why: …}]"),
        "{text}"
    );
    let (code, text) = ask("syscall:ptrace");
    assert_eq!(code, Some(1));
    assert!(text.contains("denied: the process is killed"), "{text}");
    assert!(text.contains("leasehold: escapes"), "{text}");

    let wrong = profile(directory.path(), &["why", "base", "syscall:no_such"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("is no question"));
}
