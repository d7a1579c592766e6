//! Life cycles of jobs: random sequences of commands from current, stale and foreign senders, with invariants after each one.

use proptest::prelude::*;
use shared::job::{
    Command, FailureClass, Fence, Job, LOSSES_MAX, LeaseHash, Outcome, RETRIES_MAX, Rejected,
    State, step,
};
use shared::kind::RunsOn;
use shared::time::Timestamp;

/// Sender of a command with a fence.
#[derive(Debug, Clone, Copy)]
enum Sender {
    /// The current attempt.
    Current,
    /// The previous attempt.
    Previous,
    /// The right attempt number with a guessed token.
    WrongToken,
    /// The right token with the number of the next attempt.
    WrongAttempt,
}

#[derive(Debug, Clone, Copy)]
enum Verb {
    Heartbeat(u64, Option<u64>),
    Finish,
    Fail(FailureClass, u64),
    Release,
}

#[derive(Debug, Clone, Copy)]
enum Move {
    Wait(u64),
    Claim(u64),
    Send(Sender, Verb),
    Cancel,
    Expire,
    Redrive(u64),
}

fn senders() -> impl Strategy<Value = Sender> {
    prop_oneof![
        4 => Just(Sender::Current),
        1 => Just(Sender::Previous),
        1 => Just(Sender::WrongToken),
        1 => Just(Sender::WrongAttempt),
    ]
}

fn verbs() -> impl Strategy<Value = Verb> {
    prop_oneof![
        3 => (0..60_000_u64, prop::option::of(0..600_000_u64)).prop_map(|(lease_ms, deadline_ms)| Verb::Heartbeat(lease_ms, deadline_ms)),
        1 => Just(Verb::Finish),
        3 => any::<u64>().prop_map(|jitter| Verb::Fail(FailureClass::Retryable, jitter)),
        1 => Just(Verb::Fail(FailureClass::Permanent, 0)),
        1 => Just(Verb::Release),
    ]
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        4 => (0..40_000_u64).prop_map(Move::Wait),
        6 => (0..60_000_u64).prop_map(Move::Claim),
        6 => (senders(), verbs()).prop_map(|(sender, verb)| Move::Send(sender, verb)),
        1 => Just(Move::Cancel),
        3 => Just(Move::Expire),
        2 => (1..600_000_u64).prop_map(Move::Redrive),
    ]
}

fn is_final(state: &State) -> bool {
    match state {
        State::Queued { .. } | State::Running { .. } => false,
        State::Succeeded | State::Failed | State::Cancelled => true,
    }
}

fn token(attempt: u32) -> LeaseHash {
    LeaseHash::of(&format!("token {attempt}"))
}

fn command(job: &Job, now: Timestamp, wanted: Move) -> Option<Command> {
    let fence = |sender| match sender {
        Sender::Current => (job.attempt, token(job.attempt)),
        Sender::Previous => (
            job.attempt.wrapping_sub(1),
            token(job.attempt.wrapping_sub(1)),
        ),
        Sender::WrongToken => (job.attempt, LeaseHash::of("guess")),
        Sender::WrongAttempt => (job.attempt + 1, token(job.attempt)),
    };
    Some(match wanted {
        Move::Wait(_) => return None,
        Move::Claim(lease_ms) => Command::Claim {
            lease: token(job.attempt + 1),
            lease_ms,
            deadline_min: None,
        },
        Move::Send(sender, verb) => {
            let (attempt, lease) = fence(sender);
            let fence = Fence { attempt, lease };
            match verb {
                Verb::Heartbeat(lease_ms, deadline_ms) => Command::Heartbeat {
                    fence,
                    lease_ms,
                    deadline_min: deadline_ms.map(|ms| now.plus_ms(ms)),
                },
                Verb::Finish => Command::Finish { fence },
                Verb::Fail(class, jitter) => Command::Fail {
                    fence,
                    class,
                    jitter,
                },
                Verb::Release => Command::Release { fence },
            }
        }
        Move::Cancel => Command::Cancel,
        Move::Expire => Command::Expire,
        Move::Redrive(ms) => Command::Redrive {
            deadline: now.plus_ms(ms),
        },
    })
}

/// A job and the facts of its history that the invariants need.
struct Life {
    job: Job,
    now: Timestamp,
    /// Attempts since creation or redrive that were not released.
    attempts_spent: u32,
}

impl Life {
    fn new(runs_on: RunsOn) -> Self {
        let now = Timestamp::from_ms(1_767_225_600_000);
        Self {
            job: Job {
                state: State::Queued { run_at: now },
                attempt: 0,
                runs_on,
                failures: 0,
                losses: 0,
                deadline: now.plus_ms(300_000),
            },
            now,
            attempts_spent: 0,
        }
    }

