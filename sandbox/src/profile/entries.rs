//! The entries of a profile: as YAML spells them, and the checks that make grants of them.
//!
//! After this nobody checks again: a path is absolute or begins with a variable, a port is one, every
//! right, error and system call is known by its name.
#![forbid(unsafe_code)]

use super::diagnostic::Span;
use super::path;
use super::reader::{Fields, Reader};
use super::yaml::{DNS_LABEL, Node, Spanned, instead_of, is_dns_label};
use super::{
    AcceptedGap, ArgumentCheck, ArgumentCompare, LandlockGrant, PathGrant, PortGrant, Profile,
    SeccompAction, SeccompGrant,
};
use crate::names::{channels, errno, landlock, syscalls};

const DOCUMENT: &[&str] = &["apiVersion", "kind", "metadata", "spec"];
const SPEC: &[&str] = &[
    "extends",
    "read",
    "write",
    "connect",
    "listen",
    "run",
    "ceiling",
    "advanced",
    "acceptGaps",
];
const PATH: &[&str] = &["path", "ifExists", "why"];
const PORT: &[&str] = &["port", "why"];
const LANDLOCK: &[&str] = &["path", "access", "ifExists", "why"];
const SECCOMP: &[&str] = &["names", "action", "errno", "args", "why"];
const ARGUMENT: &[&str] = &["index", "op", "value", "mask"];
const OPERATOR: &[&str] = &["eq", "ne", "lt", "le", "ge", "gt"];
const ACTION: &[&str] = &["allow", "errno", "kill"];

/// What a document says: a profile by itself, and the names of those that it extends.
pub(super) struct Written {
    pub(super) name: Spanned<String>,
    pub(super) extends: Vec<Spanned<String>>,
    pub(super) own: Profile,
}

