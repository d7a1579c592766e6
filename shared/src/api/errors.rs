//! Error codes of each operation: most follow from its row of the contract table.

use super::{Access, Answer, Op, Parameter};
use crate::problem::ErrorCode;

/// Whoever needs a token can get these.
const OF_TOKENS: [ErrorCode; 9] = [
    ErrorCode::TokenMissing,
    ErrorCode::TokenInvalid,
    ErrorCode::TokenAlgorithmInvalid,
    ErrorCode::TokenExpired,
    ErrorCode::TokenNotYetValid,
    ErrorCode::TokenAudienceInvalid,
    ErrorCode::TokenIssuerInvalid,
    ErrorCode::TokenClaimsInvalid,
    ErrorCode::RoleForbidden,
];

/// Whoever sends a body can get these.
const OF_BODIES: [ErrorCode; 4] = [
    ErrorCode::BodyTooLarge,
    ErrorCode::ContentTypeUnsupported,
    ErrorCode::JsonInvalid,
    ErrorCode::RequestInvalid,
];

impl Op {
    /// Every error code that it can answer with, in order.
    #[must_use]
    pub fn errors(self) -> Vec<ErrorCode> {
        let mut codes = self.own_errors().to_vec();
        if self.has_strict_query() {
            codes.push(ErrorCode::QueryInvalid);
        }
        if [Parameter::AssetCursor, Parameter::JobCursor]
            .iter()
            .any(|cursor| self.query().contains(cursor))
        {
            codes.push(ErrorCode::CursorInvalid);
        }
        if self.has_body() {
            codes.extend(OF_BODIES);
        }
        if self.access() != Access::Public {
            codes.extend(OF_TOKENS);
        }
        if self.path().contains('{') {
            codes.push(ErrorCode::NotFound);
        }
        // Whatever touches the database or a bucket can meet their failure.
        codes.push(ErrorCode::Internal);
        if self.has_strict_query() || self.answer() == Answer::Bytes {
            codes.push(ErrorCode::Unavailable);
        }
        let is_listed = |code: &ErrorCode| codes.contains(code);
        ErrorCode::ALL.iter().copied().filter(is_listed).collect()
    }
}
