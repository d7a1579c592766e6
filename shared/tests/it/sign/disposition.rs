//! `Content-Disposition` with clients' file names.

use proptest::prelude::*;
use shared::sign::disposition::attachment;

fn check_attachment(name: &str, expected: &str) {
    assert_eq!(attachment(name), expected, "{name:?}");
}

#[test]
fn attachments() {
    check_attachment(
        "photo.jpg",
        "attachment; filename=\"photo.jpg\"; filename*=UTF-8''photo.jpg",
    );
    check_attachment(
        "my photo.jpg",
        "attachment; filename=\"my photo.jpg\"; filename*=UTF-8''my%20photo.jpg",
    );
    // The example of RFC 8187 §3.2.2: "£ and € rates".
    check_attachment(
        "£ and € rates",
        "attachment; filename=\"_ and _ rates\"; filename*=UTF-8''%C2%A3%20and%20%E2%82%AC%20rates",
    );
    check_attachment(
        "a\"b\\c.jpg",
        "attachment; filename=\"c.jpg\"; filename*=UTF-8''c.jpg",
    );
    check_attachment(
        "say \"hi\".jpg",
        "attachment; filename=\"say _hi_.jpg\"; filename*=UTF-8''say%20%22hi%22.jpg",
    );
    check_attachment(
        "../../etc/passwd",
        "attachment; filename=\"passwd\"; filename*=UTF-8''passwd",
    );
    check_attachment(
        "C:\\fakepath\\photo.jpg",
        "attachment; filename=\"photo.jpg\"; filename*=UTF-8''photo.jpg",
    );
    check_attachment(
        "100%25.jpg",
        "attachment; filename=\"100_25.jpg\"; filename*=UTF-8''100%2525.jpg",
    );
    check_attachment(
        "\u{202E}gpj.exe",
        "attachment; filename=\"_gpj.exe\"; filename*=UTF-8''%E2%80%AEgpj.exe",
    );
    check_attachment(
        "👩‍🚀.png",
        "attachment; filename=\"___.png\"; filename*=UTF-8''%F0%9F%91%A9%E2%80%8D%F0%9F%9A%80.png",
    );
    check_attachment(
        "x\r\nSet-Cookie: a=b",
        "attachment; filename=\"x__Set-Cookie: a=b\"; filename*=UTF-8''x%0D%0ASet-Cookie%3A%20a%3Db",
    );
    check_attachment(
        "it's (1)*;,.jpg",
        "attachment; filename=\"it's (1)*;,.jpg\"; filename*=UTF-8''it%27s%20%281%29%2A%3B%2C.jpg",
    );
}

proptest! {
    #[test]
    fn no_file_name_breaks_out_of_the_header(name in any::<String>()) {
        let header = attachment(&name);
        prop_assert!(header.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()));
        let rest = header.strip_prefix("attachment; filename=\"").unwrap();
        let (plain, encoded) = rest.split_once("\"; filename*=UTF-8''").unwrap();
        prop_assert!(!plain.contains(['"', '\\']));
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"%!#$&+-.^_`|~".contains(&byte);
        prop_assert!(encoded.bytes().all(allowed));
        let decoded = percent_encoding::percent_decode_str(encoded).decode_utf8().unwrap();
        let end = name.trim_end_matches(['/', '\\']);
        prop_assert!(end.ends_with(&*decoded) || (end.is_empty() && decoded == "file"));
        prop_assert!(!decoded.contains(['/', '\\']));
    }
}
