//! Media types, detection by content, and the checks of what a client declares.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::Number;
use shared::asset::container::Container;
use shared::asset::media::{
    MediaType, check_content_type, check_filename, check_sha256, check_size, describe,
};
use shared::kind::{AssetKind, RunsOn};
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
        (b"\xFF\xD8", None, "no known media type"),
        (b"\x89PNG\r\n\x1A\n\x00", Some(MediaType::Png), "image/png"),
        (b"\x89PNG\r\n\x1A\r", None, "no known media type"),
        (b"\x89PNG\n\x1A\n", None, "no known media type"),
        (
            b"RIFF\x00\x01\x02\x03WEBPVP8 ",
            Some(MediaType::WebP),
            "image/webp",
        ),
        (b"RIFF\x00\x01\x02WEBP", None, "no known media type"),
        (b"GIF87a\x01", Some(MediaType::Gif), "image/gif"),
        (b"GIF89a\x01", Some(MediaType::Gif), "image/gif"),
        (b"GIF88a\x01", None, "no known media type"),
        (b"", None, "empty"),
        (b"%PDF-1.7\n\x00", None, "application/pdf"),
        (b"PK\x03\x04\x14\x00", None, "application/zip"),
        (b"#EXTM3U\n#EXT-X-VERSION:7\n", None, "a playlist (M3U8)"),
        (
            b"ffconcat version 1.0\nfile '/etc/passwd'\n",
            None,
            "a playlist (ffconcat)",
        ),
        (b"<!DOCTYPE html><html>", None, "text/html"),
        (b"\r\n <HTML>", None, "text/html"),
        (
            b"<svg xmlns='http://www.w3.org/2000/svg'>",
            None,
            "SVG or another XML text",
        ),
        (
            b"<?xml version='1.0'?><MPD type=\"static\">",
            None,
            "SVG or another XML text",
        ),
        (b"hello, world\n", None, "plain text"),
        (b"hello\x00world", None, "no known media type"),
        (b"<ht", None, "plain text"),
        (b" \xFF\xD8\xFF", None, "no known media type"),
    ];
    for (head, media_type, words) in table {
        assert_eq!(MediaType::sniff(head), media_type, "{head:?}");
        assert_eq!(describe(head), words, "{head:?}");
    }
}

/// An EBML header with this document type, like those of ffmpeg and browsers.
fn ebml(doc_type: &[u8]) -> Vec<u8> {
    let mut head = b"\x1A\x45\xDF\xA3\xA3\x42\x86\x81\x01\x42\xF7\x81\x01\x42\x82".to_vec();
    head.push(0x80 | u8::try_from(doc_type.len()).unwrap());
    head.extend(doc_type);
    head.extend(b"\x42\x87\x81\x04");
    head
}

/// A transport stream of `count` packets, each preceded by a time stamp of `before` bytes.
fn transport_stream(before: usize, count: usize) -> Vec<u8> {
    let mut packet = vec![0; before];
    packet.push(0x47);
    packet.resize(before + 188, 0xFF);
    packet.repeat(count)
}

/// An `ftyp` box with this major brand and these compatible brands.
fn ftyp(major: &[u8], others: &[&[u8]]) -> Vec<u8> {
    let size = u32::try_from(16 + 4 * others.len()).unwrap();
    let mut head = size.to_be_bytes().to_vec();
    head.extend(b"ftyp");
    head.extend(major);
    head.extend(b"\x00\x00\x02\x00");
    head.extend(others.concat());
    // The bytes after the box are not a brand.
    head.extend(b"\x00\x00\x00\x08avif");
    head
}

