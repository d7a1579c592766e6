//! Scratch folders and their sweep.

use native_worker::host::scratch::{Scratch, free_bytes, sweep, used_bytes};
use shared::id::JobId;

use crate::sample::JOB;

fn job() -> JobId {
    JOB.parse().unwrap()
}

#[test]
fn a_folder_lives_as_long_as_its_attempt() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path().join("created/if/missing");
    assert_eq!(sweep(&root).unwrap(), 0);
    let scratch = Scratch::new(&root, job(), 2).unwrap();
    assert_eq!(scratch.path(), root.join(format!("{JOB}-2")));
    std::fs::create_dir(scratch.path().join("hls")).unwrap();
    std::fs::write(scratch.path().join("hls/00000.m4s"), [1; 10_000]).unwrap();
    assert!((10_000..20_000).contains(&used_bytes(&root)));
    assert!(free_bytes(&root).unwrap() > 0);
    drop(scratch);
    assert_eq!((used_bytes(&root), root.exists()), (0, true));
    assert_eq!(std::fs::read_dir(&root).unwrap().count(), 0);
}

#[test]
fn a_sweep_removes_only_folders_that_no_worker_holds() {
    let root = tempfile::tempdir().unwrap();
    let held = Scratch::new(root.path(), job(), 1).unwrap();
    let left_over = root.path().join(format!("{JOB}-2"));
    std::fs::create_dir_all(left_over.join("hls")).unwrap();
    let foreign = ["notes", "job_x-1", "job-1", &format!("{JOB}-x")];
    for name in foreign {
        std::fs::create_dir(root.path().join(name)).unwrap();
    }
    assert_eq!(sweep(root.path()).unwrap(), 1);
    assert!(held.path().exists() && !left_over.exists());
    for name in foreign {
        assert!(root.path().join(name).exists(), "{name}");
    }
}

#[test]
fn an_attempt_has_one_worker() {
    let root = tempfile::tempdir().unwrap();
    let held = Scratch::new(root.path(), job(), 1).unwrap();
    assert!(Scratch::new(root.path(), job(), 1).is_err());
    drop(held);
    assert!(Scratch::new(root.path(), job(), 1).is_ok());
}

#[test]
fn a_sweep_at_the_same_time_removes_nothing_that_is_held() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    std::thread::scope(|scope| {
        let sweeping = scope.spawn(|| {
            for _ in 0..300 {
                sweep(root).unwrap();
            }
        });
        let mut attempt = 0;
        while !sweeping.is_finished() {
            attempt += 1;
            let scratch = Scratch::new(root, job(), attempt).unwrap();
            std::fs::write(scratch.path().join("original"), "x").unwrap();
        }
    });
}
