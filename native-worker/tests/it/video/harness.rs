//! [`Harness`]: runs one video job with a bucket and a scratch folder, and records what it reports.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use native_worker::attempt::{Attempt, Pulse};
use native_worker::config::Config;
use native_worker::storage::Storage;
use native_worker::storage::buckets::Buckets;
use native_worker::video;
use native_worker::work_error::WorkError;
use serde_json::{Value, json};
use shared::job::Progress;
use shared::worker::{Made, MadeOutput};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::bucket::Bucket;
use crate::sample::{PREFIX, claimed, config, source};

/// Runs video jobs; see the module.
pub(crate) struct Harness {
    pub(crate) bucket: Bucket,
    pub(crate) config: Config,
    pub(crate) scratch: PathBuf,
    pub(crate) stop: CancellationToken,
    _folder: TempDir,
}

/// The result of a job, and everything that it reported.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) made: Result<Made, WorkError>,
    pub(crate) progress: Vec<Progress>,
    pub(crate) early: Vec<Made>,
    /// Folder with the files below the prefix.
    pub(crate) root: PathBuf,
}

impl Harness {
    pub(crate) async fn open() -> Self {
        let bucket = Bucket::start().await;
        let folder = tempfile::tempdir().unwrap();
        let scratch = folder.path().join("scratch");
        std::fs::create_dir(&scratch).unwrap();
        let endpoint = format!("http://{}/", bucket.addr);
        let config = config(&[("NATIVE_WORKER_S3_ENDPOINT", &endpoint)]);
        Self {
            bucket,
            config,
            scratch,
            stop: CancellationToken::new(),
            _folder: folder,
        }
    }

    /// Runs a job for the file at `path`.
    pub(crate) async fn make(&self, path: &Path) -> Outcome {
        self.make_with(path, &json!({})).await
    }

    pub(crate) async fn make_with(&self, path: &Path, preset: &Value) -> Outcome {
        let original = std::fs::read(path).unwrap();
        let source = source(original.len(), None);
        let key = source["key"].as_str().unwrap();
        self.bucket.write("ferrotype-raw", key, &original);
        let work = json!({"kind": "video", "preset": preset});
        let claimed = claimed(&work, 30_000, &source);
        let (pulse, progress, early) = Pulse::new(self.stop.clone());
        let attempt = Attempt {
            storage: Storage::new(Buckets::new(&self.config.buckets), &claimed),
            config: Arc::new(self.config.clone()),
            claimed: Arc::new(claimed),
            scratch: self.scratch.clone(),
            pulse,
        };
        let (progress, early) = (record(progress), record(early));
        let made = video::run(&attempt).await;
        drop(attempt);
        Outcome {
            made,
            progress: progress.await.unwrap(),
            early: early.await.unwrap(),
            root: self.bucket.path("ferrotype-public", PREFIX),
        }
    }
}

/// Records every value until the sender is dropped.
fn record<T: Clone + Send + Sync + 'static>(
    mut receiver: watch::Receiver<Option<T>>,
) -> tokio::task::JoinHandle<Vec<T>> {
    tokio::spawn(async move {
        let mut values = Vec::new();
        while receiver.changed().await.is_ok() {
            let value = receiver.borrow_and_update().clone();
            values.extend(value);
        }
        values
    })
}

impl Outcome {
    /// The outputs of a job that succeeded.
    pub(crate) fn made(&self) -> &Made {
        self.made.as_ref().unwrap()
    }

    pub(crate) fn output(&self, name: &str) -> &MadeOutput {
        let outputs = &self.made().outputs;
        let found = outputs.iter().find(|output| output.name == name);
        found.unwrap_or_else(|| panic!("no {name} in {outputs:?}"))
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .made()
            .outputs
            .iter()
            .map(|output| output.name.as_str())
            .collect();
        names.sort_unstable();
        names
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(&self.output(name).file)
    }

    pub(crate) fn text(&self, file: &str) -> String {
        std::fs::read_to_string(self.root.join(file)).unwrap()
    }

    /// Every output exists, has its reported size, and can be decoded without a warning.
    pub(crate) fn assert_plays(&self) {
        for output in &self.made().outputs {
            let path = self.root.join(&output.file);
            let size = path.metadata().unwrap().len();
            assert_eq!(size, output.size_bytes, "{}", output.name);
            if output.content_type == "text/vtt" {
                continue;
            }
            let decoded = Command::new("ffmpeg")
                .args(["-nostdin", "-v", "warning", "-i"])
                .arg(&path)
                .args(["-map", "0:v?", "-map", "0:a?", "-f", "null", "-"])
                .output()
                .unwrap();
            let warnings = String::from_utf8_lossy(&decoded.stderr);
            if output.content_type == "image/jpeg" {
                assert!(std::fs::read(&path).unwrap().ends_with(&[0xff, 0xd9]));
            }
            // Known false warnings: ffmpeg misses the end of a JPEG of four pixels, although it is there (see above); the
            // full range of a JPEG has a pixel format that the scaler calls deprecated; and this player shows no subtitles.
            let is_fine = warnings.lines().all(|line| {
                [
                    "EOI missing",
                    "deprecated pixel format",
                    "Can't support the subtitle",
                ]
                .iter()
                .any(|known| line.contains(known))
            });
            assert!(
                decoded.status.success() && is_fine,
                "{}: {warnings}",
                output.name
            );
        }
        let ratios: Vec<f64> = self
            .progress
            .iter()
            .filter_map(|progress| progress.ratio)
            .collect();
        assert!(ratios.is_sorted(), "{ratios:?}");
        assert!(ratios.last().is_some_and(|last| *last > 0.99), "{ratios:?}");
    }

    /// Code and class of the failure.
    pub(crate) fn failure(&self) -> (&'static str, shared::job::FailureClass) {
        let error = self.made.as_ref().unwrap_err();
        (error.failure.code.as_str(), error.class)
    }
}

/// The report of ffprobe on a file.
pub(crate) fn ffprobe(path: &Path) -> Value {
    let probed = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-print_format",
            "json",
            "-show_format",
            "-show_streams",
        ])
        .arg(path)
        .output()
        .unwrap();
    assert!(probed.status.success(), "{path:?}: {probed:?}");
    serde_json::from_slice(&probed.stdout).unwrap()
}
