//! The storage of an attempt, against a real S3 server with faults.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::http::Method;
use native_worker::config::BucketsConfig;
use native_worker::storage::buckets::Buckets;
use native_worker::storage::{Growing, Lifetime, Storage};
use native_worker::work_error::WorkError;
use serde_json::json;
use shared::job::FailureClass;
use shared::problem::ErrorCode;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;

use crate::bucket::{Bucket, Fault};
use crate::sample::{PREFIX, claimed, config, serve, source};

const RAW: &str = "ferrotype-raw";
const PUBLIC: &str = "ferrotype-public";
const ORIGINAL: &str = "originals/ast_01ARZ3NDEKTSV4RRFFQ69G5FAV";

fn settings(bucket: &Bucket) -> BucketsConfig {
    let endpoint = format!("http://{}", bucket.addr);
    config(&[("NATIVE_WORKER_S3_ENDPOINT", &endpoint)]).buckets
}

fn storage(bucket: &Bucket, size_bytes: usize, sha256: Option<&str>) -> Storage {
    let work = json!({"kind": "video", "preset": {}});
    let claimed = claimed(&work, 30_000, &source(size_bytes, sha256));
    Storage::new(Buckets::new(&settings(bucket)), &claimed)
}

async fn put(storage: &Storage, file: &str, bytes: &[u8]) -> Result<u64, WorkError> {
    let bytes = bytes.to_vec();
    storage
        .put_bytes(file, bytes, "video/mp4", Lifetime::Immutable)
        .await
}

/// Bytes in which no two parts are the same.
fn pattern(size: usize) -> Vec<u8> {
    (0..size)
        .map(|index| u8::try_from(index * 31 % 251).unwrap())
        .collect()
}

fn assert_is(error: &WorkError, code: ErrorCode, class: FailureClass) {
    assert_eq!((error.failure.code, error.class), (code, class), "{error}");
}

#[tokio::test]
async fn the_test_of_the_buckets_leaves_nothing_behind() {
    let bucket = Bucket::start().await;
    Buckets::new(&settings(&bucket))
        .test("w/../1")
        .await
        .unwrap();
    let puts = bucket.seen(&Method::PUT);
    let mut paths: Vec<&str> = puts.iter().map(|put| put.path.as_str()).collect();
    paths.sort_unstable();
    let expected = [
        "/ferrotype-public/worker-probe/w_.._1",
        "/ferrotype-raw/worker-probe/w_.._1",
    ];
    assert_eq!(paths, expected);
    assert_eq!(bucket.seen(&Method::DELETE).len(), 2);
    assert!(bucket.read(RAW, "worker-probe/w_.._1").is_none());
}

#[tokio::test]
async fn the_test_of_the_buckets_reports_the_fault() {
    let bucket = Bucket::start().await;
    let mut settings = settings(&bucket);
    settings.access_key_id = "somebody".to_owned();
    let error = Buckets::new(&settings).test("w").await.unwrap_err();
    assert!(
        error.contains("access denied") && !error.contains("somebody"),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_that_always_answers_200_is_not_a_bucket() {
    let bucket = Bucket::start().await;
    let mut settings = settings(&bucket);
    let addr = serve(axum::Router::new().fallback(|| async {})).await;
    settings.endpoint = format!("http://{addr}/");
    let error = Buckets::new(&settings).test("w").await.unwrap_err();
    assert!(
        error.ends_with("answered without an ETag, so it is not a bucket"),
        "{error}"
    );
}

/// Stores a file of `size` bytes in parts.
async fn put_large(storage: &Storage, size: usize, seen: &mut Vec<u64>) -> Result<u64, WorkError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, pattern(size)).unwrap();
    let on_bytes = |bytes| seen.push(bytes);
    storage
        .put_large_file("video.mp4", &path, "video/mp4", on_bytes)
        .await
}

