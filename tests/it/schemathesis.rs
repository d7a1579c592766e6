//! The contract test: schemathesis sends generated requests, valid and invalid, and compares every answer with
//! `docs/openapi.json`. It runs once per role; hooks in `tests/schemathesis` upload real files and claim real jobs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::Value;
use tempfile::TempDir;
use tests::{Clip, Options, Stack, Token, root};

/// Calls of all roles together, at least.
const CALLS_MIN: u64 = 5_000;

const ROLES: [&str; 3] = ["user", "worker", "admin"];

const IMAGE: &str = "-f lavfi -i testsrc2=s=64x48 -frames:v 1";
const VIDEO: &str = "-f lavfi -i testsrc2=s=64x48:d=0.2";
const AUDIO: &str = "-f lavfi -i sine=d=0.2";

/// A file for each media type that can be uploaded: the type, a file name, and how ffmpeg makes the file.
const FILES: [(&str, &str, &str, &str); 25] = [
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
    ("audio/webm", "b.webm", AUDIO, "-c:a libopus"),
    ("audio/x-matroska", "b.mkv", AUDIO, ""),
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
    let contract = std::fs::read_to_string(root().join("docs/openapi.json")).unwrap();
    let contract: Value = serde_json::from_str(&contract).unwrap();
    let types = &contract["components"]["schemas"]["CreateAsset"]["properties"]["content_type"];
    for media_type in types["enum"].as_array().into_iter().flatten() {
        let media_type = media_type.as_str().unwrap();
        assert!(index.contains_key(media_type), "no file for {media_type}");
    }
    let text = serde_json::to_string(&index).unwrap();
    std::fs::write(folder.join("index.json"), text).unwrap();
}

/// The contract tester as one role, while it runs.
struct Tester {
    role: &'static str,
    child: Child,
    /// What it prints.
    output: PathBuf,
    /// The number of its calls, which its hooks write at the end.
    calls: PathBuf,
}

impl Tester {
    /// Starts it. Each role has a tenant of its own: one that deletes the assets of another would seem to be a finding.
    fn start(stack: &Stack, role: &'static str, folder: &Path) -> Self {
        let program = std::env::var_os("FERROTYPE_SCHEMATHESIS");
        let program = program.expect("run the contract test by `cargo xtask test schemathesis`");
        let token = |role: &str| Token::of(&format!("contract-{role}"), role, role).sign_dev();
        let user = Token::of(&format!("contract-{role}"), "files", "user").sign_dev();
        let (output, calls) = (folder.join(format!("{role}.txt")), folder.join(role));
        let file = std::fs::File::create(&output).unwrap();
        let child = Command::new(program)
            .current_dir(root().join("tests/schemathesis"))
            .env("CONTRACT_URL", stack.origin())
            .env("CONTRACT_TOKEN", token(role))
            .env("CONTRACT_USER_TOKEN", user)
            .env("CONTRACT_SELF", if role == "user" { "user" } else { "" })
            .env("CONTRACT_FILES", folder)
            .env("CONTRACT_CALLS", &calls)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .args(["--config-file", "schemathesis.toml", "run", "--no-color"])
            .args(["--url", stack.origin()])
            .arg(root().join("docs/openapi.json"))
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        Self {
            role,
            child,
            output,
            calls,
        }
    }

    /// Waits for its end; returns the number of its calls, and its report if there are findings.
    fn end(mut self) -> (u64, Option<String>) {
        let status = self.child.wait().unwrap();
        let calls = std::fs::read_to_string(&self.calls).unwrap_or_default();
        let report = (!status.success()).then(|| {
            let text = std::fs::read_to_string(&self.output).unwrap_or_default();
            format!("--- schemathesis as {}: {status}\n{text}", self.role)
        });
        (calls.parse().unwrap_or_default(), report)
    }
}

impl Drop for Tester {
    fn drop(&mut self) {
        // It has ended already, unless the test fails before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[expect(
    clippy::print_stderr,
    reason = "a measurement for the reader; no assertion depends on it"
)]
async fn generated_requests_find_no_difference_from_the_contract() {
    let folder = TempDir::new().unwrap();
    write_files(folder.path());
    let stack = Stack::start(Options::new());
    let started = Instant::now();
    let testers = ROLES.map(|role| Tester::start(&stack, role, folder.path()));
    let mut calls = Vec::new();
    let mut reports = Vec::new();
    for tester in testers {
        let (count, report) = tester.end();
        calls.push(count);
        reports.extend(report);
    }
    let took = started.elapsed();
    eprintln!("schemathesis made {calls:?} calls as {ROLES:?} in {took:?}");
    assert!(reports.is_empty(), "{}", reports.join("\n"));
    assert!(calls.iter().sum::<u64>() >= CALLS_MIN, "{calls:?}");
}
