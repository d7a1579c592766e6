//! Presigned URLs, compared with those of `aws-sigv4`, the signer of the AWS SDK for Rust. (The SDK itself is no reference: it
//! signs an additional `x-id=PutObject`.)

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;
use shared::sign::disposition::attachment;
use shared::sign::s3::{PutTerms, Signer};
use shared::time::Timestamp;
use url::Url;

/// Everything except RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
const PATH: &AsciiSet = &RESERVED.remove(b'/');

const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const NOW: Timestamp = Timestamp::from_ms(1_767_225_600_000);

const ENDPOINTS: [&str; 5] = [
    "https://account.r2.cloudflarestorage.com",
    "https://account.r2.cloudflarestorage.com/",
    "http://127.0.0.1:8787/cdn-cgi/local/r2/s3/",
    "http://127.0.0.1:8787/cdn-cgi/local/r2/s3",
    "http://localhost:9000",
];

/// A request to sign with the reference signer.
struct Asked<'asked> {
    method: &'asked str,
    url: String,
    headers: Vec<(&'asked str, String)>,
    region: &'asked str,
    now: Timestamp,
    ttl_s: u64,
}

/// The query parameters that the reference signer adds.
fn judged(asked: &Asked<'_>) -> BTreeMap<String, String> {
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(Duration::from_secs(asked.ttl_s));
    // Settings for S3.
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    let identity = Credentials::new(ACCESS_KEY, SECRET_KEY, None, None, "test").into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(asked.region)
        .name("s3")
        .time(SystemTime::UNIX_EPOCH + Duration::from_millis(asked.now.ms()))
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let headers = asked
        .headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()));
    let request = SignableRequest::new(
        asked.method,
        &asked.url,
        headers,
        SignableBody::UnsignedPayload,
    );
    let (instructions, _) = sign(request.unwrap(), &params).unwrap().into_parts();
    let (_, added) = instructions.into_parts();
    added
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into_owned()))
        .collect()
}

fn query(url: &Url) -> BTreeMap<String, String> {
    url.query_pairs().into_owned().collect()
}

fn signer(endpoint: &str) -> Signer {
    Signer::new(endpoint, "raw", ACCESS_KEY, SECRET_KEY).unwrap()
}

/// URL of an object, without a query.
fn object(endpoint: &str, key: &str) -> String {
    let endpoint = endpoint.trim_end_matches('/');
    format!("{endpoint}/raw/{}", utf8_percent_encode(key, PATH))
}

fn without_query(url: &Url) -> &str {
    url.as_str().split('?').next().unwrap()
}

fn check_put(endpoint: &str, terms: PutTerms<'_>, now: Timestamp, ttl_s: u64) {
    let url = signer(endpoint).put(terms, now, ttl_s);
    let asked = Asked {
        method: "PUT",
        url: object(endpoint, terms.key),
        headers: vec![
            ("content-length", terms.size_bytes.to_string()),
            ("content-type", terms.content_type.to_owned()),
            ("if-none-match", "*".to_owned()),
        ],
        region: "auto",
        now,
        ttl_s,
    };
    assert_eq!(without_query(&url), asked.url);
    assert_eq!(query(&url), judged(&asked));
}

fn check_reads(endpoint: &str, key: &str, disposition: &str, now: Timestamp) {
    let signer = signer(endpoint);
    for (method, url) in [
        ("GET", signer.get(key, disposition, now, 3_600)),
        ("HEAD", signer.head(key, disposition, now, 3_600)),
    ] {
        let asked = Asked {
            method,
            url: format!(
                "{}?response-content-disposition={}",
                object(endpoint, key),
                utf8_percent_encode(disposition, RESERVED)
            ),
            headers: Vec::new(),
            region: "auto",
            now,
            ttl_s: 3_600,
        };
        let mut expected = judged(&asked);
        let name = "response-content-disposition".to_owned();
        expected.insert(name, disposition.to_owned());
        assert_eq!(without_query(&url), object(endpoint, key));
        assert_eq!(query(&url), expected, "{method}");
    }
}

const TERMS: PutTerms<'_> = PutTerms {
    key: "originals/ast_01ARYZ6S41000000000000007Z",
    content_type: "image/jpeg",
    size_bytes: 4_812_345,
};