/// Name, first bytes, detected type, container family.
type Beginning = (&'static str, Vec<u8>, MediaType, Container);

/// ISO files, with and without brands.
fn iso_files() -> Vec<Beginning> {
    use Container as C;
    use MediaType as T;
    let of = |bytes: &[u8]| bytes.to_vec();
    vec![
        (
            "mp4",
            ftyp(b"isom", &[b"iso2", b"avc1", b"mp41"]),
            T::Mp4,
            C::IsoMedia,
        ),
        ("fragmented mp4", ftyp(b"iso5", &[]), T::Mp4, C::IsoMedia),
        ("mov", ftyp(b"qt  ", &[b"qt  "]), T::QuickTime, C::IsoMedia),
        ("m4v", ftyp(b"M4V ", &[b"mp42"]), T::M4v, C::IsoMedia),
        ("m4a", ftyp(b"M4A ", &[b"isom"]), T::M4a, C::IsoMedia),
        ("3gp", ftyp(b"3gp5", &[b"isom"]), T::ThreeGp, C::IsoMedia),
        ("3g2", ftyp(b"3g2a", &[]), T::ThreeGp, C::IsoMedia),
        (
            "old mov, moov",
            of(b"\0\0\x10\0moov\0\0\0\x6Cmvhd"),
            T::QuickTime,
            C::IsoMedia,
        ),
        (
            "old mov, mdat",
            of(b"\0\0\0\x01mdat\0\0\0\0\0\x10\0\0"),
            T::QuickTime,
            C::IsoMedia,
        ),
        (
            "old mov, wide",
            of(b"\0\0\0\x08wide\0\0\0\0mdat"),
            T::QuickTime,
            C::IsoMedia,
        ),
        (
            "old mov, free",
            of(b"\0\0\0\x08free\0\0\0\0mdat"),
            T::QuickTime,
            C::IsoMedia,
        ),
        ("avif", ftyp(b"avif", &[b"mif1", b"miaf"]), T::Avif, C::Avif),
        (
            "avif by its second brand",
            ftyp(b"mif1", &[b"heic", b"avif"]),
            T::Avif,
            C::Avif,
        ),
        ("avif sequence", ftyp(b"avis", &[b"msf1"]), T::Avif, C::Avif),
        ("heic", ftyp(b"heic", &[b"mif1", b"heic"]), T::Heic, C::Heif),
        ("heif", ftyp(b"mif1", &[b"heic"]), T::Heic, C::Heif),
    ]
}

/// Other video files, and TIFF.
fn video_files() -> Vec<Beginning> {
    use Container as C;
    use MediaType as T;
    let of = |bytes: &[u8]| bytes.to_vec();
    vec![
        ("tiff", of(b"II*\0\x08\0\0\0"), T::Tiff, C::Tiff),
        ("tiff, big-endian", of(b"MM\0*\0\0\0\x08"), T::Tiff, C::Tiff),
        ("big tiff", of(b"II+\0\x08\0\0\0"), T::Tiff, C::Tiff),
        ("webm", ebml(b"webm"), T::WebM, C::Matroska),
        ("matroska", ebml(b"matroska"), T::Matroska, C::Matroska),
        ("ts", transport_stream(0, 3), T::MpegTs, C::MpegTs),
        (
            "ts, 2 packets",
            transport_stream(0, 2),
            T::MpegTs,
            C::MpegTs,
        ),
        ("m2ts", transport_stream(4, 21), T::MpegTs, C::MpegTs),
        ("avi", of(b"RIFF\x24\0\0\0AVI LIST"), T::Avi, C::Avi),
        ("flv", of(b"FLV\x01\x05\0\0\0\x09"), T::Flv, C::Flv),
        ("mpg", of(b"\0\0\x01\xBA\x44\0\x04"), T::Mpeg, C::MpegPs),
        ("m2v", of(b"\0\0\x01\xB3\x2D\x01\xE0"), T::Mpeg, C::MpegPs),
    ]
}

/// Other audio files.
fn audio_files() -> Vec<Beginning> {
    use Container as C;
    use MediaType as T;
    let of = |bytes: &[u8]| bytes.to_vec();
    vec![
        ("wav", of(b"RIFF\x24\0\0\0WAVEfmt "), T::Wav, C::Wav),
        (
            "long wav",
            of(b"RF64\xFF\xFF\xFF\xFFWAVEds64"),
            T::Wav,
            C::Wav,
        ),
        ("ogg", of(b"OggS\0\x02\0\0"), T::OggVideo, C::Ogg),
        ("flac", of(b"fLaC\0\0\0\x22"), T::Flac, C::Flac),
        ("mp3", of(b"\xFF\xFB\x90\x64"), T::Mp3, C::MpegAudio),
        ("mp3, MPEG-2", of(b"\xFF\xF3\x40\xC4"), T::Mp3, C::MpegAudio),
        ("mp2", of(b"\xFF\xFD\x84\x04"), T::Mp3, C::MpegAudio),
        (
            "mp3 with a tag",
            of(b"ID3\x04\0\0\0\0\x0F\x76"),
            T::Mp3,
            C::Id3,
        ),
        ("aac", of(b"\xFF\xF1\x50\x80\x02"), T::Aac, C::Adts),
        (
            "aac with a checksum",
            of(b"\xFF\xF0\x4C\x80\x02"),
            T::Aac,
            C::Adts,
        ),
    ]
}

fn containers() -> Vec<Beginning> {
    [iso_files(), video_files(), audio_files()].concat()
}

#[test]
fn containers_are_detected_by_their_first_bytes() {
    for (what, head, media_type, container) in containers() {
        assert_eq!(Container::sniff(&head), Some(container), "{what}");
        assert_eq!(MediaType::sniff(&head), Some(media_type), "{what}");
        assert!(media_type.holds(&head), "{what}");
        assert_eq!(describe(&head), container.words(), "{what}");
    }
}

#[test]
fn files_that_only_resemble_a_container_are_not_detected() {
    let almost_ts = {
        let mut bytes = transport_stream(0, 5);
        bytes[4 * 188] = b'X';
        bytes
    };
    let heads: [(&str, &[u8]); 16] = [
        ("one letter G", b"Good morning, this is a text."),
        ("a packet without the sync byte", &almost_ts),
        ("one packet", &transport_stream(0, 1)),
        ("ftyp without a brand", b"\0\0\0\x08ftyp"),
        ("a box with an invalid size", b"\0\0\0\x04moov...."),
        ("an unknown box", b"\0\0\x10\0junk\0\0\0\x6Cmvhd"),
        ("EBML with an unknown document type", &ebml(b"matrjoschka")),
        (
            "EBML without a document type",
            b"\x1A\x45\xDF\xA3\x80\x42\x86\x81\x01",
        ),
        ("UTF-16 text", b"\xFF\xFEh\0e\0l\0l\0o\0"),
        ("UTF-16 XML", b"\xFF\xFE<\0?\0x\0m\0l\0"),
        ("a frame with an invalid bit rate", b"\xFF\xFB\xF0\x00"),
        ("a frame with an invalid sample rate", b"\xFF\xFB\x9C\x00"),
        ("ADTS with an invalid sample rate", b"\xFF\xF1\x74\x80"),
        ("another RIFF", b"RIFF\x24\0\0\0ACON"),
        ("another start code", b"\0\0\x01\x09\x10"),
        ("TIFF's byte order mark alone", b"II*"),
    ];
    for (what, head) in heads {
        assert_eq!(Container::sniff(head), None, "{what}");
    }
}

/// Types that share a container family and therefore cannot be told apart.
const FAMILIES: [&[MediaType]; 3] = [
    &[
        MediaType::Mp4,
        MediaType::QuickTime,
        MediaType::M4v,
        MediaType::ThreeGp,
        MediaType::M4a,
    ],
    &[
        MediaType::WebM,
        MediaType::Matroska,
        MediaType::WebMAudio,
        MediaType::MatroskaAudio,
    ],
    &[MediaType::OggVideo, MediaType::OggAudio],
];

#[test]
fn a_declared_type_accepts_only_its_own_containers() {
    for (what, head, named, container) in containers() {
        for &declared in MediaType::ALL {
            let is_related = FAMILIES
                .iter()
                .any(|family| family.contains(&declared) && family.contains(&named));
            // An ID3 tag may precede each of the three.
            let is_tagged = container == Container::Id3
                && [MediaType::Mp3, MediaType::Aac, MediaType::Flac].contains(&declared);
            let expected = declared == named || is_related || is_tagged;
            assert_eq!(declared.holds(&head), expected, "{declared:?} of {what}");
        }
    }
    for text in [
        &b"#EXTM3U\n#EXTINF:10,\nhttp://169.254.169.254/\n"[..],
        b"ffconcat version 1.0\n",
        b"<?xml version='1.0'?><MPD/>",
        b"<svg/>",
        b"PK\x03\x04",
        b"",
    ] {
        assert!(MediaType::ALL.iter().all(|declared| !declared.holds(text)));
    }
}

#[test]
fn content_types() {
    let mut names = BTreeSet::new();
    for &media_type in MediaType::ALL {
        let text = media_type.as_str();
        for name in media_type.aliases().iter().chain([&text]) {
            assert!(names.insert(*name), "{name} is listed twice");
            assert_eq!(check_content_type(name, true), Ok(media_type));
        }
        assert_eq!(
            check_content_type(&text.to_uppercase(), true),
            Ok(media_type)
        );
        let kind = text.split('/').next().unwrap();
        assert_eq!(media_type.kind().as_str(), kind);
        // Without native workers, only the edge's types are accepted.
        let at_the_edge = media_type.runs_on() == RunsOn::Edge;
        assert_eq!(
            check_content_type(text, false).is_ok(),
            at_the_edge,
            "{text}"
        );
        assert!(kind == "image" || !at_the_edge);
    }
    let aliases = [
        ("image/heif", MediaType::Heic),
        ("audio/mp3", MediaType::Mp3),
        ("audio/x-wav", MediaType::Wav),
        ("audio/wave", MediaType::Wav),
        ("Audio/X-M4A", MediaType::M4a),
        ("video/avi", MediaType::Avi),
        ("video/matroska", MediaType::Matroska),
        ("image/jpg", MediaType::Jpeg),
        ("image/pjpeg", MediaType::Jpeg),
        ("video/vnd.avi", MediaType::Avi),
        ("audio/matroska", MediaType::MatroskaAudio),
        ("VIDEO/X-M4V", MediaType::M4v),
    ];
    for (text, media_type) in aliases {
        assert_eq!(check_content_type(text, true), Ok(media_type), "{text}");
    }
    let bad = [
        "",
        "image",
        "image/",
        "image/svg+xml",
        "text/html",
        "video/",
        "video/x-ms-wmv",
        "application/vnd.apple.mpegurl",
        "application/dash+xml",
        "audio/mpegurl",
        " image/jpeg",
        "image/jpeg ",
        "image/jpeg\0",
        "*/*",
    ];
    for text in bad {
        let rejected = check_content_type(text, true).unwrap_err();
        assert_eq!(rejected.code, ErrorCode::MediaTypeUnsupported, "{text:?}");
        assert!(rejected.detail.contains("image/gif, image/avif"));
        let rejected = check_content_type(text, false).unwrap_err();
        assert!(rejected.detail.ends_with("image/webp, image/gif."));
    }
}

/// The size that is accepted of this declared one, with a limit.
fn size(size_bytes: impl Into<Number>, max_bytes: u64) -> Result<u64, ErrorCode> {
    let checked = check_size(&size_bytes.into(), AssetKind::Video, max_bytes);
    checked.map_err(|failure| failure.code)
}

#[test]
fn a_content_type_may_have_parameters() {
    let good = [
        ("image/jpeg; q=1", MediaType::Jpeg),
        ("image/jpeg ;q=1", MediaType::Jpeg),
        ("video/mp4; codecs=avc1", MediaType::Mp4),
        ("video/webm;codecs=vp9,opus", MediaType::WebM),
        ("video/webm;codecs=\"vp9,opus\"", MediaType::WebM),
        (
            "Video/MP4; codecs=\"avc1.42E01E, mp4a.40.2\"; profiles=\"isom\"",
            MediaType::Mp4,
        ),
        ("audio/ogg; codecs=opus", MediaType::OggAudio),
        ("audio/mp3;a=\"\";b=c", MediaType::Mp3),
        ("image/jpeg;", MediaType::Jpeg),
        ("image/jpeg ;", MediaType::Jpeg),
        ("image/jpeg;;", MediaType::Jpeg),
        ("image/jpeg;q=1;", MediaType::Jpeg),
        ("image/jpeg; ;q=1 ; ;; r=2", MediaType::Jpeg),
    ];
    for (text, media_type) in good {
        assert_eq!(check_content_type(text, true), Ok(media_type), "{text}");
    }
    let longest = format!("image/jpeg;a={}", "x".repeat(242));
    assert_eq!(longest.len(), 255);
    assert_eq!(check_content_type(&longest, true), Ok(MediaType::Jpeg));
    let too_long = format!("{longest}x");
    let bad = [
        &too_long,
        ";",
        "image;",
        "image/jpeg; ",
        "image/jpeg;; ",
        "image/jpeg;  ;",
        "image/jpeg;q",
        "image/jpeg;q=",
        "image/jpeg;=1",
        "image/jpeg;q=1; ",
        "image/jpeg;q=1 ",
        "image/jpeg;  q=1",
        "image/jpeg  ;q=1",
        "image/jpeg;q =1",
        "image/jpeg;q= 1",
        "image/jpeg\t;q=1",
        "image/jpeg;q=\"1",
        "image/jpeg;q=\"1\"2",
        "image/jpeg;q=\"a\\\"b\"",
        "image/jpeg;q=\"a  b\"",
        "image/jpeg;q=\"é\"",
        "image/jpeg;q=é",
        "image/jpeg;q=a\r\nx: y",
        "image/jpeg;q=\"a\r\nb\"",
        "image/jpeg,text/html",
        // A browser would take the part after the comma for the type.
        "video/mp4;x=a,text/html",
        "video/mp4;x=a, text/html",
        "video/mp4;x=a,,b",
        "text/html;x=image/jpeg",
    ];
    for text in bad {
        let rejected = check_content_type(text, true).unwrap_err();
        assert_eq!(rejected.code, ErrorCode::MediaTypeUnsupported, "{text:?}");
    }
}

#[test]
fn sizes() {
    assert_eq!(size(1, 10), Ok(1));
    assert_eq!(size(10, 10), Ok(10));
    assert_eq!(size(11, 10), Err(ErrorCode::FileTooLarge));
    assert_eq!(size(i64::MAX, 10), Err(ErrorCode::FileTooLarge));
    assert_eq!(size(u64::MAX, 10), Err(ErrorCode::FileTooLarge));
    assert_eq!(size(0, 10), Err(ErrorCode::FileEmpty));
    assert_eq!(size(-1, 10), Err(ErrorCode::SizeInvalid));
    assert_eq!(size(i64::MIN, 10), Err(ErrorCode::SizeInvalid));
    let float = |value: f64| size(Number::from_f64(value).unwrap(), 1_000);
    assert_eq!(float(314.0), Ok(314));
    assert_eq!(float(1e3), Ok(1_000));
    assert_eq!(float(-0.0), Err(ErrorCode::FileEmpty));
    assert_eq!(float(1.5), Err(ErrorCode::SizeInvalid));
    assert_eq!(float(-1e30), Err(ErrorCode::SizeInvalid));
    for large in [1e12, 1e30, f64::MAX] {
        assert_eq!(float(large), Err(ErrorCode::FileTooLarge));
    }
    let rejected = check_size(&11.into(), AssetKind::Audio, 10).unwrap_err();
    assert_eq!(
        rejected.detail,
        "size_bytes is 11; the limit for files of kind audio is 10 bytes."
    );
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
    fn no_input_panics_and_a_type_needs_its_full_magic_number(head in prop::collection::vec(any::<u8>(), 0..24)) {
        let words = describe(&head);
        prop_assert_eq!(Container::sniff(&head).map(Container::words), MediaType::sniff(&head).map(|_| words));
        prop_assert!(MediaType::sniff(&head).is_none_or(|media_type| media_type.holds(&head)));
        prop_assert_eq!(words == "empty", head.is_empty());
    }

    #[test]
    fn sizes_from_one_to_the_limit_are_accepted(size: i64, max: u64) {
        let fits = u64::try_from(size).is_ok_and(|size| size >= 1 && size <= max);
        prop_assert_eq!(check_size(&size.into(), AssetKind::Image, max).is_ok(), fits);
    }
}
