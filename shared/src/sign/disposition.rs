//! `Content-Disposition` headers with a client's file name.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything except RFC 8187's `attr-char`.
const NOT_ATTR_CHAR: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// `Content-Disposition: attachment` with a client's file name.
#[must_use]
pub fn attachment(filename: &str) -> String {
    disposition("attachment", filename)
}

/// `Content-Disposition: inline` with a client's file name: for files that a player may show.
#[must_use]
pub fn inline(filename: &str) -> String {
    disposition("inline", filename)
}

/// Encodes a disposition as in RFC 6266 §4.3 and RFC 8187.
fn disposition(kind: &str, filename: &str) -> String {
    // If the name is a path, a download gets its last part.
    let mut parts = filename.rsplit(['/', '\\']);
    let name = parts.find(|part| !part.is_empty()).unwrap_or("file");
    let ascii: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') || c == ' ' {
                c
            } else {
                '_'
            }
        })
        .collect();
    let encoded = utf8_percent_encode(name, NOT_ATTR_CHAR);
    format!("{kind}; filename=\"{ascii}\"; filename*=UTF-8''{encoded}")
}
