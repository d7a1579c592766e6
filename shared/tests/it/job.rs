//! The transition table of `job::step`, whole, and the retry delay.

use std::fmt::Write as _;

use proptest::prelude::*;
use shared::asset::AssetState;
use shared::job::{
    BACKOFF_BASE_MS, BACKOFF_MAX_MS, Command, DEADLINE_MS, FailureClass, Fence, Job, JobKind,
    JobState, LOSSES_MAX, LeaseHash, Outcome, Progress, RETRIES_MAX, Rejected, RenditionProgress,
    State, asset_state, backoff_ms, deadline_min, step,
};
use shared::kind::AssetKind;
use shared::kind::RunsOn;
use shared::time::Timestamp;

const NOW: Timestamp = Timestamp::from_ms(1_767_225_600_000);
const ATTEMPT: u32 = 7;
const LEASE_MS: u64 = 30_000;

fn token() -> LeaseHash {
    LeaseHash::of("token of attempt 7")
}

/// Every kind of job that `step` can tell apart, with its name. Edges lie exactly at `NOW`.
fn jobs() -> Vec<(&'static str, Job)> {
    let job = |state, failures, deadline| Job {
        state,
        attempt: ATTEMPT,
        runs_on: RunsOn::Edge,
        failures,
        losses: 0,
        deadline,
    };
    let queued = |run_at| State::Queued { run_at };
    let running = |lease_until| State::Running {
        lease: token(),
        lease_until,
    };
    let lost = |losses| Job {
        runs_on: RunsOn::Native,
        losses,
        ..job(running(NOW), RETRIES_MAX, NOW.plus_ms(1))
    };
    let (later, over) = (NOW.plus_ms(1), NOW);
    vec![
        ("queued, due", job(queued(NOW), 1, later)),
        ("queued, due in 1 ms", job(queued(later), 1, later)),
        ("queued, due, deadline passed", job(queued(NOW), 1, over)),
        (
            "queued, due in 1 ms, deadline passed",
            job(queued(later), 1, over),
        ),
        ("running", job(running(later), 0, later)),
        (
            "running, last retry",
            job(running(later), RETRIES_MAX, later),
        ),
        ("running, lease over", job(running(over), 0, later)),
        (
            "running, lease over, one retry left",
            job(running(over), RETRIES_MAX - 1, later),
        ),
        (
            "running, lease over, last retry",
            job(running(over), RETRIES_MAX, later),
        ),
        ("running natively, lease over", lost(0)),
        ("running natively, lease over, last loss", lost(LOSSES_MAX)),
        ("running, deadline passed", job(running(later), 0, over)),
        (
            "running, lease over, deadline passed",
            job(running(over), 0, over),
        ),
        ("succeeded", job(State::Succeeded, 1, later)),
        ("failed", job(State::Failed, RETRIES_MAX + 1, over)),
        ("cancelled", job(State::Cancelled, 2, later)),
    ]
}

/// Every kind of command, with its name.
fn commands() -> Vec<(String, Command)> {
    let mut all = vec![
        (
            "claim".to_owned(),
            Command::Claim {
                lease: LeaseHash::of("new token"),
                lease_ms: LEASE_MS,
                deadline_min: None,
            },
        ),
        ("cancel".to_owned(), Command::Cancel),
        ("expire".to_owned(), Command::Expire),
        (
            "redrive".to_owned(),
            Command::Redrive {
                deadline: NOW.plus_ms(60_000),
            },
        ),
    ];
    let fence = |attempt, lease| Fence { attempt, lease };
    let fences = [
        ("", fence(ATTEMPT, token())),
        (" by attempt 6", fence(ATTEMPT - 1, token())),
        (" by attempt 8", fence(ATTEMPT + 1, token())),
        (
            " with another token",
            fence(ATTEMPT, LeaseHash::of("token of attempt 6")),
        ),
    ];
    for (by, fence) in fences {
        let fail = |class| Command::Fail {
            fence: fence.clone(),
            class,
            jitter: 1_234,
        };
        let heartbeat = Command::Heartbeat {
            fence: fence.clone(),
            lease_ms: LEASE_MS,
            deadline_min: None,
        };
        let verbs = [
            ("heartbeat", heartbeat),
            (
                "finish",
                Command::Finish {
                    fence: fence.clone(),
                },
            ),
            ("fail, retryable", fail(FailureClass::Retryable)),
            ("fail, permanent", fail(FailureClass::Permanent)),
            (
                "release",
                Command::Release {
                    fence: fence.clone(),
                },
            ),
        ];
        all.extend(verbs.map(|(name, command)| (format!("{name}{by}"), command)));
    }
    for (name, deadline) in [
        ("heartbeat of a long film", NOW.plus_ms(90_000)),
        ("heartbeat of a short film", NOW.minus_ms(1)),
    ] {
        let heartbeat = Command::Heartbeat {
            fence: fence(ATTEMPT, token()),
            lease_ms: LEASE_MS,
            deadline_min: Some(deadline),
        };
        all.push((name.to_owned(), heartbeat));
    }
    all
}