#[test]
fn the_reference_signer_matches_the_published_example() {
    // Amazon S3 API reference, "Authenticating requests: using query parameters", example.
    let asked = Asked {
        method: "GET",
        url: "https://examplebucket.s3.amazonaws.com/test.txt".to_owned(),
        headers: Vec::new(),
        region: "us-east-1",
        now: "2013-05-24T00:00:00Z".parse().unwrap(),
        ttl_s: 86_400,
    };
    assert_eq!(
        judged(&asked)["X-Amz-Signature"],
        "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    );
}

#[test]
fn a_put_is_signed_as_aws_signs_it() {
    let keys = [
        TERMS.key,
        "a",
        "m/ast/1-00/large.webp",
        "a b+c=d&e",
        "grüße/☃.jpg",
    ];
    for endpoint in ENDPOINTS {
        for key in keys {
            check_put(endpoint, PutTerms { key, ..TERMS }, NOW, 900);
        }
    }
}

#[test]
fn a_put_is_bound_to_size_type_and_an_unused_key() {
    let url = signer(ENDPOINTS[0]).put(TERMS, NOW, 900);
    assert_eq!(
        query(&url)["X-Amz-SignedHeaders"],
        "content-length;content-type;host;if-none-match"
    );
    assert_eq!(query(&url)["X-Amz-Expires"], "900");
    assert_eq!(query(&url)["X-Amz-Date"], "20260101T000000Z");
}

#[test]
fn a_get_and_a_head_are_signed_as_aws_signs_them() {
    for endpoint in ENDPOINTS {
        check_reads(endpoint, TERMS.key, "attachment", NOW);
        check_reads(
            endpoint,
            TERMS.key,
            &attachment("Größe \"1\" & more+=?.jpg"),
            NOW,
        );
    }
}

#[test]
fn every_term_changes_the_signature() {
    let signature = |signer: &Signer, terms, now, ttl_s| {
        query(&signer.put(terms, now, ttl_s))["X-Amz-Signature"].clone()
    };
    let at = |terms, now, ttl_s| signature(&signer(ENDPOINTS[0]), terms, now, ttl_s);
    let other = |bucket, access_key, secret_key| {
        let signer = Signer::new(ENDPOINTS[0], bucket, access_key, secret_key).unwrap();
        signature(&signer, TERMS, NOW, 900)
    };
    let get = signer(ENDPOINTS[0]).get(TERMS.key, "attachment", NOW, 900);
    let key = "originals/ast_01ARYZ6S410000000000000080";
    let content_type = "image/png";
    let size_bytes = TERMS.size_bytes + 1;
    let mut signatures = vec![
        at(TERMS, NOW, 900),
        at(PutTerms { key, ..TERMS }, NOW, 900),
        at(
            PutTerms {
                content_type,
                ..TERMS
            },
            NOW,
            900,
        ),
        at(
            PutTerms {
                size_bytes,
                ..TERMS
            },
            NOW,
            900,
        ),
        at(TERMS, NOW.plus_ms(1_000), 900),
        at(TERMS, NOW, 901),
        signature(&signer(ENDPOINTS[4]), TERMS, NOW, 900),
        other("public", ACCESS_KEY, SECRET_KEY),
        other("raw", "AKIAOTHER", SECRET_KEY),
        other("raw", ACCESS_KEY, "other secret"),
        query(&get)["X-Amz-Signature"].clone(),
    ];
    let count = signatures.len();
    signatures.sort();
    signatures.dedup();
    assert_eq!(signatures.len(), count);
}

#[test]
fn a_signer_needs_a_real_endpoint() {
    for endpoint in [
        "",
        "account.r2.cloudflarestorage.com",
        "data:text/plain,x",
        "http://",
    ] {
        let signer = Signer::new(endpoint, "raw", ACCESS_KEY, SECRET_KEY);
        assert!(signer.is_err(), "{endpoint:?}");
    }
}

#[test]
fn a_signer_does_not_print_its_secret() {
    assert!(!format!("{:?}", signer(ENDPOINTS[0])).contains(SECRET_KEY));
}

proptest! {
    #[test]
    fn any_size_time_and_key_is_signed_as_aws_signs_it(
        endpoint in 0..ENDPOINTS.len(),
        key in "[a-zA-Z0-9_-]{1,8}(/[a-zA-Z0-9][a-zA-Z0-9 ._+~ä-]{0,8}){0,3}",
        content_type in "(image|video)/[a-z0-9.+-]{1,12}",
        size_bytes: u64,
        seconds in 0..4_102_444_800_u64,
        ttl_s in 1..604_800_u64,
    ) {
        let terms = PutTerms { key: &key, content_type: &content_type, size_bytes };
        check_put(ENDPOINTS[endpoint], terms, Timestamp::from_ms(seconds * 1_000), ttl_s);
    }

    #[test]
    fn any_file_name_is_signed_as_aws_signs_it(name in "\\PC{0,40}") {
        check_reads(ENDPOINTS[2], TERMS.key, &attachment(&name), NOW);
    }
}
