#![allow(clippy::unwrap_used)]

use super::*;
use crate::policy::explain::tests::explain;

fn ask(explanation: &Explanation, question: &str) -> Answer {
    explanation.ask(&question.parse().unwrap()).unwrap()
}

fn verdict(explanation: &Explanation, question: &str) -> String {
    ask(explanation, question).verdict.to_string()
}

#[test]
fn questions_are_read_or_explained() {
    assert_eq!("connect:443".parse(), Ok(Question::Connect(443)));
    let call = "syscall:socket(2, 0x1, -1)".parse::<Question>().unwrap();
    let args = Some(vec![2, 1, u64::MAX]);
    let name = "socket".to_owned();
    assert_eq!(call, Question::Syscall { name, args });
    for wrong in [
        "",
        "open:/x",
        "read:x",
        "connect:0",
        "connect:65536",
        "syscall:nope",
        "syscall:read(",
        "syscall:read(x)",
        "syscall:read(1,2,3,4,5,6,7)",
    ] {
        let error = wrong.parse::<Question>().unwrap_err().to_string();
        assert!(error.contains("write:PATH"), "{error}");
    }
}

#[test]
fn rights_add_up_on_the_way_and_the_line_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    std::fs::create_dir_all(root.join("a/b")).unwrap();
    std::fs::write(root.join("a/file"), "").unwrap();
    std::os::unix::fs::symlink(root.join("a"), root.join("link")).unwrap();
    let root = root.to_str().unwrap();
    let explanation = explain(&format!(
        "  read: [{{path: {root}/link, why: all of it}}]\n  advanced:\n    landlock: [{{path: \
         {root}/a/b, access: [write_file, make_reg], why: drop}}]\n"
    ));
    let at = |line: u32| move |by: &Grantor| matches!(by, Grantor::Profile { origin, .. } if origin.line == line);
    for (question, expected, line) in [
        ("read:{}/a/file", "allowed", 5),
        ("read:{}/link/file", "allowed", 5),
        ("read:{}/a", "allowed", 5),
        ("write:{}/a/file", "denied: EACCES", 0),
        ("write:{}/a/b/new", "allowed", 7),
        ("write:{}/a/new", "denied: EACCES", 0),
        ("read:{}", "denied: EACCES", 0),
        ("read:/etc/shadow", "denied: EACCES", 0),
        ("run:{}/a/file", "denied: EPERM", 0),
    ] {
        let question = question.replace("{}", root);
        let answer = ask(&explanation, &question);
        assert_eq!(answer.verdict.to_string(), expected, "{question}");
        assert_eq!(
            answer.by.iter().any(at(line)),
            line > 0,
            "{question} {:?}",
            answer.by
        );
        assert_eq!(answer.remedy.is_some(), expected != "allowed", "{question}");
    }
}

#[test]
fn calls_are_put_to_the_programs() {
    let explanation = explain("  connect: [{port: 443, why: API}]\n");
    for (question, expected) in [
        ("connect:443", "allowed"),
        ("connect:444", "denied: EACCES"),
        ("listen:443", "denied: EPERM"),
        ("syscall:ptrace", "denied: the process is killed"),
        ("syscall:fork", "denied: EPERM"),
        ("syscall:clone3", "denied: ENOSYS"),
        ("syscall:chmod", "denied: reports success without effect"),
        ("syscall:openat", "allowed"),
        ("syscall:socket", "depends on the arguments"),
        ("syscall:socket(2,1,0)", "allowed"),
        ("syscall:socket(0x100000002,1,0)", "allowed"),
        ("syscall:socket(2,2,0)", "denied: EPERM"),
        ("syscall:landlock_restrict_self", "denied: ENOSYS"),
    ] {
        assert_eq!(verdict(&explanation, question), expected, "{question}");
    }
    let fork = ask(&explanation, "syscall:fork");
    assert_eq!(fork.by[0].to_string(), "leasehold: one process");
    // No entry by name would give it back.
    assert_eq!(fork.remedy, None);
    assert!(ask(&explanation, "syscall:ptrace").remedy.is_some());
    let socket = ask(&explanation, "syscall:socket").because;
    assert!(
        socket.contains("arg0 == 0x2 and arg1 & 0xf == 0x1"),
        "{socket}"
    );
}