fn at(time: Timestamp) -> String {
    match time.ms_since(NOW) {
        0 => "now".to_owned(),
        ms => format!("now + {ms} ms"),
    }
}

/// What came of a command, on one line: the outcome, the new state, and what changed beside it.
fn line(before: &Job, result: &Result<(Job, Outcome), Rejected>) -> String {
    let (after, outcome) = match result {
        Ok(accepted) => accepted,
        Err(rejected) => return format!("refused: {}", rejected.code().as_str()),
    };
    let mut line = match outcome {
        Outcome::Retried(Some(code)) | Outcome::Failed(Some(code)) => {
            format!("{} → {}", code.as_str(), after.state.word())
        }
        Outcome::Retried(None) => format!("as reported → {}, a retry", after.state.word()),
        Outcome::Failed(None) => format!("as reported → {}", after.state.word()),
        Outcome::Claimed
        | Outcome::Renewed
        | Outcome::Succeeded
        | Outcome::Released
        | Outcome::Cancelled
        | Outcome::Redriven => format!("{outcome:?} → {}", after.state.word()),
    };
    match &after.state {
        State::Queued { run_at } => write!(line, ", due {}", at(*run_at)).unwrap(),
        State::Running { lease, lease_until } => {
            let whose = if *lease == token() { "same" } else { "new" };
            write!(line, ", {whose} lease until {}", at(*lease_until)).unwrap();
        }
        State::Succeeded | State::Failed | State::Cancelled => {}
    }
    if after.attempt != before.attempt {
        write!(line, ", attempt {} → {}", before.attempt, after.attempt).unwrap();
    }
    if after.failures != before.failures {
        write!(line, ", failures {} → {}", before.failures, after.failures).unwrap();
    }
    if after.losses != before.losses {
        write!(line, ", losses {} → {}", before.losses, after.losses).unwrap();
    }
    if after.deadline != before.deadline {
        write!(line, ", deadline {}", at(after.deadline)).unwrap();
    }
    line
}

#[test]
fn transition_table() {
    let mut table = String::new();
    for (state, job) in jobs() {
        write!(table, "{state} (failures {}", job.failures).unwrap();
        if job.losses > 0 {
            write!(table, ", losses {}", job.losses).unwrap();
        }
        writeln!(table, ")").unwrap();
        for (name, command) in commands() {
            let result = line(&job, &step(&job, &command, NOW));
            writeln!(table, "    {name:36} {result}").unwrap();
        }
        table.push('\n');
    }
    insta::assert_snapshot!(table);
}

#[test]
fn time_in_the_backlog_is_no_time_at_work() {
    let job = Job {
        state: State::Queued { run_at: NOW },
        attempt: 0,
        runs_on: RunsOn::Edge,
        failures: 0,
        losses: 0,
        deadline: NOW.plus_ms(1),
    };
    let claim = |deadline_min| Command::Claim {
        lease: token(),
        lease_ms: 1,
        deadline_min,
    };
    let deadline = |command| step(&job, &command, NOW).map(|(job, _)| job.deadline);
    let later = NOW.plus_ms(60_000);
    assert_eq!(deadline(claim(Some(later))), Ok(later));
    assert_eq!(deadline(claim(Some(NOW))), Ok(job.deadline));
    assert_eq!(deadline(claim(None)), Ok(job.deadline));
}

#[test]
fn a_short_renewal_keeps_the_longer_lease() {
    let lease_until = NOW.plus_ms(60_000);
    let job = Job {
        state: State::Running {
            lease: token(),
            lease_until,
        },
        attempt: ATTEMPT,
        runs_on: RunsOn::Edge,
        failures: 0,
        losses: 0,
        deadline: NOW.plus_ms(600_000),
    };
    let heartbeat = Command::Heartbeat {
        fence: Fence {
            attempt: ATTEMPT,
            lease: token(),
        },
        lease_ms: 1,
        deadline_min: None,
    };
    assert_eq!(step(&job, &heartbeat, NOW), Ok((job, Outcome::Renewed)));
}

