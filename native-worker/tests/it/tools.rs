//! The test of the tools: what is missing is reported before a job fails.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use native_worker::host::tools::test;
use tempfile::TempDir;

use crate::sample::config;

/// An ffmpeg that fails if its arguments contain `word`.
fn ffmpeg_without(folder: &TempDir, word: &str) -> PathBuf {
    let path = folder.path().join("ffmpeg");
    let script = format!("#!/bin/sh\ncase \"$*\" in *{word}*) exit 1;; esac\nexec ffmpeg \"$@\"\n");
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[tokio::test]
async fn this_machine_has_everything() {
    let tools = test(&config(&[])).await.unwrap();
    let names: Vec<&str> = tools.encoders.iter().map(|one| one.name.as_str()).collect();
    assert!(names.starts_with(&["libx264", "aac"]), "{names:?}");
    assert_eq!(tools.warnings, [""; 0]);
}

#[tokio::test]
async fn without_hdr_there_is_a_warning() {
    let folder = TempDir::new().unwrap();
    let mut config = config(&[]);
    config.ffmpeg = ffmpeg_without(&folder, "tonemap");
    let tools = test(&config).await.unwrap();
    let [warning] = tools.warnings.as_slice() else {
        panic!("{:?}", tools.warnings);
    };
    assert!(warning.contains("zscale, tonemap"), "{warning}");
}

#[tokio::test]
async fn without_a_required_part_the_test_fails() {
    for word in ["bwdif", "libx264"] {
        let folder = TempDir::new().unwrap();
        let mut config = config(&[]);
        config.ffmpeg = ffmpeg_without(&folder, word);
        let why = test(&config).await.unwrap_err();
        assert!(why.contains(word), "{why}");
    }
}
