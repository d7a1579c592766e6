//! The query of a request, checked against the contract table before its handler runs.

use std::borrow::Cow;
use std::str::{FromStr, Utf8Error};

use percent_encoding::percent_decode_str;

use super::Op;
use super::parameter::{Parameter, split};
use crate::problem::{ErrorCode, Failure};

/// The query parameters of one request: each known to the operation, given once, and with an accepted value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    values: Vec<(Parameter, String)>,
}

impl Query {
    /// Reads a query as in the URL, without its question mark. Outside of `/v1` queries are ignored: players append their own
    /// parameters to the URLs of files.
    ///
    /// # Errors
    ///
    /// `query_invalid` if a parameter is unknown to the operation, empty, given twice, not UTF-8, or has a value that it does not
    /// accept; `cursor_invalid` for the value of a cursor.
    pub fn read(op: Op, query: &str) -> Result<Self, Failure> {
        let mut read = Self::default();
        if !op.has_strict_query() {
            return Ok(read);
        }
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            // A name that is not UTF-8 is unknown as it stands.
            let parameter = known(op, &decoded(name).unwrap_or_else(|_| name.to_owned()))?;
            let invalid = |detail: &str| {
                let detail = format!("{} {detail}", parameter.name());
                Failure::new(ErrorCode::QueryInvalid, detail)
            };
            let value = decoded(value).map_err(|_| invalid("must be UTF-8."))?;
            parameter.check(&value)?;
            if read.get(parameter).is_some() {
                return Err(invalid("must be given once."));
            }
            read.values.push((parameter, value));
        }
        Ok(read)
    }

    /// The value of a parameter; `None` if it is absent.
    #[must_use]
    pub fn get(&self, parameter: Parameter) -> Option<&str> {
        let mut values = self.values.iter();
        values
            .find(|(name, _)| *name == parameter)
            .map(|(_, value)| value.as_str())
    }

    /// The value of a parameter as `T`; `None` if it is absent.
    ///
    /// # Errors
    ///
    /// Like [`Self::read`], if the value is not a `T`.
    pub fn parse<T: FromStr>(&self, parameter: Parameter) -> Result<Option<T>, Failure> {
        let value = self.get(parameter).map(str::parse);
        value.transpose().map_err(|_| parameter.wrong())
    }

    /// The values of a list as `T`; `None` if it is absent.
    ///
    /// # Errors
    ///
    /// Like [`Self::read`], if one of the values is not a `T`.
    pub fn parse_list<T: FromStr>(&self, parameter: Parameter) -> Result<Option<Vec<T>>, Failure> {
        let values = self
            .get(parameter)
            .map(|list| split(list).map(str::parse).collect());
        values.transpose().map_err(|_| parameter.wrong())
    }
}

/// A name or a value without its escapes (WHATWG URL, "application/x-www-form-urlencoded parsing", which reads other bytes than UTF-8
/// as U+FFFD: the text would not be what was sent).
fn decoded(text: &str) -> Result<String, Utf8Error> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced)
        .decode_utf8()
        .map(Cow::into_owned)
}

/// The parameter of an operation by its name.
fn known(op: Op, name: &str) -> Result<Parameter, Failure> {
    let found = op.query().iter().find(|parameter| parameter.name() == name);
    found.copied().ok_or_else(|| {
        let names: Vec<&str> = op.query().iter().map(|one| one.name()).collect();
        let known = if names.is_empty() {
            "this operation has none".to_owned()
        } else {
            format!("known: {}", names.join(", "))
        };
        let name: String = name.chars().take(ECHO_MAX_CHARS).collect();
        let detail = format!("{name:?} is not a known query parameter; {known}.");
        Failure::new(ErrorCode::QueryInvalid, detail)
    })
}

/// Longest part of an unknown name that an error repeats, in characters.
const ECHO_MAX_CHARS: usize = 64;
