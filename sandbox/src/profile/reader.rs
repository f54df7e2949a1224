//! [`Reader`]: takes a tree of YAML apart and notes every mistake, not only the first.
//!
//! A value that is wrong is noted and left out, so that those behind it are looked at too. Who asks
//! for a value says what it must be; a tree without notes is one in which all was as asked for.
#![forbid(unsafe_code)]

use std::sync::Arc;

use serde::de::value::{Error, MapDeserializer};
use serde::de::{Deserialize, Deserializer, IntoDeserializer, Visitor};

use super::diagnostic::{SourceError, Span};
use super::yaml::{
    BOOLEAN_EXPECTED, FIELDS_EXPECTED, LIST_EXPECTED, NUMBER_EXPECTED, Node, Spanned, Told,
    instead_of, split,
};
use super::{Ceiling, Origin};

/// Mistakes beyond these are not noted.
const MAX_MISTAKES: usize = 100;

/// A text that is being read, and what was wrong in it so far.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    file: &'a Arc<str>,
    text: &'a str,
    mistakes: Vec<SourceError>,
}

/// The fields of a mapping, none of them unknown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'n> {
    pairs: &'n [(Spanned<String>, Spanned<Node>)],
    span: Span,
}

impl<'a> Reader<'a> {
    pub(super) fn new(file: &'a Arc<str>, text: &'a str) -> Self {
        let mistakes = Vec::new();
        Self {
            file,
            text,
            mistakes,
        }
    }

    /// What was wrong, in the order of the text.
    pub(super) fn mistakes(mut self) -> Vec<SourceError> {
        self.mistakes.sort_by_key(|mistake| mistake.span);
        self.mistakes
    }

    pub(super) fn wrong(&mut self, span: Span, message: &str, hint: Option<&str>) {
        if self.mistakes.len() < MAX_MISTAKES {
            let mistake = SourceError::at(self.file, self.text, span, message, hint);
            self.mistakes.push(mistake);
        }
    }

    fn told(&mut self, span: Span, (message, hint): Told) {
        self.wrong(span, message, Some(hint));
    }

    pub(super) fn origin(&self, span: Span) -> Origin {
        Origin {
            file: Arc::clone(self.file),
            line: span.line,
            column: span.column,
            length: span.length,
        }
    }

    /// The fields of a mapping that may have these.
    pub(super) fn fields<'n>(
        &mut self,
        node: &'n Spanned<Node>,
        known: &[&str],
    ) -> Option<Fields<'n>> {
        let Node::Map(pairs) = &node.value else {
            self.told(node.span, FIELDS_EXPECTED);
            return None;
        };
        for (key, _) in pairs {
            if !known.contains(&key.value.as_str()) {
                let message = format!("unknown field `{}`", key.value);
                self.wrong(key.span, &message, Some(&instead_of(&key.value, known)));
            }
        }
        let span = pairs.first().map_or(node.span, |(key, _)| key.span);
        Some(Fields { pairs, span })
    }

    /// A field that must be there.
    pub(super) fn required<'n>(
        &mut self,
        fields: Fields<'n>,
        name: &str,
    ) -> Option<&'n Spanned<Node>> {
        let found = fields.get(name);
        if found.is_none() {
            self.wrong(fields.span, &format!("the field `{name}` is missing"), None);
        }
        found
    }

    /// The items of a list; none where there is no list.
    pub(super) fn list<'n>(&mut self, node: Option<&'n Spanned<Node>>) -> &'n [Spanned<Node>] {
        match node.map(|node| (&node.value, node.span)) {
            None => &[],
            Some((Node::List(items), _)) => items,
            Some((_, span)) => {
                self.told(span, LIST_EXPECTED);
                &[]
            }
        }
    }

    pub(super) fn text(&mut self, node: &Spanned<Node>) -> Option<Spanned<String>> {
        let value = match &node.value {
            Node::Text(text) | Node::Number(text) => text.clone(),
            Node::Bool(value) => value.to_string(),
            Node::Null | Node::List(_) | Node::Map(_) => {
                self.wrong(node.span, "a text is expected here", None);
                return None;
            }
        };
        let span = node.span;
        Some(Spanned { value, span })
    }

    pub(super) fn boolean(&mut self, node: Option<&Spanned<Node>>) -> bool {
        match node.map(|node| (&node.value, node.span)) {
            None => false,
            Some((&Node::Bool(value), _)) => value,
            Some((_, span)) => {
                self.told(span, BOOLEAN_EXPECTED);
                false
            }
        }
    }

    pub(super) fn number(&mut self, node: &Spanned<Node>) -> Option<i64> {
        let number = match &node.value {
            Node::Number(digits) => digits.parse().ok(),
            _ => None,
        };
        if number.is_none() {
            self.told(node.span, NUMBER_EXPECTED);
        }
        number
    }

    pub(super) fn unsigned(&mut self, node: &Spanned<Node>) -> Option<u64> {
        let number = match &node.value {
            Node::Number(digits) => digits.parse().ok(),
            _ => None,
        };
        if number.is_none() {
            let hint = "write a whole number, decimal or `0x…`, of at most 64 bits";
            self.wrong(node.span, "this is not a number without a sign", Some(hint));
        }
        number
    }

    /// Limits, each read by itself.
    pub(super) fn ceiling(&mut self, node: Option<&Spanned<Node>>) -> Ceiling {
        let mut ceiling = Ceiling::default();
        let fields = node.and_then(|node| self.fields(node, Ceiling::FIELDS));
        for (key, value) in fields.map_or(&[][..], |fields| fields.pairs) {
            if !Ceiling::FIELDS.contains(&key.value.as_str()) {
                continue;
            }
            let one =
                MapDeserializer::new([(key.value.as_str(), Scalar(&value.value))].into_iter());
            match Ceiling::deserialize(one) {
                Ok(limit) => ceiling = ceiling.min(limit),
                Err(error) => match split(&error.to_string()) {
                    (message, Some(hint)) => self.wrong(value.span, &message, Some(&hint)),
                    // serde's own words: a text or a list where a count is asked for.
                    (_, None) => self.told(value.span, NUMBER_EXPECTED),
                },
            }
        }
        ceiling
    }
}

impl<'n> Fields<'n> {
    /// A field that may be left out. `name:` with nothing behind it counts as a value.
    pub(super) fn get(self, name: &str) -> Option<&'n Spanned<Node>> {
        let mut pairs = self.pairs.iter();
        pairs
            .find(|(key, _)| key.value == name)
            .map(|(_, value)| value)
    }
}

/// A node for types that read themselves by serde.
#[derive(Clone, Copy)]
struct Scalar<'n>(&'n Node);

impl<'de> IntoDeserializer<'de, Error> for Scalar<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Scalar<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Node::Null => visitor.visit_unit(),
            Node::Bool(value) => visitor.visit_bool(*value),
            Node::Text(text) => visitor.visit_str(text),
            Node::Number(digits) => match (digits.parse(), digits.parse(), digits.parse()) {
                (Ok(number), ..) => visitor.visit_u64(number),
                (_, Ok(number), _) => visitor.visit_i64(number),
                (.., Ok(number)) => visitor.visit_f64(number),
                _ => visitor.visit_str(digits),
            },
            Node::List(_) => visitor.visit_str("[…]"),
            Node::Map(_) => visitor.visit_str("{…}"),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}
