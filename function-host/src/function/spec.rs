//! `function.yaml` as it is written, and the checks that need no other file.
//!
//! Reads through the profiles' YAML reader, so that a mistake is shown in the same way: with its
//! place, a caret and what to write instead. Knows nothing of programs, interpreters or profiles.

mod handlers;

use std::fmt;

use leasehold_sandbox::profile::{
    Ceiling, Millis, Object, SourceError, Span, Spanned, parse_object,
};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::admission::{Admission, PoolSize, Written};
use super::document::Document;
use super::{Isolation, Protocol, Start, Tmp};

/// The most variables of `env`.
const MAX_VARIABLES: usize = 128;
/// The most bytes of `env`: names, values, and the two bytes that part and end each.
const MAX_ENVIRONMENT: usize = 64 << 10;
/// The longest `linger`, in milliseconds.
const MAX_LINGER: Millis = Millis(2_000);

/// What a `function.yaml` declares, checked as far as it can be on its own.
#[derive(Debug)]
pub(super) struct Declared {
    pub(super) name: String,
    pub(super) code: Code,
    pub(super) profile: Spanned<String>,
    pub(super) start: Start,
    pub(super) isolation: Isolation,
    pub(super) tmp: Tmp,
    pub(super) admission: Admission,
    pub(super) linger: Millis,
    pub(super) secrets: Vec<String>,
    pub(super) limits: Spanned<Ceiling>,
    pub(super) env: Vec<(String, String)>,
}

