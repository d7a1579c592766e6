//! The query of a request, checked against the contract table before its handler runs.

use std::str::FromStr;

use super::Op;
use super::parameter::{Parameter, split};
use crate::problem::{ErrorCode, Failure};

/// The query parameters of one request: each known to the operation, given once, and with an accepted value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    values: Vec<(Parameter, String)>,
}

impl Query {
    /// Reads the decoded name–value pairs of a query. Outside of `/v1` queries are ignored: players append their own parameters to the
    /// URLs of files.
    ///
    /// # Errors
    ///
    /// `query_invalid` if a parameter is unknown to the operation, empty, given twice, or has a value that it does not accept;
    /// `cursor_invalid` for the value of a cursor.
    pub fn read<K: AsRef<str>, V: AsRef<str>>(
        op: Op,
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, Failure> {
        let mut query = Self::default();
        if !op.has_strict_query() {
            return Ok(query);
        }
        for (name, value) in pairs {
            let parameter = known(op, name.as_ref())?;
            parameter.check(value.as_ref())?;
            if query.get(parameter).is_some() {
                let detail = format!("{} must be given once.", parameter.name());
                return Err(Failure::new(ErrorCode::QueryInvalid, detail));
            }
            query.values.push((parameter, value.as_ref().to_owned()));
        }
        Ok(query)
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
