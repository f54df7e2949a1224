//! Two calls at once, one of them hostile, under policies for older kernels.

use std::collections::BTreeMap;
use std::fs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

use serde_json::{Value, json};

use crate::support::gate::Gate;
use crate::support::process::{eventually, hold_marked, mark, marked};
use crate::support::{Functions, Host};

const ATTACK: &str = include_str!("attack.py");
const PROFILE: &str = "apiVersion: leasehold.dev/v1alpha1\nkind: Profile\nmetadata: {name: compute-python}\nspec: {extends: [compute, python]}\n";

/// What an attack is told in an isolated call; without isolation every answer is `ok`.
fn expected() -> BTreeMap<&'static str, String> {
    let answers = [
        ("read", "EACCES"),
        ("list", "EACCES"),
        ("commands", "EACCES"),
        ("probe", "EPERM"),
        ("probe thread", "EPERM"),
        ("probe group", "EPERM"),
        ("probe everybody", "EPERM"),
        ("probe host", "EPERM"),
        ("tcp", "EPERM"),
        ("abstract", "EPERM"),
        ("empty shared", "EACCES"),
        ("empty by openat2", "ENOSYS"),
        ("empty unread", "EACCES"),
        ("empty read", "EACCES"),
        ("empty", "EACCES"),
    ];
    answers
        .map(|(name, answer)| (name, answer.to_owned()))
        .into()
}

/// A host with a computing function as `exec` and as `python`, and one without isolation.
struct Old {
    functions: Functions,
    host: Host,
    abstract_name: String,
    _abstract: UnixListener,
}

impl Old {
    fn start(abi: u32) -> Self {
        let functions = Functions::new();
        let files = [
            ("call.py", include_str!("call.py")),
            ("attack.py", ATTACK),
            ("shared", "for all calls"),
        ];
        let exec = "  runtime: exec\n  command: [./call.py]\n  pool: 2\n";
        functions.add("compute", &format!("{exec}  profile: compute"), &files);
        functions.add(
            "open",
            &format!("{exec}  profile: compute\n  isolation: none"),
            &files,
        );
        functions.add(
            "imported",
            "  runtime: python\n  handler: handler.handle\n  profile: compute-python\n  pool: 2",
            &[
                ("handler.py", include_str!("handler.py")),
                ("attack.py", ATTACK),
                ("shared", "for all calls"),
            ],
        );
        let profiles = functions.path().join("profiles");
        fs::create_dir(&profiles).unwrap();
        fs::write(profiles.join("compute-python.yaml"), PROFILE).unwrap();
        let abi = abi.to_string();
        let profiles = profiles.to_str().unwrap();
        let options = [
            "--kernel-abi",
            &abi,
            "--profiles",
            profiles,
            "--allow-unisolated",
        ];
        let host = Host::start_with(functions.path(), &options);
        let abstract_name = mark();
        let address = SocketAddr::from_abstract_name(&abstract_name).unwrap();
        Self {
            functions,
            host,
            abstract_name,
            _abstract: UnixListener::bind_addr(&address).unwrap(),
        }
    }

    /// A call that has begun, its process and its scratch.
    fn victim(&self, call: &str) -> (Gate, u32, String) {
        let mut gate = Gate::begin(&self.host, "compute?be=victim", call);
        gate.wait(";begun");
        let text = gate.text();
        let of = |name: &str| {
            let rest = text.split_once(&format!("{name}=")).unwrap().1;
            rest.split_once(';').unwrap().0.to_owned()
        };
        (gate, of("victim").parse().unwrap(), of("scratch"))
    }

    fn world(&self, victim: u32, scratch: &str) -> Value {
        let port: u16 = self
            .host
            .address()
            .rsplit_once(':')
            .unwrap()
            .1
            .parse()
            .unwrap();
        json!({
            "victim": victim, "scratch": scratch, "host": self.host.pid(), "port": port,
            "abstract": self.abstract_name,
        })
    }

    /// What an attack of an `exec` function is told.
    fn attack(&self, function: &str, world: &Value) -> BTreeMap<String, String> {
        let fields = world.as_object().unwrap().iter();
        let fields = fields.map(|(name, value)| match value.as_str() {
            Some(text) => format!("&{name}={text}"),
            None => format!("&{name}={value}"),
        });
        let query = format!("be=hostile{}", fields.collect::<String>());
        let reply = self
            .host
            .request("GET", &format!("/function/{function}?{query}"), &[], b"");
        assert_eq!(reply.status, 200, "{}", reply.text());
        serde_json::from_slice(&reply.body).unwrap()
    }

