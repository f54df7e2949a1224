//! Folders that are swapped as a whole, while calls come without a pause.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::support::{Functions, Host};
use crate::{RETIRED, SWITCHED, zygote};

/// A folder as Kubernetes mounts it: links into a directory that is swapped as a whole.
pub(crate) struct ConfigMap<'a>(pub(crate) &'a Path);

impl ConfigMap<'_> {
    pub(crate) fn swap(&self, version: u64, files: &[(&str, &str)]) {
        let new = format!("..{version}");
        fs::create_dir_all(self.0.join(&new)).unwrap();
        for (name, content) in files {
            fs::write(self.0.join(&new).join(name), content).unwrap();
            let link = self.0.join(name);
            if link.symlink_metadata().is_err() {
                symlink(format!("..data/{name}"), link).unwrap();
            }
        }
        let data = self.0.join("..data");
        let old = data.read_link().ok();
        symlink(new, self.0.join("..data_tmp")).unwrap();
        fs::rename(self.0.join("..data_tmp"), data).unwrap();
        if let Some(old) = old {
            fs::remove_dir_all(self.0.join(old)).unwrap();
        }
    }

    /// A function whose reply is its version, from two files.
    fn version(&self, version: u64) {
        let number = version.to_string();
        let yaml = "apiVersion: leasehold.dev/v1alpha1\nkind: Function\nmetadata: {name: f}\nspec:\n  \
                    runtime: python\n  handler: handler.handle\n  profile: python\n  pool: 4\n";
        let code = "import first, second\ndef handle(event, context):\n    \
                    return first.VERSION + ' ' + second.VERSION\n";
        let module = format!("VERSION = {number:?}\n");
        self.swap(
            version,
            &[
                ("function.yaml", yaml),
                ("handler.py", code),
                ("first.py", &module),
                ("second.py", &module),
            ],
        );
    }
}

/// Calls until it is told to stop; every reply is a whole version, and no older than what was
/// announced before the call, nor than the reply before it.
fn client(base: &str, announced: &AtomicU64, stop: &AtomicBool) -> u64 {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(60)))
        .build()
        .into();
    let (mut calls, mut newest) = (0, 0);
    while !stop.load(Ordering::SeqCst) {
        newest = newest.max(announced.load(Ordering::SeqCst));
        let response = agent.post(format!("{base}/function/f")).send("");
        let mut response = response.unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        assert_eq!(response.status(), 200, "{text}");
        let (first, second) = text.split_once(' ').unwrap();
        assert_eq!(first, second, "half a version");
        let version: u64 = first.parse().unwrap();
        assert!(version >= newest, "{version} after {newest}");
        newest = version;
        calls += 1;
    }
    calls
}

#[test]
fn a_reload_under_load_fails_no_call_and_shows_no_half_version() {
    const VERSIONS: u64 = 10;
    let functions = Functions::new();
    let folder = functions.path().join("f");
    fs::create_dir(&folder).unwrap();
    let map = ConfigMap(&folder);
    map.version(0);
    let host = Host::start(functions.path());
    let (announced, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let calls: u64 = std::thread::scope(|scope| {
        let client = || client(&host.base, &announced, &stop);
        let clients: Vec<_> = (0..8).map(|_| scope.spawn(client)).collect();
        for version in 1..=VERSIONS {
            map.version(version);
            let times = usize::try_from(version).unwrap();
            host.wait_for(times, &[SWITCHED]);
            announced.store(version, Ordering::SeqCst);
        }
        stop.store(true, Ordering::SeqCst);
        clients.into_iter().map(|it| it.join().unwrap()).sum()
    });
    assert!(calls > VERSIONS, "{calls}");
    eprintln!("{calls} calls over {VERSIONS} swaps");
    let times = usize::try_from(VERSIONS).unwrap();
    host.wait_for(times, &[RETIRED]);
    let ready = host.wait_for(times + 1, &["\"ready\""]);
    for old in 0..times {
        let pid = zygote(&ready, "f", old);
        assert!(
            !Path::new(&format!("/proc/{pid}")).exists(),
            "{pid} is left"
        );
    }
    let scratches = fs::read_dir(host.state.join("scratch")).unwrap();
    assert_eq!(scratches.count(), 1);
    assert_eq!(host.call("f", "").text(), "10 10");
    assert!(host.stop().success());
}
