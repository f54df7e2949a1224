//! [`Document`]: the text of a `function.yaml`, and where in it something stands.
//!
//! Knows the YAML reader and files, not what a function is.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use leasehold_sandbox::profile::{
    ReadError, SourceError, Span, Spanned, is_dns_label, parse_document, read,
};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{FILE_NAME, FunctionError};

/// The text of a `function.yaml`.
#[derive(Debug)]
pub(super) struct Document {
    /// The file as it is shown.
    pub(super) file: String,
    pub(super) text: String,
}

impl Document {
    /// Reads the `function.yaml` of a folder, and says where the folder really is.
    pub(super) fn read(directory: &Path) -> Result<(Self, PathBuf), FunctionError> {
        let canonical = |path: &Path| {
            path.canonicalize().map_err(|source| FunctionError::Find {
                path: path.to_owned(),
                source,
            })
        };
        let path = directory.join(FILE_NAME);
        let directory = canonical(directory)?;
        // A ConfigMap's files are links that stay inside.
        let target = canonical(&path)?;
        if !target.starts_with(&directory) {
            return Err(FunctionError::Outside { path, target });
        }
        Ok((Self::open(&path)?, directory))
    }

    fn open(path: &Path) -> Result<Self, ReadError> {
        Ok(Self {
            file: path.display().to_string(),
            text: read(path)?,
        })
    }

    /// A mistake at `span`.
    pub(super) fn error(&self, span: Span, message: &str, hint: &str) -> SourceError {
        SourceError::at(&self.file, &self.text, span, message, Some(hint))
    }

    /// `metadata.name`, however wrong the rest may be.
    pub(super) fn name(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Named {
            metadata: Metadata,
        }
        #[derive(Deserialize)]
        struct Metadata {
            name: String,
        }
        let named: Named = parse_document(&self.text, &self.file).ok()?;
        Some(named.metadata.name).filter(|name| is_dns_label(name))
    }

    /// Where a limit is written: its value.
    pub(super) fn limit(&self, field: &str) -> Option<Span> {
        #[derive(Deserialize)]
        struct Whole {
            spec: Limited,
        }
        #[derive(Deserialize)]
        struct Limited {
            limits: HashMap<String, Spanned<IgnoredAny>>,
        }
        let whole: Whole = parse_document(&self.text, &self.file).ok()?;
        whole.spec.limits.get(field).map(|limit| limit.span)
    }
}