    fn shared(&self, function: &str) -> String {
        fs::read_to_string(self.functions.path().join(function).join("shared")).unwrap()
    }
}

fn assert_answers(got: &BTreeMap<String, String>, expected: &BTreeMap<&'static str, String>) {
    let got: BTreeMap<&str, String> = got.iter().map(|(k, v)| (k.as_str(), v.clone())).collect();
    assert_eq!(&got, expected);
}

fn a_hostile_call_reaches_nobody(abi: u32) {
    let old = Old::start(abi);
    let (gate, victim, scratch) = old.victim("victim");
    let world = old.world(victim, &scratch);

    assert_answers(&old.attack("compute", &world), &expected());
    let imported = old.host.call("imported", world.to_string());
    assert_eq!(imported.status, 200, "{}", imported.text());
    let answers = serde_json::from_slice(&imported.body).unwrap();
    assert_answers(&answers, &expected());
    let told = old.host.call("imported", "{}").json();
    assert_eq!(
        told["import"],
        json!({"host": "EACCES", "everybody": "EACCES"})
    );

    let (status, text) = gate.finish().unwrap();
    assert!(status == 200 && text.contains("intact"), "{text}");
    for function in ["compute", "imported"] {
        assert_eq!(old.shared(function), "for all calls");
    }

    // The control: the same without isolation, on another victim.
    let (gate, victim, scratch) = old.victim("second");
    let answers = old.attack("open", &old.world(victim, &scratch));
    assert!(answers.values().all(|answer| answer == "ok"), "{answers:?}");
    assert_eq!(answers.len(), expected().len());
    let (_, text) = gate.finish().unwrap();
    assert!(text.contains("emptied"), "{text}");
    assert_eq!(old.shared("open"), "");
}

#[test]
fn a_hostile_call_reaches_nobody_with_landlock_abi_1() {
    a_hostile_call_reaches_nobody(1);
}

#[test]
fn a_hostile_call_reaches_nobody_with_landlock_abi_2() {
    a_hostile_call_reaches_nobody(2);
}

#[test]
fn a_hostile_call_reaches_nobody_with_landlock_abi_4() {
    a_hostile_call_reaches_nobody(4);
}

/// What the filter takes in Landlock's place, and what it leaves.
#[test]
fn calls_can_do_to_themselves_what_they_could_before() {
    for (abi, moves) in [(1, "EXDEV"), (2, "ok"), (4, "ok")] {
        let old = Old::start(abi);
        let reply = old
            .host
            .request("GET", "/function/compute?be=itself", &[], b"");
        let expected =
            format!("caught\nraise ok\nkill ok\ngroup ok\nreopen ok\nrename ok\nmove {moves}\n");
        assert_eq!(reply.text(), expected, "ABI {abi}");
    }
}

/// Below ABI 6 a call is buried by its process group, which its processes cannot leave.
#[test]
fn what_a_call_leaves_is_buried_by_group() {
    let mark = mark();
    let functions = Functions::new();
    let script = format!(
        "sh -c 'trap \"\" TERM HUP; sleep 1000 & wait' {mark} &\n\
         (sh -c 'sleep 1000; :' {mark} &)\n\
         sessions=$(setsid sh -c 'sleep 1000; :' {mark} 2>&1)\n\
         others=$(kill -9 $! 2>&1)\n\
         kill -0 0 && printf '%s; %s; own group\\n' \"$sessions\" \"$others\"\n\
         read line\n"
    );
    functions.shell("leaves", "  concurrency: 1\n  pool: 1\n", &script);
    let host = Host::start_with(functions.path(), &["--kernel-abi", "5"]);
    let mut gate = Gate::begin(&host, "leaves", "leaver");
    gate.wait("own group");
    let left = hold_marked(&mark, 2);
    let (_, text) = gate.finish().unwrap();
    assert!(
        text.contains("setsid failed: Operation not permitted"),
        "{text}"
    );
    assert!(text.contains("kill: Operation not permitted"), "{text}");
    host.burial("leaver");
    assert_eq!(left.living(), [0; 0]);
    eventually("an end of all that was marked", || marked(&mark).is_empty());
}
