//! Attacks by Python handlers and by what they import: what a call leaves in an interpreter, what an
//! import leaves to all calls, and the witness among the examples, which looks everywhere.

use std::collections::BTreeMap;
use std::fs;

use leasehold_attacks::attack::Profile;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;

use super::Verifier;
use super::functions::{MODULES, WITNESS};
use super::report::{Control, Finding, Findings, Form, Layer, Mode, Verdict};
use super::target::Target;
use crate::pool::Outcome;

/// What is planted by one call and looked for by the next: row, name in attack.py, what it shows.
const PLANTED: [(u8, &str, &str); 8] = [
    (
        18,
        "flags",
        "flags of the standard streams are not the next call's",
    ),
    (46, "alarm", "a timer does not run on into the next call"),
    (47, "umask", "the umask is not the next call's"),
    (
        47,
        "directory",
        "the working directory is not the next call's",
    ),
    (47, "limit", "resource limits are not the next call's"),
    (73, "random", "the next call draws other random numbers"),
    (
        79,
        "descriptor",
        "a descriptor of the import has no offset to share",
    ),
    (81, "global", "what a call changes never reaches the zygote"),
];

/// Replies that must not be passed on: the name in attack.py, what it shows.
const FORGED: [(&str, &str); 4] = [
    ("splitting", "a header's value cannot begin another header"),
    ("name", "a header's name cannot end its line"),
    ("status", "a status is one"),
    ("interim", "a reply is not an interim one"),
];

/// The channels of the witness.
const WITNESSED: [(&str, u8, Layer); 20] = [
    ("file:cwd", 1, Layer::Scratch),
    ("file:tmpdir", 1, Layer::Scratch),
    ("file:beside-tmpdir", 1, Layer::Landlock),
    ("file:/tmp", 1, Layer::Landlock),
    ("file:/var/tmp", 1, Layer::Landlock),
    ("file:/dev/shm", 1, Layer::Landlock),
    ("posix:shm", 1, Layer::Landlock),
    ("posix:mqueue", 13, Layer::Seccomp),
    ("process:daemon", 41, Layer::Burial),
    ("sysv:shm", 48, Layer::Seccomp),
    ("sysv:msg", 49, Layer::Seccomp),
    ("sysv:sem", 49, Layer::Seccomp),
    ("socket:abstract", 50, Layer::Seccomp),
    ("socket:tcp", 52, Layer::Seccomp),
    ("memory:environ", 47, Layer::Host),
    ("memory:umask", 47, Layer::Host),
    ("memory:signal", 47, Layer::Host),
    ("memory:descriptor", 79, Layer::Host),
    ("memory:thread", 80, Layer::Host),
    ("memory:global", 81, Layer::Host),
];

#[derive(Debug, Deserialize)]
struct Look {
    seen: Option<String>,
    refused: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Witness {
    found: Vec<String>,
    refused: BTreeMap<String, String>,
}

/// What is compared, with and without the sandbox.
struct Both<T> {
    outside: Result<T, String>,
    inside: Result<T, String>,
}

impl Verifier<'_> {
    /// Runs all of them under this profile.
    pub(super) async fn python(&self, profile: &str, findings: &mut Findings) {
        self.planted(profile, findings).await;
        self.imports(profile, findings).await;
        if WITNESSED.iter().any(|&(_, row, _)| self.wants(row)) {
            self.witness(profile, findings).await;
        }
    }

    async fn planted(&self, profile: &str, findings: &mut Findings) {
        let rows = PLANTED.iter().map(|(row, ..)| *row);
        if !rows.chain([21, 76]).any(|row| self.wants(row)) {
            return;
        }
        let inside = self.handler("attack", "call", profile, Profile::Base).await;
        let outside = self.handler("attack", "none", profile, Profile::Base).await;
        for (row, name, shows) in PLANTED.into_iter().filter(|&(row, ..)| self.wants(row)) {
            let both = Both {
                outside: match name {
                    "random" => alone(&outside, name).await,
                    name => pair(&outside, name).await,
                },
                inside: pair(&inside, name).await,
            };
            let finding = both.finding(row, shows, Mode::Sequential, Layer::Host);
            findings.add(profile, finding);
        }
        if self.wants(21) {
            let both = Both {
                outside: pair(&outside, "layout").await,
                inside: pair(&inside, "layout").await,
            };
            let mut finding = both.finding(
                21,
                "two calls have one layout",
                Mode::Sequential,
                Layer::Host,
            );
            if finding.verdict == Verdict::Leaked {
                finding.verdict = Verdict::Residual;
                finding.evidence = Some("equal addresses and hashes".to_owned());
            }
            findings.add(profile, finding);
        }
        if self.wants(76) {
            for (name, shows) in FORGED {
                findings.add(profile, forged(&inside, name, shows).await);
            }
        }
        for target in [inside, outside].into_iter().flatten() {
            target.close().await;
        }
    }

