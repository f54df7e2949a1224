//! YAML read strictly: the only file that knows the YAML reader.
//!
//! A document is bounded in size, depth and nodes; it has no anchors, aliases, merge keys or
//! duplicate keys, so nothing in it can grow or shadow anything. Every value can tell where it stands
//! ([`Spanned`]), every mistake becomes a [`SourceError`]. Files other than profiles that follow
//! Kubernetes' shape are read by the same [`parse_object`].
#![forbid(unsafe_code)]

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy};
use serde_saphyr::{Error, Location, MessageFormatter as _, Options, UserMessageFormatter};

use super::diagnostic::{SourceError, Span};
use super::suggest;

/// The `apiVersion` of every document that is read.
pub const API_VERSION: &str = "leasehold.dev/v1alpha1";

/// The largest document, in bytes.
pub const MAX_DOCUMENT: usize = 1 << 20;

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands in its document.
    pub span: Span,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Spanned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let serde_saphyr::Spanned {
            value, referenced, ..
        } = Deserialize::deserialize(deserializer)?;
        Ok(Self {
            value,
            span: span(referenced),
        })
    }
}

/// A document in Kubernetes' shape, its head checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object<S> {
    /// `metadata.name`: a DNS label.
    pub name: Spanned<String>,
    /// `spec`.
    pub spec: S,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    api_version: Spanned<String>,
    kind: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole<S> {
    #[serde(rename = "apiVersion")]
    _api_version: IgnoredAny,
    #[serde(rename = "kind")]
    _kind: IgnoredAny,
    metadata: Metadata,
    spec: S,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    name: Spanned<String>,
}

/// Reads `apiVersion`, `kind`, `metadata.name` and `spec`; the kind must be `kind`.
///
/// # Errors
/// The first mistake, with its place. A wrong kind is told before anything that is unknown in it.
pub fn parse_object<S: DeserializeOwned>(
    text: &str,
    file: &str,
    kind: &str,
) -> Result<Object<S>, SourceError> {
    check_head(text, file, kind)?;
    let Whole {
        metadata: Metadata { name },
        spec,
        ..
    } = parse_document(text, file)?;
    if !is_dns_label(&name.value) {
        let message = format!("`{}` is not a name", name.value);
        return Err(SourceError::at(
            file,
            text,
            name.span,
            &message,
            Some(DNS_LABEL),
        ));
    }
    Ok(Object { name, spec })
}

/// Reads a document of this kind as a [`Node`], its `apiVersion` and `kind` checked.
pub(super) fn parse_tree(text: &str, file: &str, kind: &str) -> Result<Spanned<Node>, SourceError> {
    check_head(text, file, kind)?;
    parse_document(text, file)
}

fn check_head(text: &str, file: &str, kind: &str) -> Result<(), SourceError> {
    let head: Head = parse_document(text, file)?;
    for (found, wanted, field) in [
        (&head.api_version, API_VERSION, "apiVersion"),
        (&head.kind, kind, "kind"),
    ] {
        if found.value != wanted {
            let message = format!("`{field}` is `{}`, expected `{wanted}`", found.value);
            let hint = format!("write `{field}: {wanted}`");
            return Err(SourceError::at(
                file,
                text,
                found.span,
                &message,
                Some(&hint),
            ));
        }
    }
    Ok(())
}

