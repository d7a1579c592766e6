//! Query parameters: name, accepted values and description of each, once for the service and for the OpenAPI document.

use super::{LIMIT_DEFAULT, LIMIT_MAX};
use crate::asset::{AssetState, OWNER_ID_MAX_BYTES, OWNER_TYPE_MAX_BYTES};
use crate::auth::check_name;
use crate::event::EventType;
use crate::id::{AssetId, JobId};
use crate::job::JobState;
use crate::kind::AssetKind;
use crate::problem::{ErrorCode, Failure};
use crate::sign::path_token::{PATH_TOKEN_TTL_MAX_S, PATH_TOKEN_TTL_MIN_S};

/// Which values a query parameter accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One of these words.
    Word(&'static [&'static str]),
    /// One or more of these words, separated by commas.
    Words(&'static [&'static str]),
    /// An integer in decimal digits, from `min` to `max`.
    Integer {
        /// Smallest value.
        min: u32,
        /// Largest value.
        max: u32,
        /// Value if the parameter is absent; `None` if a setting decides.
        default: Option<u32>,
    },
    /// The id of an asset.
    AssetId,
    /// The id of a job.
    JobId,
    /// The `next_cursor` of a list of assets.
    AssetCursor,
    /// The `next_cursor` of a list of jobs.
    JobCursor,
    /// The name of a user.
    User,
    /// A label of 1 to this many bytes, without NUL.
    Label(usize),
    /// Any text. What it means is decided by its handler.
    Text,
}

macro_rules! parameters {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $form:expr, $example:literal;)+) => {
        /// A query parameter of the contract.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Parameter { $($(#[doc = $doc])+ $variant,)+ }

        impl Parameter {
            /// Every parameter.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Name in a query.
            #[must_use]
            pub const fn name(self) -> &'static str { match self { $(Self::$variant => $name),+ } }

            /// Accepted values.
            #[must_use]
            pub const fn form(self) -> Form { match self { $(Self::$variant => $form),+ } }

            /// A value that it accepts.
            #[must_use]
            pub const fn example(self) -> &'static str { match self { $(Self::$variant => $example),+ } }

            /// What it does.
            #[cfg(feature = "openapi")]
            #[must_use]
            pub fn description(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_start()),+ }
            }
        }
    };
}

parameters! {
    /// User to act for, 1–128 bytes without control characters. The roles `service` and `admin` may name any user of their tenant, the role `user` only itself.
    OnBehalfOf = "on_behalf_of", Form::User, "alice";
    /// Only assets of this kind.
    Kind = "kind", Form::Word(AssetKind::WORDS), "image";
    /// Only assets in this state.
    AssetState = "state", Form::Word(AssetState::WORDS), "ready";
    /// Only jobs in this state.
    JobState = "state", Form::Word(JobState::WORDS), "failed";
    /// Only assets with this type of owner, 1–64 bytes without NUL.
    OwnerType = "owner_type", Form::Label(OWNER_TYPE_MAX_BYTES), "course";
    /// Only assets whose owner has this id, 1–256 bytes without NUL.
    OwnerId = "owner_id", Form::Label(OWNER_ID_MAX_BYTES), "42";
    /// Only jobs of this asset.
    OfAsset = "asset_id", Form::AssetId, "ast_01KDVDNM00041061050R3GG28A";
    /// The `next_cursor` of the previous page; absent for the first page.
    AssetCursor = "cursor", Form::AssetCursor, "ast_01KDVDNM00041061050R3GG28A";
    /// The `next_cursor` of the previous page; absent for the first page.
    JobCursor = "cursor", Form::JobCursor, "job_01KDVDNM00041061050R3GG28A";
    /// Largest number of items on the page.
    Limit = "limit", Form::Integer { min: 1, max: LIMIT_MAX, default: Some(LIMIT_DEFAULT) }, "20";
    /// Life of the URLs of private outputs in this answer, in seconds. Without it the URLs live as long as the setting `PRIVATE_URL_TTL_S` says.
    ExpiresIn = "expires_in", Form::Integer { min: PATH_TOKEN_TTL_MIN_S, max: PATH_TOKEN_TTL_MAX_S, default: None }, "3600";
    /// Only events of this asset.
    EventAsset = "asset", Form::AssetId, "ast_01KDVDNM00041061050R3GG28A";
    /// Only events of this job.
    EventJob = "job", Form::JobId, "job_01KDVDNM00041061050R3GG28A";
    /// Only events of these types, separated by commas. `snapshot` and `reset` are always sent.
    EventTypes = "types", Form::Words(EventType::WORDS), "processing_complete,processing_failed";
    /// Ticket of `CreateTicket`, in place of a token.
    Ticket = "ticket", Form::Text, "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl";
    /// Id of the last event received, for clients that cannot send the header `Last-Event-ID`; the header takes precedence. If the log cannot be resumed from there, the stream starts with `reset` and `snapshot`.
    LastEventId = "last_event_id", Form::Text, "5f3a9c01-42";
}

