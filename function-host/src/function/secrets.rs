//! The secrets that a function lists: files that it may read and others may not.

use leasehold_sandbox::profile::{SourceError, Spanned};

use super::document::Document;

/// The most secrets of one function.
const MAX_SECRETS: usize = 64;

impl Document {
    /// The names as written, each of them a file name and nothing else.
    pub(super) fn secrets(&self, names: Vec<Spanned<String>>) -> Result<Vec<String>, SourceError> {
        if let Some(more) = names.get(MAX_SECRETS) {
            let message = format!("more than {MAX_SECRETS} secrets");
            return Err(self.error(more.span, &message, "put several values into one file"));
        }
        if let Some(wrong) = names.iter().find(|name| !is_secret(&name.value)) {
            let message = format!("`{}` is not the name of a secret", wrong.value);
            let hint = "a name is letters, digits, `-`, `_` and `.`, and does not begin with a dot";
            return Err(self.error(wrong.span, &message, hint));
        }
        Ok(names.into_iter().map(|name| name.value).collect())
    }
}

/// Kubernetes' keys of a Secret, without those that are hidden files or lead elsewhere.
fn is_secret(name: &str) -> bool {
    (1..=253).contains(&name.len())
        && !name.starts_with('.')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}