#[tokio::test]
async fn large_files_are_stored_in_parts() {
    const SIZE: usize = (32 << 20) + 5;
    let key = format!("{PREFIX}video.mp4");
    for faults in [&[][..], &[Fault::Damaged, Fault::Error500]] {
        let bucket = Bucket::start().await;
        let storage = storage(&bucket, 1, None);
        bucket.faults(Method::PUT, faults);
        let mut seen = Vec::new();
        let stored = put_large(&storage, SIZE, &mut seen).await.unwrap();
        assert_eq!(usize::try_from(stored).unwrap(), SIZE);
        assert_eq!(seen.len(), 5, "{seen:?}");
        assert!(seen.is_sorted() && seen.last() == Some(&stored), "{seen:?}");
        assert!(bucket.read(PUBLIC, &key).unwrap() == pattern(SIZE));
        assert_eq!(bucket.seen(&Method::PUT).len(), 5 + faults.len());
        let created = bucket.seen(&Method::POST);
        let header = |name| created[0].headers.get(name).and_then(|v| v.to_str().ok());
        assert_eq!(header("content-type"), Some("video/mp4"));
        let immutable = Some("public, max-age=31536000, immutable");
        assert_eq!(header("cache-control"), immutable);
        // No upload is left to abort.
        storage.abort_uploads().await;
        assert!(bucket.seen(&Method::DELETE).is_empty());
    }
}

/// The first eight bytes are the number of settled bytes; 0 means all so far.
fn settled(mut file: &File) -> std::io::Result<Option<u64>> {
    let mut head = [0; 8];
    let is_there = file.read(&mut head)? == head.len();
    Ok((is_there && head != [0; 8]).then(|| u64::from_be_bytes(head)))
}

/// Whether the disk space of a part was freed. (The used space of the file does not show it: some file systems reserve more.)
fn is_hole(path: &Path, part: usize) -> bool {
    let mut file = File::open(path).unwrap();
    let at = u64::try_from(part * PART).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    let mut bytes = [1; 64];
    file.read_exact(&mut bytes).unwrap();
    bytes == [0; 64]
}

/// Stores a file while `writing` writes it.
async fn put_growing(
    storage: &Storage,
    path: &Path,
    pause: &(dyn Fn(bool) + Sync),
    writing: impl Future<Output = ()>,
) -> Result<u64, WorkError> {
    let written = CancellationToken::new();
    let growing = Growing {
        path,
        written: &written,
        settled,
        pause,
    };
    let storing = storage.put_growing_file("video.mp4", &growing, "video/mp4");
    let writing = async {
        writing.await;
        written.cancel();
    };
    tokio::join!(storing, writing).0
}

