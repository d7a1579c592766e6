//! The contract test: schemathesis sends generated requests, valid and invalid, and compares every answer with
//! `docs/openapi.json`. It runs once per role; hooks in `tests/schemathesis` upload real files and claim real jobs.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Instant;

use tempfile::TempDir;
use tests::{Clip, Options, Stack, Token, root};

/// Calls of all roles together, at least.
const CALLS_MIN: u64 = 5_000;

const ROLES: [&str; 3] = ["user", "worker", "admin"];

const IMAGE: &str = "-f lavfi -i testsrc2=s=64x48 -frames:v 1";
const VIDEO: &str = "-f lavfi -i testsrc2=s=64x48:d=0.2";
const AUDIO: &str = "-f lavfi -i sine=d=0.2";

/// A file for each media type that can be uploaded: the type, a file name, and how ffmpeg makes the file.
const FILES: [(&str, &str, &str, &str); 24] = [
    ("image/jpeg", "a.jpg", IMAGE, ""),
    ("image/png", "a.png", IMAGE, ""),
    ("image/webp", "a.webp", IMAGE, ""),
    ("image/gif", "a.gif", IMAGE, ""),
    (
        "image/avif",
        "a.avif",
        IMAGE,
        "-c:v libaom-av1 -cpu-used 8 -still-picture 1",
    ),
    ("image/tiff", "a.tiff", IMAGE, ""),
    ("video/mp4", "a.mp4", VIDEO, ""),
    ("video/quicktime", "a.mov", VIDEO, ""),
    ("video/x-m4v", "b.mp4", VIDEO, ""),
    ("video/3gpp", "a.3gp", VIDEO, "-s 176x144 -c:v h263"),
    ("video/webm", "a.webm", VIDEO, "-c:v libvpx"),
    ("video/x-matroska", "a.mkv", VIDEO, ""),
    ("video/mp2t", "a.ts", VIDEO, ""),
    ("video/x-msvideo", "a.avi", VIDEO, ""),
    ("video/x-flv", "a.flv", VIDEO, ""),
    ("video/mpeg", "a.mpg", VIDEO, ""),
    ("video/ogg", "a.ogv", VIDEO, "-c:v libtheora"),
    ("audio/mpeg", "a.mp3", AUDIO, ""),
    ("audio/mp4", "a.m4a", AUDIO, ""),
    ("audio/aac", "a.aac", AUDIO, ""),
    ("audio/ogg", "a.ogg", AUDIO, ""),
    ("audio/wav", "a.wav", AUDIO, ""),
    ("audio/flac", "a.flac", AUDIO, ""),
    ("audio/webm", "b.webm", AUDIO, "-vn -c:a libopus"),
];

/// A file that ffmpeg cannot make.
const HEIC: &str = "imaging/tests/fixtures/heif/x265-420-8.heic";

/// Writes a file for each media type that the contract names, and `index.json` with their names.
fn write_files(folder: &Path) {
    let mut index: BTreeMap<String, String> = FILES
        .iter()
        .map(|(media_type, name, source, options)| {
            let clip = Clip::made(name, &format!("{source} {options}"));
            std::fs::write(folder.join(name), clip.bytes).unwrap();
            ((*media_type).to_owned(), (*name).to_owned())
        })
        .collect();
    std::fs::copy(root().join(HEIC), folder.join("a.heic")).unwrap();
    index.insert("image/heic".to_owned(), "a.heic".to_owned());
    let text = serde_json::to_string(&index).unwrap();
    std::fs::write(folder.join("index.json"), text).unwrap();
}

/// Runs the contract tester as one role.
fn run(stack: &Stack, role: &str, files: &Path, calls: &Path) -> Output {
    let program = std::env::var_os("FERROTYPE_SCHEMATHESIS");
    let program = program.expect("run the contract test by `cargo xtask test schemathesis`");
    let token = |role: &str| Token::of("contract", &format!("{role}-1"), role).sign_dev();
    let folder = root().join("tests/schemathesis");
    Command::new(program)
        .current_dir(&folder)
        .env("CONTRACT_URL", stack.origin())
        .env("CONTRACT_TOKEN", token(role))
        .env("CONTRACT_USER_TOKEN", token("user"))
        .env("CONTRACT_FILES", files)
        .env("CONTRACT_CALLS", calls)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .args(["--config-file", "schemathesis.toml", "run", "--no-color"])
        .args(["--url", stack.origin()])
        .arg(root().join("docs/openapi.json"))
        .output()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[expect(
    clippy::print_stderr,
    reason = "a measurement for the reader, and the findings"
)]
async fn generated_requests_find_no_difference_from_the_contract() {
    let folder = TempDir::new().unwrap();
    write_files(folder.path());
    let stack = Stack::start(Options::new());
    let mut calls = 0;
    let mut failed = Vec::new();
    for role in ROLES {
        let started = Instant::now();
        let count = folder.path().join(role);
        let output = run(&stack, role, folder.path(), &count);
        let text = std::fs::read_to_string(count).unwrap_or_default();
        let count: u64 = text.parse().unwrap_or_default();
        eprintln!(
            "schemathesis as {role}: {count} calls in {:?}",
            started.elapsed()
        );
        calls += count;
        if !output.status.success() {
            eprintln!(
                "{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
            failed.push(role);
        }
    }
    assert!(failed.is_empty(), "findings as {failed:?}");
    assert!(calls >= CALLS_MIN, "{calls} calls");
}