impl Parameter {
    /// Checks a value.
    ///
    /// # Errors
    ///
    /// `query_invalid` with the accepted values; `cursor_invalid` for a cursor.
    pub fn check(self, value: &str) -> Result<(), Failure> {
        if value.is_empty() {
            let detail = format!(
                "{} is empty: omit it, or give a value. {}",
                self.name(),
                self.rule()
            );
            Err(Failure::new(ErrorCode::QueryInvalid, detail))
        } else if self.form().accepts(value) {
            Ok(())
        } else {
            Err(self.wrong())
        }
    }

    /// The refusal of a value.
    pub(super) fn wrong(self) -> Failure {
        let is_cursor = matches!(self.form(), Form::AssetCursor | Form::JobCursor);
        let code = if is_cursor {
            ErrorCode::CursorInvalid
        } else {
            ErrorCode::QueryInvalid
        };
        Failure::new(code, self.rule())
    }

    /// What a value must be, as a sentence.
    fn rule(self) -> String {
        let rule = match self.form() {
            Form::Word(words) => format!("must be one of: {}", words.join(", ")),
            Form::Words(words) => {
                let words = words.join(", ");
                format!("must be one or more of these, separated by commas: {words}")
            }
            Form::Integer { min, max, .. } => format!("must be an integer from {min} to {max}"),
            Form::AssetId => "must be the id of an asset: ast_ and 26 characters".to_owned(),
            Form::JobId => "must be the id of a job: job_ and 26 characters".to_owned(),
            Form::AssetCursor | Form::JobCursor => {
                "must be the next_cursor of the previous page, unchanged".to_owned()
            }
            Form::User => "must have 1–128 bytes without control characters".to_owned(),
            Form::Label(max) => format!("must have 1–{max} bytes without NUL"),
            Form::Text => "must not be empty".to_owned(),
        };
        format!("{} {rule}.", self.name())
    }
}

impl Form {
    /// Whether a value that is not empty is accepted.
    fn accepts(self, value: &str) -> bool {
        match self {
            Self::Word(words) => words.contains(&value),
            Self::Words(words) => split(value).all(|word| words.contains(&word)),
            Self::Integer { min, max, .. } => {
                let number = value.parse::<u32>().ok();
                // One text per number: no sign, no leading zeros.
                number.is_some_and(|number| {
                    (min..=max).contains(&number) && number.to_string() == value
                })
            }
            Self::AssetId | Self::AssetCursor => value.parse::<AssetId>().is_ok(),
            Self::JobId | Self::JobCursor => value.parse::<JobId>().is_ok(),
            Self::User => check_name("user", value).is_ok(),
            Self::Label(max) => value.len() <= max && !value.contains('\0'),
            Self::Text => true,
        }
    }
}

/// The words of a list. Spaces around a comma are ignored.
pub(super) fn split(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim)
}
