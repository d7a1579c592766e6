//! The table of error codes, and the problem document.

use std::collections::HashSet;
use std::fmt::Write as _;

use shared::problem::{ErrorCode, Failure, Problem, UnknownCode};

#[test]
fn table() {
    let mut table = String::new();
    for code in ErrorCode::ALL {
        let (text, status, title) = (code.as_str(), code.status(), code.title());
        writeln!(table, "{status}  {text:26} {title}").unwrap();
    }
    insta::assert_snapshot!(table);
}

#[test]
fn codes_are_unique_words() {
    let words: HashSet<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(words.len(), ErrorCode::ALL.len());
    for word in words {
        assert!(word.starts_with(|c: char| c.is_ascii_lowercase()), "{word}");
        assert!(word.ends_with(|c: char| c.is_ascii_lowercase()), "{word}");
        assert!(!word.contains("__"), "{word}");
        let allowed = |c: char| c.is_ascii_lowercase() || c == '_';
        assert!(word.chars().all(allowed), "{word}");
    }
}

#[test]
fn codes_round_trip_as_text_and_json() {
    for &code in ErrorCode::ALL {
        assert_eq!(code.as_str().parse(), Ok(code));
        let json = serde_json::to_string(&code).unwrap();
        assert_eq!(json, format!("\"{}\"", code.as_str()));
        assert_eq!(serde_json::from_str::<ErrorCode>(&json).unwrap(), code);
    }
    for text in ["", "Not_found", "not_found ", "unknown"] {
        assert_eq!(text.parse::<ErrorCode>(), Err(UnknownCode));
    }
}

#[test]
fn statuses_are_errors_and_titles_are_not_empty() {
    for code in ErrorCode::ALL {
        assert!((400..=599).contains(&code.status()), "{code:?}");
        let title = code.title();
        assert!(
            title.starts_with(|c: char| c.is_ascii_uppercase()),
            "{title}"
        );
        assert!(
            !title.ends_with('.') && !title.contains(char::is_numeric),
            "{title}"
        );
    }
}

#[test]
fn document() {
    let problem = Problem::new(
        ErrorCode::FileTooLarge,
        "size_bytes is 2, the limit is 1 bytes.",
        "req_1",
    );
    let json = serde_json::to_string_pretty(&problem).unwrap();
    insta::assert_snapshot!(json, @r#"
    {
      "type": "https://ferrotype.dev/problems/file_too_large",
      "title": "File too large",
      "status": 400,
      "detail": "size_bytes is 2, the limit is 1 bytes.",
      "code": "file_too_large",
      "request_id": "req_1"
    }
    "#);
    assert_eq!(serde_json::from_str::<Problem>(&json).unwrap(), problem);
}

#[test]
fn failure() {
    let failure = Failure::new(ErrorCode::ImageTruncated, "It ends early.");
    let json = serde_json::to_string(&failure).unwrap();
    assert_eq!(
        json,
        r#"{"code":"image_truncated","detail":"It ends early."}"#
    );
    assert_eq!(serde_json::from_str::<Failure>(&json).unwrap(), failure);
}