impl Reader<'_> {
    /// Reads a whole document. Nothing only where no profile could be made of it.
    pub(super) fn profile(&mut self, document: &Spanned<Node>) -> Option<Written> {
        let document = self.fields(document, DOCUMENT)?;
        let metadata = self.required(document, "metadata");
        let name = metadata.and_then(|metadata| {
            let metadata = self.fields(metadata, &["name"])?;
            let name = self.required(metadata, "name")?;
            self.text(name)
        });
        if let Some(wrong) = name.as_ref().filter(|name| !is_dns_label(&name.value)) {
            let message = format!("`{}` is not a name", wrong.value);
            self.wrong(wrong.span, &message, Some(DNS_LABEL));
        }
        let spec = self.required(document, "spec")?;
        let spec = self.fields(spec, SPEC)?;
        let extends = self.extends(spec.get("extends"));
        let closed = Profile::closed(name.as_ref().map_or("", |name| &name.value));
        let own = Profile {
            read: self.entries(spec.get("read"), Self::path_grant),
            write: self.entries(spec.get("write"), Self::path_grant),
            run: self.entries(spec.get("run"), Self::path_grant),
            connect: self.entries(spec.get("connect"), Self::port_grant),
            listen: self.entries(spec.get("listen"), Self::port_grant),
            ceiling: self.ceiling(spec.get("ceiling")),
            accept_gaps: self.gaps(spec.get("acceptGaps")),
            ..closed
        };
        let advanced = spec.get("advanced");
        let advanced =
            advanced.and_then(|advanced| self.fields(advanced, &["landlock", "seccomp"]));
        let (landlock, seccomp) = match advanced {
            None => (Vec::new(), Vec::new()),
            Some(advanced) => (
                self.entries(advanced.get("landlock"), Self::landlock_grant),
                self.entries(advanced.get("seccomp"), Self::seccomp_grant),
            ),
        };
        Some(Written {
            name: name?,
            extends,
            own: Profile {
                landlock,
                seccomp,
                ..own
            },
        })
    }

    fn extends(&mut self, list: Option<&Spanned<Node>>) -> Vec<Spanned<String>> {
        let mut parents = Vec::new();
        for item in self.list(list) {
            let Some(parent) = self.text(item) else {
                continue;
            };
            if is_dns_label(&parent.value) {
                parents.push(parent);
            } else {
                let message = format!("`{}` is not the name of a profile", parent.value);
                self.wrong(parent.span, &message, Some(DNS_LABEL));
            }
        }
        parents
    }

    fn gaps(&mut self, list: Option<&Spanned<Node>>) -> Vec<AcceptedGap> {
        let mut gaps: Vec<AcceptedGap> = Vec::new();
        for item in self.list(list) {
            let Some(channel) = self.text(item) else {
                continue;
            };
            if !channels::ACCEPTABLE.contains(&channel.value.as_str()) {
                self.unknown("gap", &channel, &channels::ACCEPTABLE);
            } else if gaps.iter().all(|gap| gap.channel != channel.value) {
                gaps.push(AcceptedGap {
                    origin: self.origin(channel.span),
                    channel: channel.value,
                });
            }
        }
        gaps
    }

    fn entries<T>(
        &mut self,
        list: Option<&Spanned<Node>>,
        entry: impl Fn(&mut Self, &Spanned<Node>) -> Option<T>,
    ) -> Vec<T> {
        let items = self.list(list).iter();
        items.filter_map(|item| entry(self, item)).collect()
    }

    fn path_grant(&mut self, node: &Spanned<Node>) -> Option<PathGrant> {
        let fields = self.fields(node, PATH)?;
        let (if_exists, why) = (self.boolean(fields.get("ifExists")), self.why(fields));
        let (path, span) = self.path(fields)?;
        Some(PathGrant {
            path,
            if_exists,
            why,
            origin: self.origin(span),
        })
    }

    fn port_grant(&mut self, node: &Spanned<Node>) -> Option<PortGrant> {
        let fields = self.fields(node, PORT)?;
        let why = self.why(fields);
        let port = self.required(fields, "port")?;
        let number = self.number(port)?;
        match u16::try_from(number) {
            Ok(number) if number != 0 => Some(PortGrant {
                port: number,
                why,
                origin: self.origin(port.span),
            }),
            _ => {
                let message = format!("{number} is not a TCP port");
                let hint = "a port is a number from 1 to 65535";
                self.wrong(port.span, &message, Some(hint));
                None
            }
        }
    }

    fn landlock_grant(&mut self, node: &Spanned<Node>) -> Option<LandlockGrant> {
        let fields = self.fields(node, LANDLOCK)?;
        let (if_exists, why) = (self.boolean(fields.get("ifExists")), self.why(fields));
        let path = self.path(fields);
        let known: Vec<&str> = landlock::all().collect();
        let (access, _) = self.names(fields, "access", "Landlock right", &known)?;
        let (path, span) = path?;
        Some(LandlockGrant {
            path,
            access,
            if_exists,
            why,
            origin: self.origin(span),
        })
    }

    fn seccomp_grant(&mut self, node: &Spanned<Node>) -> Option<SeccompGrant> {
        let fields = self.fields(node, SECCOMP)?;
        let why = self.why(fields);
        let action = self.action(fields);
        let args = self.list(fields.get("args"));
        let checks = self.entries(fields.get("args"), Self::argument_check);
        // One that is wrong was noted; without it the entry would say more.
        let args = (checks.len() == args.len()).then_some(checks);
        let known: Vec<&str> = syscalls::all().collect();
        let (names, span) = self.names(fields, "names", "system call", &known)?;
        Some(SeccompGrant {
            names,
            action: action?,
            args: args?,
            why,
            origin: self.origin(span),
        })
    }

    fn argument_check(&mut self, node: &Spanned<Node>) -> Option<ArgumentCheck> {
        let fields = self.fields(node, ARGUMENT)?;
        let index = self.required(fields, "index");
        let index = index.and_then(|index| {
            let number = self.unsigned(index)?;
            let argument = u8::try_from(number).ok().filter(|number| *number < 6);
            if argument.is_none() {
                let message = format!("there is no argument {number}");
                self.wrong(
                    index.span,
                    &message,
                    Some("arguments are counted from 0 to 5"),
                );
            }
            argument
        });
        let op = match fields.get("op") {
            Some(op) => Some(self.text(op)?),
            None => None,
        };
        let mask = match fields.get("mask") {
            Some(mask) => Some(self.unsigned(mask)?),
            None => None,
        };
        let value = self.required(fields, "value")?;
        let span = value.span;
        let value = self.unsigned(value)?;
        let op = op.as_ref().map_or("eq", |op| op.value.as_str());
        let Some(compare) = comparison(op, value, mask) else {
            let hint = format!(
                "`op` is one of {}, and `mask` goes with `eq`",
                OPERATOR.join(", ")
            );
            let message = match (OPERATOR.contains(&op), mask) {
                (false, _) => format!("unknown operator `{op}`"),
                (true, Some(_)) if op != "eq" => format!("`{op}` takes no mask"),
                (true, _) => "this comparison has always the same result".to_owned(),
            };
            self.wrong(span, &message, Some(&hint));
            return None;
        };
        Some(ArgumentCheck {
            index: index?,
            compare,
        })
    }

    fn action(&mut self, fields: Fields<'_>) -> Option<SeccompAction> {
        let errno = match fields.get("errno") {
            Some(errno) => Some(self.text(errno)?),
            None => None,
        };
        let action = self.required(fields, "action")?;
        let action = self.text(action)?;
        match (action.value.as_str(), errno) {
            ("allow", None) => Some(SeccompAction::Allow),
            ("kill", None) => Some(SeccompAction::Kill),
            ("errno", Some(name)) if errno::written(&name.value).is_some() => {
                Some(SeccompAction::Errno(name.value))
            }
            ("errno", Some(name)) => {
                let known: Vec<&str> = errno::all().collect();
                self.unknown("error", &name, &known);
                None
            }
            ("errno", None) => {
                let message = "`action: errno` does not say which error";
                self.wrong(
                    action.span,
                    message,
                    Some("add `errno: EPERM`, for example"),
                );
                None
            }
            ("allow" | "kill", Some(name)) => {
                let message = "`errno` has no meaning with this action";
                let hint = "write `action: errno` or remove it";
                self.wrong(name.span, message, Some(hint));
                None
            }
            (unknown, _) => {
                let message = format!("unknown value `{unknown}`");
                self.wrong(action.span, &message, Some(&instead_of(unknown, ACTION)));
                None
            }
        }
    }

    /// The path of an entry in its one spelling, and where it stands.
    fn path(&mut self, fields: Fields<'_>) -> Option<(String, Span)> {
        let path = self.required(fields, "path")?;
        let path = self.text(path)?;
        match path::normal(&path.value) {
            Ok(normal) => Some((normal, path.span)),
            Err((message, hint)) => {
                self.wrong(path.span, &message, Some(&hint));
                None
            }
        }
    }

    /// Names that are all known, each once, and where the first stands.
    fn names(
        &mut self,
        fields: Fields<'_>,
        field: &str,
        kind: &str,
        known: &[&str],
    ) -> Option<(Vec<String>, Span)> {
        let list = self.required(fields, field)?;
        let items = self.list(Some(list));
        if items.is_empty() && matches!(list.value, Node::List(_)) {
            let message = format!("no {kind} is named");
            let hint = "name at least one, or remove the entry";
            self.wrong(list.span, &message, Some(hint));
        }
        let mut checked = Vec::with_capacity(items.len());
        let mut all_known = true;
        for item in items {
            match self.text(item) {
                Some(name) if known.contains(&name.value.as_str()) => {
                    if !checked.contains(&name.value) {
                        checked.push(name.value);
                    }
                }
                Some(name) => {
                    self.unknown(kind, &name, known);
                    all_known = false;
                }
                None => all_known = false,
            }
        }
        let first = items.first().filter(|_| all_known)?;
        Some((checked, first.span))
    }

    fn unknown(&mut self, kind: &str, name: &Spanned<String>, known: &[&str]) {
        // A list of hundreds of names is no help.
        let hint = match instead_of(&name.value, known) {
            all if all.len() > 300 => format!("no {kind} has a name like it"),
            hint => hint,
        };
        let message = format!("unknown {kind} `{}`", name.value);
        self.wrong(name.span, &message, Some(&hint));
    }

    /// The reason of an entry; an empty one is none.
    fn why(&mut self, fields: Fields<'_>) -> Option<String> {
        let why = fields
            .get("why")
            .filter(|why| !matches!(why.value, Node::Null))?;
        let why = self.text(why)?;
        Some(why.value.trim().to_owned()).filter(|why| !why.is_empty())
    }
}

/// The comparison, if there is one that can both hold and fail.
pub(super) fn comparison(op: &str, value: u64, mask: Option<u64>) -> Option<ArgumentCompare> {
    let compare = match (op, mask) {
        ("eq", None) => ArgumentCompare::Equal(value),
        ("eq", Some(mask)) => ArgumentCompare::Masked { mask, value },
        ("ne", None) => ArgumentCompare::NotEqual(value),
        ("lt", None) => ArgumentCompare::Less(value),
        ("le", None) => ArgumentCompare::AtMost(value),
        ("ge", None) => ArgumentCompare::AtLeast(value),
        ("gt", None) => ArgumentCompare::Greater(value),
        _ => return None,
    };
    let tells = match compare {
        ArgumentCompare::Masked { mask, value } => mask != 0 && value & !mask == 0,
        ArgumentCompare::Less(0) | ArgumentCompare::AtLeast(0) => false,
        ArgumentCompare::Greater(u64::MAX) | ArgumentCompare::AtMost(u64::MAX) => false,
        _ => true,
    };
    tells.then_some(compare)
}