/// What is to run.
#[derive(Debug)]
pub(super) enum Code {
    Exec {
        program: Spanned<String>,
        /// All of `argv`.
        args: Vec<String>,
        protocol: Protocol,
    },
    Python {
        module: String,
        attribute: String,
        interpreter: Option<Spanned<String>>,
        /// Where `runtime` is written.
        runtime: Span,
    },
    Wasm {
        module: Spanned<String>,
        /// All of `argv`.
        args: Vec<String>,
        protocol: Protocol,
    },
    Node {
        module: String,
        /// Empty for `module.exports` itself.
        export: String,
        interpreter: Option<Spanned<String>>,
        /// Where `runtime` is written.
        runtime: Span,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    runtime: Spanned<RuntimeName>,
    #[serde(default, deserialize_with = "written")]
    handler: Option<Spanned<String>>,
    #[serde(default, deserialize_with = "written")]
    command: Option<Spanned<Vec<Spanned<String>>>>,
    #[serde(default, deserialize_with = "written")]
    protocol: Option<Spanned<Protocol>>,
    profile: Spanned<String>,
    #[serde(default, deserialize_with = "written")]
    start: Option<Spanned<Start>>,
    #[serde(default)]
    isolation: Isolation,
    #[serde(default)]
    tmp: Tmp,
    #[serde(default, deserialize_with = "written")]
    pool: Option<Spanned<PoolSize>>,
    #[serde(default, deserialize_with = "written")]
    concurrency: Option<Spanned<i64>>,
    #[serde(default, deserialize_with = "written")]
    queue: Option<Spanned<i64>>,
    #[serde(default, deserialize_with = "written")]
    linger: Option<Spanned<Millis>>,
    #[serde(default)]
    secrets: Vec<Spanned<String>>,
    #[serde(default, deserialize_with = "written")]
    limits: Option<Spanned<Ceiling>>,
    #[serde(default, deserialize_with = "written")]
    env: Option<Spanned<Variables>>,
    #[serde(default, deserialize_with = "written")]
    interpreter: Option<Spanned<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RuntimeName {
    Exec,
    Python,
    Wasm,
    Node,
}

/// A map in the order in which it is written. The YAML reader refuses a key that comes twice.
#[derive(Debug)]
struct Variables(Vec<(Spanned<String>, Spanned<String>)>);

impl Document {
    /// What the document declares.
    pub(super) fn declared(&self) -> Result<Declared, SourceError> {
        let Object { name, spec } = parse_object::<Spec>(&self.text, &self.file, "Function")?;
        let code = match spec.runtime.value {
            RuntimeName::Exec => self.exec(&spec)?,
            RuntimeName::Python => self.python(&spec)?,
            RuntimeName::Wasm => self.wasm(&spec)?,
            RuntimeName::Node => self.node(&spec)?,
        };
        Ok(Declared {
            name: name.value,
            start: self.start(&spec)?,
            code,
            admission: self.admission(Written {
                pool: spec.pool,
                concurrency: spec.concurrency,
                queue: spec.queue,
            })?,
            linger: self.linger(spec.linger)?,
            secrets: self.secrets(spec.secrets)?,
            env: spec.env.map_or(Ok(Vec::new()), |env| self.env(env))?,
            profile: spec.profile,
            isolation: spec.isolation,
            tmp: spec.tmp,
            limits: spec.limits.unwrap_or(Spanned {
                value: Ceiling::default(),
                span: Span::default(),
            }),
        })
    }

    fn exec(&self, spec: &Spec) -> Result<Code, SourceError> {
        if let Some(handler) = &spec.handler {
            let hint = "write `command: [./PROGRAM]`, or `runtime: python`";
            return Err(self.error(handler.span, "an exec function has no handler", hint));
        }
        if let Some(interpreter) = &spec.interpreter {
            let hint = "remove it; a script names its own in its `#!` line";
            return Err(self.error(
                interpreter.span,
                "an exec function has no interpreter",
                hint,
            ));
        }
        let Some(command) = &spec.command else {
            let hint = "write `command: [./PROGRAM]`";
            return Err(self.error(spec.runtime.span, "an exec function needs a command", hint));
        };
        let hint = "write the program first, then its arguments: `[./PROGRAM, --flag]`";
        let (program, args) = self.command(command, hint)?;
        Ok(Code::Exec {
            program,
            args,
            protocol: spec
                .protocol
                .as_ref()
                .map_or_else(Protocol::default, |it| it.value),
        })
    }

    fn wasm(&self, spec: &Spec) -> Result<Code, SourceError> {
        const HINT: &str = "write `command: [./MODULE.wasm]`, with its arguments behind it";
        if let Some(handler) = &spec.handler {
            return Err(self.error(handler.span, "a wasm function has no handler", HINT));
        }
        if let Some(interpreter) = &spec.interpreter {
            let message = "a wasm function has no interpreter";
            return Err(self.error(interpreter.span, message, "remove it"));
        }
        if let Some(secret) = spec.secrets.first() {
            let hint = "of the file system it has nothing but the scratch, as /tmp";
            return Err(self.error(secret.span, "a wasm function can read no secrets", hint));
        }
        let Some(command) = &spec.command else {
            return Err(self.error(spec.runtime.span, "a wasm function needs a command", HINT));
        };
        if let Some(protocol) = &spec.protocol
            && protocol.value == Protocol::Http
        {
            let hint = "write `cgi`, or remove it; a module has no sockets";
            return Err(self.error(protocol.span, "a wasm function is no HTTP server", hint));
        }
        let (module, args) = self.command(command, HINT)?;
        Ok(Code::Wasm {
            module,
            args,
            protocol: spec
                .protocol
                .as_ref()
                .map_or_else(Protocol::default, |it| it.value),
        })
    }

    /// The first of a command's words, and all of them.
    fn command(
        &self,
        command: &Spanned<Vec<Spanned<String>>>,
        hint: &str,
    ) -> Result<(Spanned<String>, Vec<String>), SourceError> {
        let Some(first) = command.value.first() else {
            return Err(self.error(command.span, "the command is empty", hint));
        };
        if let Some(wrong) = command.value.iter().find(|arg| arg.value.contains('\0')) {
            return Err(self.error(wrong.span, "an argument has a NUL in it", "remove it"));
        }
        let args = command.value.iter().map(|arg| arg.value.clone());
        Ok((first.clone(), args.collect()))
    }

    fn linger(&self, linger: Option<Spanned<Millis>>) -> Result<Millis, SourceError> {
        match linger {
            None => Ok(Millis(0)),
            Some(Spanned { value, .. }) if value <= MAX_LINGER => Ok(value),
            Some(Spanned { value, span }) => {
                let message = format!("a linger of {value} is too long");
                let hint = format!("{MAX_LINGER} is the longest; the slot is not free before");
                Err(self.error(span, &message, &hint))
            }
        }
    }

    fn env(&self, env: Spanned<Variables>) -> Result<Vec<(String, String)>, SourceError> {
        let variables = env.value.0;
        if variables.len() > MAX_VARIABLES {
            let message = format!("`env` has {} variables", variables.len());
            let hint = format!("{MAX_VARIABLES} are the most; put the rest into a file");
            return Err(self.error(env.span, &message, &hint));
        }
        let mut size = 0;
        for (name, value) in &variables {
            if !is_variable(&name.value) {
                let message = format!("`{}` is not the name of a variable", name.value);
                let hint = "a name is letters, digits and `_`, and does not begin with a digit";
                return Err(self.error(name.span, &message, hint));
            }
            if value.value.contains('\0') {
                let message = format!("the value of `{}` has a NUL in it", name.value);
                return Err(self.error(value.span, &message, "remove it"));
            }
            size += name.value.len() + value.value.len() + 2;
            if size > MAX_ENVIRONMENT {
                let message = format!("with `{}`, `env` is too large", name.value);
                let hint =
                    format!("{MAX_ENVIRONMENT} bytes are the most; put the rest into a file");
                return Err(self.error(name.span, &message, &hint));
            }
        }
        let pairs = variables.into_iter();
        Ok(pairs
            .map(|(name, value)| (name.value, value.value))
            .collect())
    }
}

/// POSIX' names of environment variables, in either case.
fn is_variable(name: &str) -> bool {
    let starts = |c: char| c == '_' || c.is_ascii_alphabetic();
    name.starts_with(starts) && name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric())
}

/// A value that was written must be one: `pool:` with nothing behind it is refused.
fn written<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

impl<'de> Deserialize<'de> for Variables {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Variables;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("variables")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Variables, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Variables(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}
