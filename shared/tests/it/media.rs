//! What is taken and what is refused, with the code of each refusal.

use proptest::prelude::*;
use shared::media::{
    AssetKind, MediaType, check_content_type, check_filename, check_sha256, check_size, describe,
};
use shared::problem::{ErrorCode, Failure};

fn code<T>(result: Result<T, Failure>) -> Option<ErrorCode> {
    result.err().map(|failure| failure.code)
}

#[test]
fn sniffing() {
    let table: [(&[u8], Option<MediaType>, &str); 24] = [
        (
            b"\xFF\xD8\xFF\xE0\x00\x10JFIF",
            Some(MediaType::Jpeg),
            "image/jpeg",
        ),
        (b"\xFF\xD8\xFF", Some(MediaType::Jpeg), "image/jpeg"),
        (b"\xFF\xD8", None, "no known image type"),
        (b"\x89PNG\r\n\x1A\n\x00", Some(MediaType::Png), "image/png"),
        (b"\x89PNG\r\n\x1A\r", None, "no known image type"),
        (b"\x89PNG\n\x1A\n", None, "no known image type"),
        (
            b"RIFF\x00\x01\x02\x03WEBPVP8 ",
            Some(MediaType::WebP),
            "image/webp",
        ),
        (b"RIFF\x00\x01\x02\x03WAVEfmt ", None, "no known image type"),
        (b"RIFF\x00\x01\x02WEBP", None, "no known image type"),
        (b"GIF87a\x01", Some(MediaType::Gif), "image/gif"),
        (b"GIF89a\x01", Some(MediaType::Gif), "image/gif"),
        (b"GIF88a\x01", None, "no known image type"),
        (b"", None, "empty"),
        (b"%PDF-1.7\n\x00", None, "application/pdf"),
        (b"PK\x03\x04\x14\x00", None, "application/zip"),
        (
            b"\x00\x00\x00\x20ftypavif",
            None,
            "an ISO media file (MP4, HEIC or AVIF)",
        ),
        (b"<!DOCTYPE html><html>", None, "text/html"),
        (b"\r\n <HTML>", None, "text/html"),
        (
            b"<svg xmlns='http://www.w3.org/2000/svg'>",
            None,
            "SVG or another XML text",
        ),
        (b"<?xml version='1.0'?>", None, "SVG or another XML text"),
        (b"hello, world\n", None, "plain text"),
        (b"hello\x00world", None, "no known image type"),
        (b"<ht", None, "plain text"),
        (b" \xFF\xD8\xFF", None, "no known image type"),
    ];
    for (head, media_type, words) in table {
        assert_eq!(MediaType::sniff(head), media_type, "{head:?}");
        assert_eq!(describe(head), words, "{head:?}");
    }
}

#[test]
fn content_types() {
    for &media_type in MediaType::ALL {
        let text = media_type.as_str();
        assert_eq!(check_content_type(text), Ok(media_type));
        assert_eq!(check_content_type(&text.to_uppercase()), Ok(media_type));
        assert_eq!(media_type.kind(), AssetKind::Image);
    }
    let bad = [
        "",
        "image",
        "image/",
        "image/jpg",
        "image/svg+xml",
        "text/html",
        "video/mp4",
        "image/jpeg; q=1",
        " image/jpeg",
        "image/jpeg ",
        "image/jpeg\0",
        "*/*",
    ];
    for text in bad {
        let refused = check_content_type(text).unwrap_err();
        assert_eq!(refused.code, ErrorCode::MediaTypeUnsupported, "{text:?}");
        assert!(
            refused
                .detail
                .contains("image/jpeg, image/png, image/webp, image/gif")
        );
    }
}

#[test]
fn sizes() {
    assert_eq!(check_size(1, 10), Ok(1));
    assert_eq!(check_size(10, 10), Ok(10));
    assert_eq!(code(check_size(11, 10)), Some(ErrorCode::FileTooLarge));
    assert_eq!(
        code(check_size(i64::MAX, 10)),
        Some(ErrorCode::FileTooLarge)
    );
    assert_eq!(code(check_size(0, 10)), Some(ErrorCode::FileEmpty));
    assert_eq!(code(check_size(-1, 10)), Some(ErrorCode::SizeInvalid));
    assert_eq!(code(check_size(i64::MIN, 10)), Some(ErrorCode::SizeInvalid));
    let refused = check_size(11, 10).unwrap_err();
    assert_eq!(refused.detail, "size_bytes is 11, the limit is 10 bytes.");
}

#[test]
fn file_names() {
    let long = "x".repeat(1_024);
    for name in [
        "a",
        "../../etc/passwd",
        "C:\\x",
        "\u{202E}gpj.exe",
        "😀.jpg",
        "a\nb",
        " ",
        &long,
    ] {
        assert_eq!(check_filename(name), Ok(()), "{name:?}");
    }
    let too_long = "x".repeat(1_025);
    let too_many_bytes = "é".repeat(513);
    for name in ["", "\0", "a\0b", &too_long, &too_many_bytes] {
        assert_eq!(
            code(check_filename(name)),
            Some(ErrorCode::FilenameInvalid),
            "{name:?}"
        );
    }
}

#[test]
fn checksums() {
    let good = "0123456789abcdef".repeat(4);
    assert_eq!(check_sha256(None), Ok(()));
    assert_eq!(check_sha256(Some(&good)), Ok(()));
    let bad = [
        String::new(),
        "0".repeat(63),
        format!("{good}0"),
        good.to_uppercase(),
        good.replace('f', "g"),
        format!("{}é", "0".repeat(62)),
        format!(" {}", "0".repeat(63)),
    ];
    for text in bad {
        assert_eq!(
            code(check_sha256(Some(&text))),
            Some(ErrorCode::ChecksumInvalid),
            "{text:?}"
        );
    }
}

proptest! {
    #[test]
    fn nothing_panics_and_a_type_needs_its_whole_magic(head in prop::collection::vec(any::<u8>(), 0..24)) {
        let words = describe(&head);
        prop_assert_eq!(MediaType::sniff(&head).map(MediaType::as_str), MediaType::parse(words).map(MediaType::as_str));
        prop_assert_eq!(words == "empty", head.is_empty());
    }

    #[test]
    fn a_size_is_taken_between_one_and_the_limit(size: i64, max: u64) {
        let fits = u64::try_from(size).is_ok_and(|size| size >= 1 && size <= max);
        prop_assert_eq!(check_size(size, max).is_ok(), fits);
    }
}