    fn play(&mut self, wanted: Move) -> Result<(), TestCaseError> {
        if let Move::Wait(ms) = wanted {
            self.now = self.now.plus_ms(ms);
        }
        let Some(command) = command(&self.job, self.now, wanted) else {
            return Ok(());
        };
        let before = self.job.clone();
        match step(&before, &command, self.now) {
            Ok((after, outcome)) => self.accepted(&before, after, outcome, wanted),
            Err(rejected) => self.rejected(&before, rejected, wanted),
        }
    }

    fn accepted(
        &mut self,
        before: &Job,
        after: Job,
        outcome: Outcome,
        wanted: Move,
    ) -> Result<(), TestCaseError> {
        let claimed = outcome == Outcome::Claimed;
        let redriven = outcome == Outcome::Redriven;
        prop_assert!(
            !is_final(&before.state) || redriven,
            "{outcome:?} left an end"
        );
        prop_assert!(
            before.state != State::Succeeded,
            "a succeeded job changed its state"
        );
        prop_assert_eq!(after.attempt, before.attempt + u32::from(claimed));
        let renewed = outcome == Outcome::Renewed;
        prop_assert!(after.deadline == before.deadline || redriven || renewed);
        prop_assert!(
            redriven || after.deadline >= before.deadline,
            "a deadline came nearer"
        );
        prop_assert!(after.failures <= RETRIES_MAX + 1);
        prop_assert!(after.losses <= LOSSES_MAX + 1);
        prop_assert!(redriven || after.losses >= before.losses);
        prop_assert!(redriven || after.failures >= before.failures);
        if let Move::Send(sender, _) = wanted {
            prop_assert!(
                matches!(sender, Sender::Current),
                "a command of {sender:?} was accepted"
            );
        }
        if let (
            Outcome::Renewed,
            State::Running {
                lease: old,
                lease_until: from,
            },
            State::Running {
                lease: new,
                lease_until: to,
            },
        ) = (outcome, &before.state, &after.state)
        {
            prop_assert_eq!(old, new);
            prop_assert!(to >= from, "a renewal shortened the lease");
        }
        match outcome {
            Outcome::Claimed => self.attempts_spent += 1,
            Outcome::Released => self.attempts_spent -= 1,
            Outcome::Redriven => self.attempts_spent = 0,
            Outcome::Renewed
            | Outcome::Succeeded
            | Outcome::Retried(_)
            | Outcome::Failed(_)
            | Outcome::Cancelled => {}
        }
        let losses_max = match after.runs_on {
            RunsOn::Edge => 0,
            RunsOn::Native => LOSSES_MAX,
        };
        let attempts_max = RETRIES_MAX + losses_max + 1;
        prop_assert!(self.attempts_spent <= attempts_max, "too many attempts");
        self.job = after;
        Ok(())
    }

    fn rejected(
        &self,
        before: &Job,
        rejected: Rejected,
        wanted: Move,
    ) -> Result<(), TestCaseError> {
        if let Move::Send(sender, _) = wanted {
            let expected = if is_final(&before.state) {
                Rejected::Ended
            } else {
                Rejected::Stale
            };
            prop_assert_eq!(rejected, expected);
            let holder =
                matches!(sender, Sender::Current) && matches!(before.state, State::Running { .. });
            prop_assert!(!holder, "the holder of the lease was rejected");
        }
        // Only the time may be a reason to reject the sweeper, and every job can be cancelled until it ends.
        match wanted {
            Move::Cancel => prop_assert!(is_final(&before.state)),
            Move::Expire => prop_assert!(is_final(&before.state) || before.deadline > self.now),
            Move::Redrive(_) => {
                prop_assert!(!matches!(before.state, State::Failed | State::Cancelled));
            }
            Move::Wait(_) | Move::Claim(_) | Move::Send(..) => {}
        }
        Ok(())
    }

    /// In every state, a worker can finish the job, and the sweeper can end it at its deadline.
    fn can_always_end(&self) -> Result<(), TestCaseError> {
        if is_final(&self.job.state) {
            return Ok(());
        }
        let late = self.job.deadline.max(self.now);
        let (swept, _) = step(&self.job, &Command::Expire, late).unwrap();
        prop_assert_eq!(swept.state, State::Failed);

        let mut job = self.job.clone();
        let mut now = self.now;
        if let State::Queued { run_at } = job.state {
            now = now.max(run_at);
            let lease = token(job.attempt + 1);
            let claim = Command::Claim {
                lease,
                lease_ms: 1,
                deadline_min: None,
            };
            (job, _) = step(&job, &claim, now).unwrap();
        }
        let fence = Fence {
            attempt: job.attempt,
            lease: token(job.attempt),
        };
        let (job, _) = step(&job, &Command::Finish { fence }, now).unwrap();
        prop_assert_eq!(job.state, State::Succeeded);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn random_command_sequences_keep_the_invariants(is_native: bool, played in prop::collection::vec(moves(), 1..60)) {
        let runs_on = if is_native { RunsOn::Native } else { RunsOn::Edge };
        let mut life = Life::new(runs_on);
        for wanted in played {
            life.play(wanted)?;
            life.can_always_end()?;
        }
    }
}
