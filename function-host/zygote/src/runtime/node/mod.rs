//! `node`: the worker became Node ahead of its call, and loads the function for itself. V8 cannot be forked.

/// What Node runs, given by `-e`: it loads the function, says so, and calls its handler.
pub const BOOTSTRAP: &str = include_str!("bootstrap.js");
