//! Functions with a handler, and how the workers of a function come to be.

use leasehold_sandbox::profile::SourceError;

use super::{Code, RuntimeName, Spec};
use crate::function::document::Document;
use crate::function::{Protocol, Start};

impl Document {
    pub(super) fn python(&self, spec: &Spec) -> Result<Code, SourceError> {
        const HINT: &str = "write `handler: MODULE.FUNCTION`: `handler.handle` is `def handle` in \
                            handler.py";
        self.no_program(spec, "python")?;
        let Some(handler) = &spec.handler else {
            return Err(self.error(spec.runtime.span, "a python function needs a handler", HINT));
        };
        let (module, attribute) = match handler.value.split_once('.') {
            Some((module, attribute)) if handler.value.split('.').all(is_identifier) => {
                (module, attribute)
            }
            _ => {
                let message = format!("`{}` is not a handler", handler.value);
                return Err(self.error(handler.span, &message, HINT));
            }
        };
        Ok(Code::Python {
            module: module.to_owned(),
            attribute: attribute.to_owned(),
            interpreter: spec.interpreter.clone(),
            runtime: spec.runtime.span,
        })
    }

    pub(super) fn node(&self, spec: &Spec) -> Result<Code, SourceError> {
        const HINT: &str = "write `handler: MODULE.EXPORT`: `handler.handle` is `exports.handle` in \
                            handler.js; `handler` alone is `module.exports`";
        self.no_program(spec, "node")?;
        let Some(handler) = &spec.handler else {
            return Err(self.error(spec.runtime.span, "a node function needs a handler", HINT));
        };
        let (module, export) = match handler.value.split_once('.') {
            Some((_, "")) => ("", ""),
            Some(parts) => parts,
            None => (handler.value.as_str(), ""),
        };
        if !is_identifier(module) || !(export.is_empty() || is_identifier(export)) {
            let message = format!("`{}` is not a handler", handler.value);
            return Err(self.error(handler.span, &message, HINT));
        }
        Ok(Code::Node {
            module: module.to_owned(),
            export: export.to_owned(),
            interpreter: spec.interpreter.clone(),
            runtime: spec.runtime.span,
        })
    }

    /// What only a program has, a function with a handler has not.
    fn no_program(&self, spec: &Spec, runtime: &str) -> Result<(), SourceError> {
        if let Some(command) = &spec.command {
            let message = format!("a {runtime} function has no command");
            let hint = "write `handler: MODULE.FUNCTION`, or `runtime: exec`";
            return Err(self.error(command.span, &message, hint));
        }
        if let Some(protocol) = &spec.protocol {
            let message = format!("a {runtime} function has no protocol");
            let hint = "remove it; a protocol is how an exec function's program speaks";
            return Err(self.error(protocol.span, &message, hint));
        }
        Ok(())
    }

    /// How workers come to be; what cannot be told of its request in time is refused.
    pub(super) fn start(&self, spec: &Spec) -> Result<Start, SourceError> {
        let protocol = spec.protocol.as_ref().map(|protocol| protocol.value);
        let Some(start) = &spec.start else {
            return Ok(match (spec.runtime.value, protocol) {
                (RuntimeName::Node, _) | (_, Some(Protocol::Http)) => Start::Spawn,
                _ => Start::default(),
            });
        };
        let (message, hint) = match (start.value, protocol) {
            (Start::Spawn, Some(Protocol::Cgi)) => (
                "a CGI script cannot be started ahead of its request",
                "its environment tells of the request: remove `start`, or `protocol`",
            ),
            (Start::Fork, Some(Protocol::Http)) => (
                "an HTTP server is always started ahead of its request",
                "write `start: spawn`, or remove it",
            ),
            (Start::Spawn, _) if spec.runtime.value == RuntimeName::Wasm => (
                "a wasm function is forked from an instance that has run nothing of it",
                "write `start: fork`, or remove it",
            ),
            (Start::Fork, _) if spec.runtime.value == RuntimeName::Node => (
                "a Node that has loaded a function cannot be forked",
                "write `start: spawn`, or remove it",
            ),
            _ => return Ok(start.value),
        };
        Err(self.error(start.span, message, hint))
    }
}

/// A name that Python would take, or nearly: it is CPython that decides, when it imports.
fn is_identifier(name: &str) -> bool {
    let starts = |c: char| c == '_' || c.is_alphabetic();
    name.starts_with(starts) && name.chars().all(|c| c == '_' || c.is_alphanumeric())
}