/// Any YAML value, so that one mistake in it does not hide the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Null,
    Bool(bool),
    /// A plain number, as it is printed.
    Number(String),
    Text(String),
    List(Vec<Spanned<Node>>),
    /// In the order in which it is written; no key comes twice.
    Map(Vec<(Spanned<String>, Spanned<Node>)>),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Node;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_unit<E>(self) -> Result<Node, E> {
                Ok(Node::Null)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
                Ok(Node::Bool(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
                Ok(Node::Number(value.to_string()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
                Ok(Node::Number(value.to_string()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
                Ok(Node::Number(value.to_string()))
            }

            fn visit_str<E>(self, value: &str) -> Result<Node, E> {
                Ok(Node::Text(value.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    items.push(item);
                }
                Ok(Node::List(items))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Node::Map(pairs))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// What a name is made of, as a hint.
pub(super) const DNS_LABEL: &str =
    "a name is 1 to 63 of `a`-`z`, `0`-`9` and `-`, and begins and ends with a letter or digit";

/// Whether a name is a DNS label (RFC 1123), and so one component of a path too.
#[must_use]
pub fn is_dns_label(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&name.len())
        && name.bytes().all(inner)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// Reads one YAML document.
///
/// # Errors
/// The first mistake, with its place.
pub fn parse_document<T: DeserializeOwned>(text: &str, file: &str) -> Result<T, SourceError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > MAX_DOCUMENT {
        let message = format!(
            "the document has {} bytes, more than {MAX_DOCUMENT}",
            text.len()
        );
        return Err(SourceError::at(file, "", Span::default(), &message, None));
    }
    serde_saphyr::from_str_with_options(text, options()).map_err(|error| {
        let (message, hint) = explain(error.without_snippet());
        let span = error.location().map(span).unwrap_or_default();
        SourceError::at(file, text, span, &message, hint.as_deref())
    })
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_aliases: 0,
            max_anchors: 0,
            max_depth: 16,
            flow_nesting_limit: 16,
            max_documents: 1,
            max_merge_keys: 0,
            max_nodes: 65_536,
            max_events: 262_144,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::Error,
        strict_booleans: true,
        underscored_numbers_as_strings: true,
        leading_zero_numbers_as_strings: true,
        reject_unsupported_tags: true,
        reject_tagged_field_names: true,
        with_snippet: false,
    }
}

fn span(location: Location) -> Span {
    let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    Span {
        line: narrow(location.line()),
        column: narrow(location.column()),
        length: narrow(location.span().len()),
    }
}

/// The reader's error in our words, and what to do about it.
fn explain(error: &Error) -> (String, Option<String>) {
    match error {
        Error::AliasError { error, .. } => explain(error),
        Error::SerdeUnknownField {
            field, expected, ..
        } => (
            format!("unknown field `{field}`"),
            Some(instead_of(field, expected)),
        ),
        Error::SerdeUnknownVariant {
            variant, expected, ..
        } => (
            format!("unknown value `{variant}`"),
            Some(instead_of(variant, expected)),
        ),
        Error::SerdeMissingField { field, .. } => (format!("the field `{field}` is missing"), None),
        Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or("this key");
            (
                format!("`{key}` stands here a second time"),
                Some("remove one of them".into()),
            )
        }
        Error::MergeKeyNotAllowed { .. } => no_references("merge keys"),
        Error::Budget { breach, .. } => match breach {
            BudgetBreach::Anchors { .. } => no_references("anchors"),
            BudgetBreach::Aliases { .. } => no_references("aliases"),
            BudgetBreach::Depth { .. } => too_deep(),
            BudgetBreach::Documents { .. } => second_document(),
            _ => ("the document is too large".into(), None),
        },
        Error::UnknownAnchor { .. } => no_references("aliases"),
        Error::MultipleDocuments { .. } => second_document(),
        Error::Unexpected {
            expected: "sequence start",
            ..
        } => told(LIST_EXPECTED),
        Error::Unexpected {
            expected: "mapping start",
            ..
        } => told(FIELDS_EXPECTED),
        Error::InvalidBooleanStrict { .. } => told(BOOLEAN_EXPECTED),
        Error::InvalidScalar { ty, .. } if ty.starts_with(['i', 'u']) => told(NUMBER_EXPECTED),
        Error::Eof { .. } => ("the document ends too early".into(), None),
        Error::Message { msg, .. } => split(msg),
        other => match UserMessageFormatter.format_message(other).into_owned() {
            // The scanner's limit on nested brackets, which has no variant of its own.
            message if message == "recursion limit exceeded" => too_deep(),
            message => (message, None),
        },
    }
}

/// Our own errors read `what is wrong; what to do`.
pub(super) fn split(error: &str) -> (String, Option<String>) {
    match error.rsplit_once("; ") {
        Some((message, hint)) => (message.to_owned(), Some(hint.to_owned())),
        None => (error.to_owned(), None),
    }
}

/// What is wrong, and what to write instead.
pub(super) type Told = (&'static str, &'static str);

pub(super) const LIST_EXPECTED: Told = (
    "a list is expected here",
    "write `[…]`, or each item on a line of its own after `- `",
);
pub(super) const FIELDS_EXPECTED: Told = (
    "fields are expected here",
    "write `{field: value}`, or each field on a line of its own",
);
pub(super) const BOOLEAN_EXPECTED: Told =
    ("this is neither true nor false", "write `true` or `false`");
pub(super) const NUMBER_EXPECTED: Told = (
    "this is not a number, or not one that is possible here",
    "write a whole number in decimal digits",
);

fn told((message, hint): Told) -> (String, Option<String>) {
    (message.to_owned(), Some(hint.to_owned()))
}

fn too_deep() -> (String, Option<String>) {
    ("the document is nested too deeply".into(), None)
}

fn second_document() -> (String, Option<String>) {
    (
        "a second document begins here".into(),
        Some("write one file for each".into()),
    )
}

fn no_references(what: &str) -> (String, Option<String>) {
    let hint = "write the value out; profiles share entries by `extends`";
    (format!("YAML {what} are not accepted"), Some(hint.into()))
}

/// `did you mean …`, or all that is known where nothing is near.
pub(super) fn instead_of(unknown: &str, known: &[&str]) -> String {
    match (suggest::nearest(unknown, known.iter().copied()), known) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, []) => "nothing may stand here".to_owned(),
        (None, known) => format!("expected one of `{}`", known.join("`, `")),
    }
}
