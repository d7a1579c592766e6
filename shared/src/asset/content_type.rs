//! The grammar of a declared content type.

/// Longest declared content type, in bytes.
pub(super) const CONTENT_TYPE_MAX_BYTES: usize = 255;

/// The `type/subtype` of a content type, without its parameters (RFC 9110 §8.3.1); `None` if the text is not a content type or is longer
/// than [`CONTENT_TYPE_MAX_BYTES`].
///
/// What is accepted is signed, sent as a header and stored with the file, so the grammar is stricter than that of the RFC in three
/// points: around a semicolon at most one space, no backslash in a quoted value, no tab. It is looser in one: a value may contain
/// commas without quotes, because that is how browsers name a recording (`video/webm;codecs=vp9,opus`).
///
/// Trap: browsers split a header at commas and use the last part that is a media type. A `/` must therefore never follow a comma
/// outside of quotes, or `video/mp4;x=a,text/html` would be shown as a page.
pub(super) fn essence(content_type: &str) -> Option<&str> {
    if content_type.len() > CONTENT_TYPE_MAX_BYTES {
        return None;
    }
    let end = content_type.find([';', ' ']).unwrap_or(content_type.len());
    let (essence, mut rest) = content_type.split_at_checked(end)?;
    let (kind, subtype) = essence.split_once('/')?;
    if !is_token(kind) || !is_token(subtype) {
        return None;
    }
    while !rest.is_empty() {
        rest = parameter(rest)?;
    }
    Some(essence)
}

/// What follows the first parameter of `text`, which starts with its semicolon. The parameter may be empty (RFC 9110 §5.6.6).
fn parameter(text: &str) -> Option<&str> {
    let rest = one_space(text).strip_prefix(';')?;
    let text = one_space(rest);
    // Nothing may follow but a space: a header loses the spaces at its end, so what was signed would not be what is sent.
    if rest.is_empty() || text.starts_with(';') {
        return Some(rest);
    }
    let (name, value) = text.split_once('=')?;
    let (is_value, rest) = if let Some(quoted) = value.strip_prefix('"') {
        let (value, rest) = quoted.split_once('"')?;
        (is_quotable(value), rest)
    } else {
        let end = value.find([';', ' ']).unwrap_or(value.len());
        let (value, rest) = value.split_at_checked(end)?;
        (value.split(',').all(is_token), rest)
    };
    (is_token(name) && is_value).then_some(rest)
}

/// Whether the text may stand between quotes. A signature collapses several spaces to one, so they are not accepted.
fn is_quotable(text: &str) -> bool {
    let is_text = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'\\';
    text.bytes().all(is_text) && !text.contains("  ")
}

/// The text without the space that it may start with.
fn one_space(text: &str) -> &str {
    text.strip_prefix(' ').unwrap_or(text)
}

/// Whether the text is a token (RFC 9110 §5.6.2).
fn is_token(text: &str) -> bool {
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_tchar)
}
