//! Entity tags, their comparison and lists of them (RFC 9110 §8.8.3).

/// An entity tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EntityTag<'a> {
    is_weak: bool,
    /// The part in quotes, without them.
    opaque: &'a str,
}

impl<'a> EntityTag<'a> {
    /// Reads a text that is one tag.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (tag, rest) = Self::parse_start(text)?;
        rest.is_empty().then_some(tag)
    }

    /// Reads the tag that `text` begins with; also returns what follows it. A tag may contain commas and backslashes, but no quote.
    fn parse_start(text: &'a str) -> Option<(Self, &'a str)> {
        let (is_weak, quoted) = match text.strip_prefix("W/") {
            Some(quoted) => (true, quoted),
            None => (false, text),
        };
        let (opaque, rest) = quoted.strip_prefix('"')?.split_once('"')?;
        Some((Self { is_weak, opaque }, rest))
    }
}

/// How two tags are compared (§8.8.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    /// Equal if both are strong and the same.
    Strong,
    /// Equal if they are the same, whether strong or weak.
    Weak,
}

impl Comparison {
    /// Whether the tag equals `etag`, the tag of what is stored.
    pub(super) fn is_equal(self, tag: EntityTag<'_>, etag: &str) -> bool {
        let Some(stored) = EntityTag::parse(etag) else {
            return false;
        };
        let fits = match self {
            Self::Strong => !tag.is_weak && !stored.is_weak,
            Self::Weak => true,
        };
        fits && tag.opaque == stored.opaque
    }

    /// Whether a list contains `etag`. `*` alone stands for every tag; a member that is not a tag equals none.
    pub(super) fn is_in(self, list: &str, etag: &str) -> bool {
        list.trim() == "*" || Tags { rest: list }.any(|tag| self.is_equal(tag, etag))
    }
}

/// The tags of a list. Members that are not tags are left out.
struct Tags<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Tags<'a> {
    type Item = EntityTag<'a>;

    fn next(&mut self) -> Option<EntityTag<'a>> {
        let is_between = |c: char| c == ',' || c.is_ascii_whitespace();
        loop {
            let text = self.rest.trim_start_matches(is_between);
            if text.is_empty() {
                return None;
            }
            // A comma within a tag does not separate.
            let (tag, rest) = match EntityTag::parse_start(text) {
                Some((tag, rest)) => (Some(tag), rest),
                None => (None, text),
            };
            let (left, next) = rest.split_once(',').unwrap_or((rest, ""));
            self.rest = next;
            if tag.is_some() && left.trim().is_empty() {
                return tag;
            }
        }
    }
}
