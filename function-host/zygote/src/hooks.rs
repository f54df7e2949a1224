//! What a runtime does around a fork, as the fork loop and the worker know it.
#![forbid(unsafe_code)]

/// What a runtime does around a fork.
pub(crate) trait Hooks {
    /// In the zygote, before.
    fn before(&self) {}
    /// In the zygote, after.
    fn after_in_parent(&self) {}
    /// In the worker, once it is restricted and before it is parked: may run the function's code.
    fn after_in_child(&self) {}
}

/// For a runtime without an interpreter.
pub(crate) struct NoHooks;

impl Hooks for NoHooks {}