    /// Functions whose import attacks: a refused one has no worker.
    async fn imports(&self, profile: &str, findings: &mut Findings) {
        let all = [
            (
                20,
                "shared",
                "a page that all calls could write refuses the function",
                Layer::Host,
            ),
            (
                88,
                "lurker",
                "an import that reads memory is killed",
                Layer::Seccomp,
            ),
        ];
        for (row, module, shows, layer) in all {
            if !self.wants(row) {
                continue;
            }
            let outside = started(self.handler(module, "none", profile, Profile::Base).await).await;
            let inside = started(self.handler(module, "call", profile, Profile::Base).await).await;
            let both = Both { outside, inside };
            findings.add(profile, both.finding(row, shows, Mode::Zygote, layer));
        }
        if self.wants(80) {
            let outside = self.child("none", profile).await;
            let inside = self.child("call", profile).await;
            let both = Both { outside, inside };
            let shows = "a child of the import does not see the calls";
            findings.add(
                profile,
                both.finding(80, shows, Mode::Zygote, Layer::Burial),
            );
        }
    }

    /// Whether a child that the import has left lives while calls are made.
    async fn child(&self, isolation: &str, profile: &str) -> Result<Look, String> {
        let target = self
            .handler("child", isolation, profile, Profile::Forking)
            .await?;
        let said = target.call("").await;
        let text = said.map(|ended| ended.text).unwrap_or_default();
        let look = match text.trim().parse::<i32>() {
            Err(_) => Ok(Look {
                seen: None,
                refused: Some(text.trim().to_owned()),
            }),
            Ok(pid) => {
                let lives = fs::read_to_string(format!("/proc/{pid}/stat"))
                    .is_ok_and(|stat| !stat.contains(") Z "));
                // Only a control leaves one.
                let _gone = kill(Pid::from_raw(pid), Signal::SIGKILL);
                Ok(Look {
                    seen: lives.then(|| "alive".to_owned()),
                    refused: Some("gone".to_owned()),
                })
            }
        };
        target.close().await;
        look
    }

    async fn witness(&self, profile: &str, findings: &mut Findings) {
        let outside = self
            .handler("witness", "none", profile, Profile::Base)
            .await;
        let inside = self
            .handler("witness", "call", profile, Profile::Base)
            .await;
        let key = format!("verify-{}", std::process::id());
        let both = Both {
            outside: witnessed(&outside, &key).await,
            inside: witnessed(&inside, &format!("{key}-in")).await,
        };
        for (channel, row, layer) in WITNESSED {
            if !self.wants(row) {
                continue;
            }
            let look = |witness: &Witness| Look {
                seen: witness
                    .found
                    .iter()
                    .any(|name| name == channel)
                    .then(|| "found".to_owned()),
                refused: witness.refused.get(channel).cloned(),
            };
            let both = Both {
                outside: both.outside.as_ref().map(look).map_err(Clone::clone),
                inside: both.inside.as_ref().map(look).map_err(Clone::clone),
            };
            let shows = format!("the witness finds nothing: {channel}");
            findings.add(profile, both.finding(row, &shows, Mode::Sequential, layer));
        }
        for target in [inside, outside].into_iter().flatten() {
            target.close().await;
        }
    }

    async fn handler(
        &self,
        module: &str,
        isolation: &str,
        profile: &str,
        more: Profile,
    ) -> Result<Target, String> {
        let known = MODULES.iter().find(|(name, _)| *name == module);
        let text = known.map_or(WITNESS, |(_, text)| text);
        let function = self
            .functions
            .python(module, text, isolation, profile, more)?;
        let function = function.ok_or("no interpreter")?;
        Target::start(self.host, function).await
    }
}

