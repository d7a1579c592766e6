//! `words!`: an enum whose variants are strings in JSON and in the database, so that JSON, SQL `CHECK` constraints and
//! `FromStr` always agree.

/// Implements the schema of an enum with `ALL` and `as_str`. (utoipa's derive macro cannot see the strings in a macro's
/// `#[serde(rename = $word)]` and would list the variant names.)
#[cfg(feature = "openapi")]
macro_rules! word_schema {
    ($name:ident, $description:expr) => {
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::Type::String)
                    .description(Some($description.trim()))
                    .enum_values(Some(Self::ALL.iter().map(|word| word.as_str())))
                    .build()
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}
    };
}

#[cfg(feature = "openapi")]
pub(crate) use word_schema;

macro_rules! words {
    ($(#[doc = $about:literal])+ $name:ident { $($(#[doc = $doc:literal])+ $variant:ident = $word:literal,)+ }) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[doc = $doc])+ #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every variant, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Every word, in order.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word as written in JSON and in the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        #[cfg(feature = "openapi")]
        $crate::words::word_schema!(
            $name,
            concat!($($about),+, "\n\n", $("- `", $word, "`:", $($doc),+, "\n"),+)
        );

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::words::UnknownWord;
            fn from_str(text: &str) -> Result<Self, $crate::words::UnknownWord> {
                match text { $($word => Ok(Self::$variant),)+ _ => Err($crate::words::UnknownWord) }
            }
        }
    };
}

pub(crate) use words;

/// The text is not one of the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown word")]
pub struct UnknownWord;
