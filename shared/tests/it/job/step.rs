//! The complete transition table of `job::step`.

use std::fmt::Write as _;

use proptest::prelude::*;
use shared::job::{
    Command, FailureClass, Fence, Job, LOSSES_MAX, LeaseHash, Outcome, RETRIES_MAX, Rejected,
    State, backoff_ms, step,
};
use shared::kind::RunsOn;
use shared::time::Timestamp;

const NOW: Timestamp = Timestamp::from_ms(1_767_225_600_000);
const ATTEMPT: u32 = 7;
const LEASE_MS: u64 = 30_000;

fn token() -> LeaseHash {
    LeaseHash::of("token of attempt 7")
}

/// Every case of a job that `step` distinguishes, with its name. Boundary times are exactly `NOW`.
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
        ("running, lease expired", job(running(over), 0, later)),
        (
            "running, lease expired, one retry left",
            job(running(over), RETRIES_MAX - 1, later),
        ),
        (
            "running, lease expired, last retry",
            job(running(over), RETRIES_MAX, later),
        ),
        ("running natively, lease expired", lost(0)),
        (
            "running natively, lease expired, last loss",
            lost(LOSSES_MAX),
        ),
        ("running, deadline passed", job(running(later), 0, over)),
        (
            "running, lease expired, deadline passed",
            job(running(over), 0, over),
        ),
        ("succeeded", job(State::Succeeded, 1, later)),
        ("failed", job(State::Failed, RETRIES_MAX + 1, over)),
        ("cancelled", job(State::Cancelled, 2, later)),
    ]
}

/// Every command, with its name.
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
        ("heartbeat of a long video", NOW.plus_ms(90_000)),
        ("heartbeat of a short video", NOW.minus_ms(1)),
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

/// The result of a command on one line: outcome, new state, and everything else that changed.
fn line(before: &Job, result: &Result<(Job, Outcome), Rejected>) -> String {
    let (after, outcome) = match result {
        Ok(accepted) => accepted,
        Err(rejected) => return format!("rejected: {}", rejected.code().as_str()),
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
fn time_in_the_backlog_does_not_shorten_the_work() {
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

proptest! {
    #[test]
    fn a_retry_waits_for_its_backoff(failures in 0..RETRIES_MAX, jitter: u64) {
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
