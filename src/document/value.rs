//! Values and what they may be read as; a mix-up is named in a person's words.

use std::borrow::Cow;

use super::{Span, Spanned};

/// A value as it stands in the text.
#[derive(Clone, Debug)]
pub struct Node<'d> {
    pub(super) value: Value<'d>,
    pub(super) at: Span,
}

#[derive(Clone, Debug)]
pub(super) enum Value<'d> {
    Text(Cow<'d, str>),
    Integer(i128),
    Float(f64),
    Boolean(bool),
    Moment,
    List(Vec<Node<'d>>),
    Table(Vec<Entry<'d>>),
}

#[derive(Clone, Debug)]
pub(super) struct Entry<'d> {
    pub(super) key: Spanned<String>,
    pub(super) node: Node<'d>,
}

/// Why a value is not what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// What is wrong.
    pub problem: String,
    /// What to write instead.
    pub help: Option<String>,
}

/// What a TOML value can be read as.
pub trait FromValue: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// [`Mismatch`] when the value is of another type or out of range.
    fn from_value(node: &Node<'_>) -> Result<Self, Mismatch>;
}

impl Mismatch {
    fn new(problem: impl Into<String>) -> Mismatch {
        Mismatch { problem: problem.into(), help: None }
    }

    fn help(self, help: impl Into<String>) -> Mismatch {
        Mismatch { help: Some(help.into()), ..self }
    }
}

impl<'d> Node<'d> {
    /// The text of a TOML string.
    pub(super) fn as_text(&self) -> Result<&str, Mismatch> {
        if let Value::Text(text) = &self.value {
            return Ok(text);
        }
        let mismatch = self.mismatch("text");
        Err(match &self.value {
            Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Moment => {
                mismatch.help(format!("put it in quotes: \"{}\"", self.at.text()))
            }
            Value::Text(_) | Value::List(_) | Value::Table(_) => mismatch,
        })
    }

    pub(super) fn into_list(self) -> Result<Vec<Node<'d>>, Mismatch> {
        match self.value {
            Value::List(list) => Ok(list),
            Value::Table(_) => Err(self.mismatch("a list")),
            Value::Text(_) | Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Moment => {
                let written = self.at.text();
                let bare = matches!(self.value, Value::Text(_)) && !written.starts_with(['"', '\'']);
                let shown = if bare { format!("{written:?}") } else { written.to_owned() };
                Err(self.mismatch("a list").help(format!("put it in brackets: [{shown}]")))
            }
        }
    }

    pub(super) fn into_table(self) -> Result<Vec<Entry<'d>>, Mismatch> {
        match self.value {
            Value::Table(entries) => Ok(entries),
            Value::Text(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Moment
            | Value::List(_) => Err(self.mismatch("a table")),
        }
    }

    pub(super) fn mismatch(&self, wanted: &str) -> Mismatch {
        let found = match &self.value {
            Value::Text(_) => "text",
            Value::Integer(_) => "a number",
            Value::Float(_) => "a number with a fraction",
            Value::Boolean(_) => "true or false",
            Value::Moment => "a date or time",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        };
        Mismatch::new(format!("{found} where {wanted} is expected"))
    }
}

impl FromValue for bool {
    fn from_value(node: &Node<'_>) -> Result<bool, Mismatch> {
        match &node.value {
            Value::Boolean(value) => Ok(*value),
            Value::Text(text) if matches!(text.as_ref(), "true" | "false") => {
                Err(Mismatch::new(format!("{text} in quotes")).help(format!("write {text} without quotes")))
            }
            Value::Text(_) | Value::Integer(_) => {
                Err(node.mismatch("true or false").help("write true or false, without quotes"))
            }
            Value::Float(_) | Value::Moment | Value::List(_) | Value::Table(_) => {
                Err(node.mismatch("true or false"))
            }
        }
    }
}

impl FromValue for String {
    fn from_value(node: &Node<'_>) -> Result<String, Mismatch> {
        node.as_text().map(str::to_owned)
    }
}

impl FromValue for i128 {
    fn from_value(node: &Node<'_>) -> Result<i128, Mismatch> {
        match &node.value {
            Value::Integer(number) => Ok(*number),
            Value::Text(text) if text.parse::<i128>().is_ok() => Err(quoted(text)),
            Value::Float(number) if number.fract() == 0.0 => {
                Err(node.mismatch("a whole number").help(format!("write {number:.0}")))
            }
            Value::Text(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Moment
            | Value::List(_)
            | Value::Table(_) => Err(node.mismatch("a whole number")),
        }
    }
}

impl FromValue for f64 {
    fn from_value(node: &Node<'_>) -> Result<f64, Mismatch> {
        match &node.value {
            Value::Float(number) => Ok(*number),
            Value::Integer(number) => Ok(*number as f64),
            Value::Text(text) if text.parse::<f64>().is_ok() => Err(quoted(text)),
            Value::Text(_) | Value::Boolean(_) | Value::Moment | Value::List(_) | Value::Table(_) => {
                Err(node.mismatch("a number"))
            }
        }
    }
}

impl<T: FromValue> FromValue for Spanned<T> {
    fn from_value(node: &Node<'_>) -> Result<Spanned<T>, Mismatch> {
        T::from_value(node).map(|value| Spanned { value, at: node.at.clone() })
    }
}

fn quoted(text: &str) -> Mismatch {
    Mismatch::new("a number in quotes").help(format!("write {text} without quotes"))
}

/// Whole numbers of each width, out-of-range ones named with the range.
macro_rules! whole_number {
    ($($type:ty),+) => { $(
        impl FromValue for $type {
            fn from_value(node: &Node<'_>) -> Result<$type, Mismatch> {
                let number = i128::from_value(node)?;
                <$type>::try_from(number).map_err(|_| {
                    Mismatch::new(format!("{} is out of range", node.at.text()))
                        .help(format!("write a number from {} to {}", <$type>::MIN, <$type>::MAX))
                })
            }
        }
    )+ };
}

whole_number!(u8, u16, u32, u64, usize, i32, i64);