#[test]
fn a_lease_is_stored_as_its_hash() {
    // FIPS 180-2, appendix B.1: SHA-256 of "abc" is ba7816bf…f20015ad; here in base64url.
    let hash = LeaseHash::of("abc");
    assert_eq!(hash.as_str(), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
    assert_eq!(LeaseHash::stored(hash.as_str().to_owned()), hash);
}

#[test]
fn an_asset_follows_its_job() {
    let states: Vec<AssetState> = JobState::ALL.iter().map(|&job| asset_state(job)).collect();
    let expected = [
        AssetState::Processing,
        AssetState::Processing,
        AssetState::Ready,
        AssetState::Failed,
        AssetState::Failed,
    ];
    assert_eq!(states, expected);
}

#[test]
fn a_long_film_gets_six_times_its_duration() {
    for (duration_ms, ms) in [
        (0, DEADLINE_MS),
        (300_000, DEADLINE_MS),
        (300_001, 1_800_006),
        (7_200_000, 43_200_000),
    ] {
        assert_eq!(deadline_min(NOW, duration_ms), NOW.plus_ms(ms));
    }
    // Whatever a worker reports, it stays a time.
    assert!(deadline_min(NOW, u64::MAX) > NOW);
}

#[test]
fn each_kind_of_asset_has_its_job() {
    let kinds: Vec<Option<JobKind>> = AssetKind::ALL
        .iter()
        .map(|&kind| JobKind::of(kind))
        .collect();
    let expected = [
        Some(JobKind::ProcessImage),
        Some(JobKind::ProcessVideo),
        Some(JobKind::ProcessAudio),
        None,
        None,
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn progress_stays_within_its_bounds() {
    let rendition = |ratio| RenditionProgress {
        name: "720p".to_owned(),
        ratio,
    };
    let wild = Progress {
        ratio: Some(1.7),
        stage: "e".repeat(1_000),
        rendition: Some("é".repeat(1_000)),
        speed: Some(-1.0),
        eta_ms: Some(5),
        renditions: vec![rendition(Some(-0.5)); 1_000],
        outputs: vec!["o".repeat(1_000); 1_000],
        message: Some("m".repeat(10_000)),
    };
    let bounded = wild.bounded();
    assert_eq!(bounded.ratio, Some(1.0));
    assert_eq!(bounded.stage.len(), 64);
    assert_eq!(bounded.rendition, Some("é".repeat(64)));
    assert_eq!((bounded.speed, bounded.eta_ms), (Some(0.0), Some(5)));
    assert_eq!(bounded.renditions, vec![rendition(Some(0.0)); 64]);
    assert_eq!(bounded.outputs, vec!["o".repeat(64); 64]);
    assert_eq!(bounded.message, Some("m".repeat(1_000)));

    let good = Progress {
        ratio: Some(0.25),
        stage: "encode".to_owned(),
        rendition: None,
        speed: Some(2.5),
        eta_ms: None,
        renditions: vec![rendition(Some(0.5)), rendition(None)],
        outputs: vec!["remux".to_owned()],
        message: Some("All is well.".to_owned()),
    };
    assert_eq!(good.clone().bounded(), good);
}

/// Ceilings of the delay before the retry after the n-th failure, in seconds.
const CEILINGS_S: [u64; 12] = [5, 5, 10, 20, 40, 80, 160, 320, 640, 900, 900, 900];

#[test]
fn backoff_reaches_exactly_its_ceiling() {
    for (failures, ceiling_s) in (0..).zip(CEILINGS_S) {
        let ceiling = ceiling_s * 1_000;
        assert_eq!(
            backoff_ms(failures, ceiling),
            ceiling,
            "{failures} failures"
        );
        assert_eq!(backoff_ms(failures, ceiling + 1), 0, "{failures} failures");
    }
    assert_eq!(backoff_ms(1, BACKOFF_BASE_MS), BACKOFF_BASE_MS);
    assert_eq!(backoff_ms(u32::MAX, BACKOFF_MAX_MS), BACKOFF_MAX_MS);
}

proptest! {
    #[test]
    fn backoff_stays_in_its_envelope(failures: u32, jitter: u64) {
        let index = usize::try_from(failures.min(11)).unwrap();
        prop_assert!(backoff_ms(failures, jitter) <= CEILINGS_S[index] * 1_000);
    }

    #[test]
    fn a_retry_waits_as_long_as_its_failures_say(failures in 0..RETRIES_MAX, jitter: u64) {
        let job = Job {
            state: State::Running { lease: token(), lease_until: NOW },
            attempt: ATTEMPT,
            runs_on: RunsOn::Edge,
            failures,
            losses: 0,
            deadline: NOW.plus_ms(1),
        };
        let fence = Fence { attempt: ATTEMPT, lease: token() };
        let fail = Command::Fail { fence, class: FailureClass::Retryable, jitter };
        let (after, _) = step(&job, &fail, NOW).unwrap();
        let run_at = NOW.plus_ms(backoff_ms(failures + 1, jitter));
        prop_assert_eq!(after.state, State::Queued { run_at });
    }
}