impl Both<Look> {
    fn finding(&self, row: u8, name: &str, mode: Mode, layer: Layer) -> Finding {
        let control = match &self.outside {
            Ok(Look { seen: Some(_), .. }) => Ok(()),
            Ok(Look { refused, .. }) => Err(format!(
                "it is so without isolation too{}",
                refused
                    .as_ref()
                    .map(|why| format!(": {why}"))
                    .unwrap_or_default()
            )),
            Err(why) => Err(format!("no control: {why}")),
        };
        let (verdict, evidence, trouble) = match &self.inside {
            Ok(Look {
                seen: Some(seen), ..
            }) => (Verdict::Leaked, Some(seen.clone()), None),
            Ok(Look { refused, .. }) => {
                let evidence = refused.clone().unwrap_or_else(|| "absent".to_owned());
                (Verdict::Stopped, Some(evidence), None)
            }
            Err(why) => (Verdict::NotRun, None, Some(why.clone())),
        };
        let layer = match evidence.as_deref() {
            Some("EACCES") => Layer::Landlock,
            Some("EPERM" | "ENOSYS") => Layer::Seccomp,
            _ => layer,
        };
        Finding {
            row,
            name: name.to_owned(),
            form: Form::Python,
            mode,
            control: match control {
                Ok(()) => Control::Succeeds,
                Err(_) => Control::Impossible,
            },
            reason: trouble.or(control.err()),
            layer: (verdict == Verdict::Stopped).then_some(layer),
            verdict,
            evidence,
        }
    }
}

async fn ask(target: &Result<Target, String>, words: &str) -> Result<Look, String> {
    let ended = target.as_ref().map_err(Clone::clone)?.call(words).await?;
    serde_json::from_str(&ended.text).map_err(|_| ended.outcome.to_string())
}

/// Plants and looks. Where both give a value, it counts as seen if it is the same.
async fn pair(target: &Result<Target, String>, name: &str) -> Result<Look, String> {
    let planted = ask(target, &format!("plant {name}")).await?;
    let look = ask(target, &format!("look {name}")).await?;
    Ok(match (planted.seen, look.seen) {
        (Some(one), Some(other)) if one != other => Look {
            seen: None,
            refused: Some("another".to_owned()),
        },
        (_, seen) => Look {
            seen,
            refused: look.refused.or(planted.refused),
        },
    })
}

async fn alone(target: &Result<Target, String>, name: &str) -> Result<Look, String> {
    ask(target, &format!("alone {name}")).await
}

/// Whether a function started: seen if it did.
async fn started(target: Result<Target, String>) -> Result<Look, String> {
    match target {
        Ok(target) => {
            target.close().await;
            Ok(Look {
                seen: Some("it was served".to_owned()),
                refused: None,
            })
        }
        Err(why) => Ok(Look {
            seen: None,
            refused: Some(why),
        }),
    }
}

/// Looks, plants, and looks again.
async fn witnessed(target: &Result<Target, String>, key: &str) -> Result<Witness, String> {
    let target = target.as_ref().map_err(Clone::clone)?;
    let query = format!("key={key}");
    let _first = target.ask(&query, "").await?;
    let second = target.ask(&query, "").await?;
    let _swept = target.ask(&format!("{query}&sweep=1"), "").await?;
    serde_json::from_str(&second.text).map_err(|_| second.outcome.to_string())
}

/// A reply that the host must not pass on.
async fn forged(target: &Result<Target, String>, name: &str, shows: &str) -> Finding {
    let ended = match target {
        Ok(target) => target.call(&format!("forge {name}")).await,
        Err(why) => Err(why.clone()),
    };
    let inside = ended.map(|ended| match ended.outcome {
        Outcome::Replied => Look {
            seen: Some("it was passed on".to_owned()),
            refused: None,
        },
        outcome => Look {
            seen: None,
            refused: Some(outcome.to_string()),
        },
    });
    let both = Both {
        outside: Err("there is no host that does not check".to_owned()),
        inside,
    };
    both.finding(76, shows, Mode::Host, Layer::Host)
}