/// Parts are stored and removed from the disk while the file is written. The head and the bytes behind the settled ones, in
/// which the writer seeks back, are stored at the end.
#[tokio::test]
async fn a_file_is_stored_while_it_is_written() {
    const SIZE: usize = 4 * PART + 5;
    const SETTLED: usize = 3 * PART - 7;
    let bucket = Bucket::start().await;
    let storage = storage(&bucket, 1, None);
    bucket.faults(Method::PUT, &[Fault::Damaged, Fault::Error500]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let mut whole = pattern(SIZE);
    whole[..8].copy_from_slice(&u64::try_from(SETTLED).unwrap().to_be_bytes());
    let writing = async {
        let mut file = tokio::fs::File::create(&path).await.unwrap();
        let mut bytes = whole.clone();
        bytes[..8].fill(0);
        // No piece ends where a part ends.
        for piece in bytes[..SETTLED].chunks(PART + PART / 3) {
            file.write_all(piece).await.unwrap();
            file.flush().await.unwrap();
        }
        file.seek(SeekFrom::Start(0)).await.unwrap();
        file.write_all(&whole[..8]).await.unwrap();
        file.flush().await.unwrap();
        // One whole part is settled; the two faults cost a request each.
        let moved = || bucket.seen(&Method::PUT).len() == 3;
        while !moved() || !is_hole(&path, 1) {
            tokio::task::yield_now().await;
        }
        file.seek(SeekFrom::End(0)).await.unwrap();
        bytes[SETTLED + 9..SETTLED + 90].fill(0);
        file.write_all(&bytes[SETTLED..]).await.unwrap();
        file.flush().await.unwrap();
        let at = u64::try_from(SETTLED + 9).unwrap();
        file.seek(SeekFrom::Start(at)).await.unwrap();
        assert!(moved() && !is_hole(&path, 2));
        let rest = &whole[SETTLED + 9..SETTLED + 90];
        file.write_all(rest).await.unwrap();
        file.flush().await.unwrap();
    };
    let stored = put_growing(&storage, &path, &|_| {}, writing).await;
    assert_eq!(usize::try_from(stored.unwrap()).unwrap(), SIZE);
    let key = format!("{PREFIX}video.mp4");
    assert!(bucket.read(PUBLIC, &key).unwrap() == whole);
    storage.abort_uploads().await;
    assert!(bucket.seen(&Method::DELETE).is_empty());
}

/// The writer is paused while it is faster than the upload, but only as long as a part is being stored.
#[tokio::test]
async fn a_writer_that_is_ahead_is_paused() {
    const SIZE: usize = 6 * PART;
    let bucket = Bucket::start().await;
    let storage = storage(&bucket, 1, None);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let (sender, receiver) = tokio::sync::watch::channel(false);
    let mut whole = pattern(SIZE);
    whole[..8].fill(0);
    let writing = async {
        let mut receiver = receiver;
        tokio::fs::write(&path, &whole).await.unwrap();
        receiver.wait_for(|is_paused| *is_paused).await.unwrap();
        receiver.wait_for(|is_paused| !*is_paused).await.unwrap();
        assert!(is_hole(&path, 1) && !is_hole(&path, 0));
    };
    let pause = |is_ahead| {
        sender.send_replace(is_ahead);
    };
    let stored = put_growing(&storage, &path, &pause, writing).await;
    assert_eq!(usize::try_from(stored.unwrap()).unwrap(), SIZE);
    let key = format!("{PREFIX}video.mp4");
    assert!(bucket.read(PUBLIC, &key).unwrap() == whole);
}

#[tokio::test]
async fn a_file_of_less_than_one_part_is_stored() {
    let bucket = Bucket::start().await;
    let storage = storage(&bucket, 1, None);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let writing = async { std::fs::write(&path, pattern(100)).unwrap() };
    let stored = put_growing(&storage, &path, &|_| {}, writing).await;
    assert_eq!(stored.unwrap(), 100);
    let key = format!("{PREFIX}video.mp4");
    assert!(bucket.read(PUBLIC, &key).unwrap() == pattern(100));
}

#[tokio::test]
async fn the_upload_of_a_file_that_fails_is_aborted() {
    let bucket = Bucket::start().await;
    let storage = storage(&bucket, 1, None);
    bucket.faults(Method::PUT, &[Fault::Damaged; 40]);
    let error = put_large(&storage, 33 << 20, &mut Vec::new()).await;
    assert_is(
        &error.unwrap_err(),
        ErrorCode::StorageFailed,
        FailureClass::Retryable,
    );
    storage.abort_uploads().await;
    assert_eq!(bucket.seen(&Method::DELETE).len(), 1);
    assert!(bucket.read(PUBLIC, &format!("{PREFIX}video.mp4")).is_none());
}

#[tokio::test]
async fn files_are_stored_with_their_headers() {
    let bucket = Bucket::start().await;
    let storage = storage(&bucket, 1, None);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("segment");
    std::fs::write(&file, pattern(300_000)).unwrap();
    let lifetime = Lifetime::Immutable;
    let put_file = storage.put_file("hls/720p/00000.m4s", &file, "video/iso.segment", lifetime);
    assert_eq!(put_file.await.unwrap(), 300_000);
    let playlist = b"#EXTM3U\n".to_vec();
    let growing = Lifetime::Growing;
    let mime = "application/vnd.apple.mpegurl";
    for _ in 0..2 {
        let put = storage.put_bytes("hls/720p/index.m3u8", playlist.clone(), mime, growing);
        assert_eq!(put.await.unwrap(), 8);
    }
    let key = format!("{PREFIX}hls/720p/00000.m4s");
    assert_eq!(bucket.read(PUBLIC, &key).unwrap(), pattern(300_000));
    let seen = bucket.seen(&Method::PUT);
    assert_eq!(seen.len(), 3);
    let header = |index: usize, name| seen[index].headers.get(name).and_then(|v| v.to_str().ok());
    assert_eq!(seen[0].path, format!("/{PUBLIC}/{key}"));
    assert_eq!(header(0, "content-length"), Some("300000"));
    assert_eq!(header(0, "content-type"), Some("video/iso.segment"));
    let immutable = Some("public, max-age=31536000, immutable");
    assert_eq!(header(0, "cache-control"), immutable);
    assert_eq!(header(1, "cache-control"), Some("public, max-age=1"));
    // Not every bucket supports these encodings and trailers.
    for name in ["content-encoding", "x-amz-trailer", "if-none-match"] {
        assert_eq!(header(0, name), None);
    }
    let mut read = String::new();
    let mut stored = storage.read("hls/720p/index.m3u8").await.unwrap();
    stored.read_to_string(&mut read).await.unwrap();
    assert_eq!(read, "#EXTM3U\n");
}

#[tokio::test]
async fn a_failed_request_is_repeated() {
    let bucket = Bucket::start().await;
    let storage = storage(&bucket, 1, None);
    bucket.faults(Method::PUT, &[Fault::Error500]);
    assert_eq!(put(&storage, "video.mp4", b"data").await.unwrap(), 4);
    assert_eq!(bucket.seen(&Method::PUT).len(), 2);
}

#[tokio::test]
async fn what_was_stored_incorrectly_is_stored_again() {
    let bucket = Bucket::start().await;
    let storage = storage(&bucket, 1, None);
    for fault in [Fault::Damaged, Fault::Shortened] {
        bucket.faults(Method::PUT, &[fault]);
        assert_eq!(put(&storage, "video.mp4", b"data").await.unwrap(), 4);
        let key = format!("{PREFIX}video.mp4");
        assert_eq!(bucket.read(PUBLIC, &key).unwrap(), b"data", "{fault:?}");
    }
    assert_eq!(bucket.seen(&Method::PUT).len(), 4);
    bucket.faults(Method::PUT, &[Fault::Damaged; 3]);
    let error = put(&storage, "video.mp4", b"data").await.unwrap_err();
    assert_is(&error, ErrorCode::StorageFailed, FailureClass::Retryable);
}

#[tokio::test]
async fn an_etag_that_is_not_an_md5_is_not_a_fault() {
    let bucket = Bucket::start().await;
    let storage = storage(&bucket, 1, None);
    bucket.faults(Method::PUT, &[Fault::OtherEtag]);
    assert_eq!(put(&storage, "video.mp4", b"data").await.unwrap(), 4);
    assert_eq!(bucket.seen(&Method::PUT).len(), 1);
    assert_eq!(bucket.seen(&Method::HEAD).len(), 1);
}

#[tokio::test]
async fn names_that_leave_the_prefix_are_refused() {
    let bucket = Bucket::start().await;
    let storage = storage(&bucket, 1, None);
    for file in [
        "",
        "/",
        "../x",
        "hls/../../x",
        "hls//x",
        "/etc/passwd",
        "a b",
        "x?y",
        "ä",
        ".",
    ] {
        let error = put(&storage, file, b"x").await.unwrap_err();
        assert_is(&error, ErrorCode::Internal, FailureClass::Permanent);
        assert!(storage.read(file).await.is_err(), "{file}");
    }
    assert!(bucket.seen(&Method::PUT).is_empty() && bucket.seen(&Method::GET).is_empty());
}

#[tokio::test]
async fn a_lost_attempt_removes_only_what_it_has_stored() {
    let bucket = Bucket::start().await;
    let storage = storage(&bucket, 1, None);
    let other = format!("{PREFIX}of-another-attempt");
    bucket.write(PUBLIC, &other, b"x");
    for file in ["video.mp4", "hls/master.m3u8"] {
        put(&storage, file, b"x").await.unwrap();
    }
    storage.remove_stored().await;
    for file in ["video.mp4", "hls/master.m3u8"] {
        assert!(bucket.read(PUBLIC, &format!("{PREFIX}{file}")).is_none());
    }
    assert!(bucket.read(PUBLIC, &other).is_some());
}

/// Fetches the original, declared with this size and checksum. Returns the content of the file and the reported numbers of
/// bytes.
async fn fetch(
    bucket: &Bucket,
    declared_size: usize,
    sha256: Option<&str>,
) -> Result<(Vec<u8>, Vec<u64>), WorkError> {
    let storage = storage(bucket, declared_size, sha256);
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("original");
    let reports = Arc::new(Mutex::new(Vec::new()));
    let sender = reports.clone();
    let stop = CancellationToken::new();
    storage
        .fetch_original(&to, &stop, move |bytes| sender.lock().unwrap().push(bytes))
        .await?;
    let reports = reports.lock().unwrap().clone();
    Ok((std::fs::read(to).unwrap(), reports))
}

const PART: usize = 8 * 1024 * 1024;

#[tokio::test]
async fn an_original_is_fetched_in_parts() {
    let bucket = Bucket::start().await;
    for (size, parts) in [(1, 1), (PART, 1), (2 * PART + 5, 3)] {
        let before = bucket.seen(&Method::GET).len();
        bucket.write(RAW, ORIGINAL, &pattern(size));
        let (bytes, reports) = fetch(&bucket, size, None).await.unwrap();
        assert!(bytes == pattern(size), "{size}");
        assert!(reports.is_sorted());
        assert_eq!(reports.last().copied(), u64::try_from(size).ok());
        assert_eq!(bucket.seen(&Method::GET).len() - before, parts);
    }
}

#[tokio::test]
async fn a_part_that_is_cut_off_is_resumed() {
    let bucket = Bucket::start().await;
    bucket.write(RAW, ORIGINAL, &pattern(4_000_000));
    bucket.faults(Method::GET, &[Fault::CutOff, Fault::Error500]);
    let (bytes, _) = fetch(&bucket, 4_000_000, None).await.unwrap();
    assert!(bytes == pattern(4_000_000));
    let seen = bucket.seen(&Method::GET);
    assert_eq!(seen.len(), 3);
    assert_eq!(seen[0].headers["range"], "bytes=0-3999999");
    // What had arrived was kept, and only the rest is requested.
    let rest = seen[2].headers["range"].to_str().unwrap();
    let start = rest
        .strip_prefix("bytes=")
        .unwrap()
        .split('-')
        .next()
        .unwrap();
    let start: u64 = start.parse().unwrap();
    assert!((1..=2_000_000).contains(&start), "{rest}");
    assert!(seen[2].headers.contains_key("if-match"));
}

#[tokio::test]
async fn a_declared_checksum_is_verified() {
    let bucket = Bucket::start().await;
    bucket.write(RAW, ORIGINAL, b"abc");
    // FIPS 180-4, the example "abc".
    let right = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert!(fetch(&bucket, 3, Some(right)).await.is_ok());
    let wrong = right.replace('b', "c");
    let error = fetch(&bucket, 3, Some(&wrong)).await.unwrap_err();
    assert_is(
        &error,
        ErrorCode::UploadChecksumMismatch,
        FailureClass::Permanent,
    );
    assert!(error.failure.detail.contains(right));
}

#[tokio::test]
async fn a_missing_or_wrong_original_fails_permanently() {
    let bucket = Bucket::start().await;
    let error = fetch(&bucket, 3, None).await.unwrap_err();
    assert_is(&error, ErrorCode::UploadMissing, FailureClass::Permanent);
    bucket.write(RAW, ORIGINAL, b"abcd");
    let error = fetch(&bucket, 3, None).await.unwrap_err();
    assert_is(
        &error,
        ErrorCode::UploadSizeMismatch,
        FailureClass::Permanent,
    );
}

#[tokio::test]
async fn a_fetch_can_be_stopped() {
    let bucket = Bucket::start().await;
    bucket.write(RAW, ORIGINAL, b"abc");
    let storage = storage(&bucket, 3, None);
    let folder = tempfile::tempdir().unwrap();
    let stop = CancellationToken::new();
    stop.cancel();
    let to = folder.path().join("original");
    // Every request fails: without the stop, the fetch would take seconds and end with another error.
    bucket.faults(Method::HEAD, &[Fault::Error500; 9]);
    let error = storage
        .fetch_original(&to, &stop, |_| {})
        .await
        .unwrap_err();
    assert_eq!(error, WorkError::stopped());
}
