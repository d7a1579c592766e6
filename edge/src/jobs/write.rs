//! One decision as one guarded batch.

use shared::event::{Event, EventType, ProcessingResult};
use shared::id::JobId;
use shared::job::{Facts, Job, LeaseHash, Outcome, Progress, State, asset_state};
use shared::key::OutputPrefix;
use shared::kind::RunsOn;
use shared::message::Message;
use shared::problem::{ErrorCode, Failure};
use shared::time::Timestamp;
use worker::{D1Database, D1PreparedStatement};

use super::request::{Change, Made};
use crate::app::App;
use crate::clock;
use crate::db::assets::AssetRow;
use crate::db::attempts::{Begin, End};
use crate::db::guard::Guard;
use crate::db::jobs::{JobRow, Update};
use crate::db::{assets, attempts, events, jobs, messages, tombstones};
use crate::error::{Error, Result};
use crate::outbox::Effects;
use crate::storage::output::Urls;

/// What an unsuccessful attempt stored is removed after this time. By then its worker has noticed that the attempt is over.
const REMOVE_LEFTOVERS_AFTER_MS: u64 = 120_000;

/// A decision on its way into the database.
pub(super) struct Write<'a> {
    pub(super) app: &'a App,
    pub(super) db: &'a D1Database,
    pub(super) id: JobId,
    pub(super) row: &'a JobRow,
    pub(super) asset: &'a AssetRow,
    pub(super) before: &'a Job,
    pub(super) after: &'a Job,
    pub(super) change: &'a Change,
    pub(super) outcome: Outcome,
    pub(super) now: Timestamp,
}

impl Write<'_> {
    /// Writes everything or nothing; `None` when the job changed since it was read.
    pub(super) async fn commit(&self) -> Result<Option<Effects>> {
        let write_id = clock::random_token();
        let guard = Guard::job_written(self.db, self.id, &write_id);
        let error = self.error();
        let update = Update {
            after: self.after,
            runs_on: self.runs_on()?,
            error: error.as_ref(),
            write_id: &write_id,
            now: self.now,
        };
        let mut batch = vec![jobs::update(self.db, self.row, &update)?];
        batch.extend(self.consequences(&guard, error.as_ref())?);
        let subject = self.asset.subject()?;
        let hub = subject.hub();
        if let Some(event) = self.event(error.as_ref())? {
            batch.push(events::insert(&guard, &hub, &event)?);
        }
        let events = events::commit(self.db, batch, 0, &hub).await?;
        let runs_on = self.runs_on()?;
        let is_dispatched = self.row.runs_on()? == RunsOn::Native;
        Ok(events.map(|events| Effects {
            hub,
            events,
            message: self
                .queued_for()
                .map(|due| (Message::new(self.id, runs_on), due)),
            dispatched: (is_dispatched && self.ends_hint()).then_some(self.id),
        }))
    }

    /// The statements that follow from the decision, without its event.
    fn consequences(
        &self,
        guard: &Guard<'_>,
        error: Option<&Failure>,
    ) -> Result<Vec<D1PreparedStatement>> {
        let mut batch = Vec::new();
        match self.outcome {
            Outcome::Claimed => {
                batch.extend([
                    self.begin_attempt(guard)?,
                    messages::delete(guard, self.id)?,
                ]);
            }
            Outcome::Renewed => batch.extend(self.set_early(guard)?),
            Outcome::Succeeded => {
                batch.extend([self.end_attempt(guard, None)?, self.publish(guard)?]);
            }
            Outcome::Retried(_) | Outcome::Released => batch.extend([
                self.end_attempt(guard, error)?,
                self.remove_leftovers(guard)?,
            ]),
            Outcome::Failed(_) | Outcome::Cancelled => batch.extend([
                self.end_attempt(guard, error)?,
                self.remove_leftovers(guard)?,
                messages::delete(guard, self.id)?,
                self.fail_asset(guard, error)?,
            ]),
            Outcome::Redriven => batch.push(self.set_asset_state(guard, None)?),
        }
        if let Some(due) = self.queued_for() {
            batch.push(messages::insert(guard, self.id, due)?);
        }
        Ok(batch)
    }

    /// Where the job runs from now on.
    fn runs_on(&self) -> Result<RunsOn> {
        if let Change::HandOver { .. } = self.change {
            Ok(RunsOn::Native)
        } else {
            self.row.runs_on()
        }
    }

    /// When a claim is due, if the job has to be claimed now.
    fn queued_for(&self) -> Option<Timestamp> {
        match self.after.state {
            State::Queued { run_at } => Some(run_at),
            State::Running { .. } | State::Succeeded | State::Failed | State::Cancelled => None,
        }
    }

    /// Whether a hint for the job is of no more use.
    const fn ends_hint(&self) -> bool {
        match self.outcome {
            Outcome::Claimed | Outcome::Failed(_) | Outcome::Cancelled => true,
            Outcome::Renewed
            | Outcome::Succeeded
            | Outcome::Retried(_)
            | Outcome::Released
            | Outcome::Redriven => false,
        }
    }

    /// Why the attempt or the job ended, unless it succeeded.
    fn error(&self) -> Option<Failure> {
        match self.outcome {
            Outcome::Retried(Some(code)) | Outcome::Failed(Some(code)) => {
                Some(Failure::new(code, expiry_detail(code)))
            }
            Outcome::Retried(None) | Outcome::Failed(None) | Outcome::Released => {
                self.change.failure().cloned()
            }
            Outcome::Cancelled => Some(Failure::new(
                ErrorCode::JobCancelled,
                "The job was cancelled by its owner.",
            )),
            Outcome::Claimed | Outcome::Renewed | Outcome::Succeeded | Outcome::Redriven => None,
        }
    }

    fn begin_attempt(&self, guard: &Guard<'_>) -> Result<D1PreparedStatement> {
        let Change::Claim {
            worker,
            nonce,
            token,
            ..
        } = self.change
        else {
            return Err(Error::internal("only a claim begins an attempt"));
        };
        let begin = Begin {
            job: self.id,
            worker,
            prefix: OutputPrefix {
                asset: self.row.asset_id()?,
                attempt: self.after.attempt,
                nonce: *nonce,
            },
            lease: LeaseHash::of(token),
            now: self.now,
        };
        attempts::begin(guard, &begin)
    }

    /// Stores what is playable early, if the heartbeat brought some.
    fn set_early(&self, guard: &Guard<'_>) -> Result<Option<D1PreparedStatement>> {
        let Change::Heartbeat {
            early: Some(early), ..
        } = self.change
        else {
            return Ok(None);
        };
        attempts::set_early(guard, self.id, self.before.attempt, early).map(Some)
    }

    fn end_attempt(
        &self,
        guard: &Guard<'_>,
        error: Option<&Failure>,
    ) -> Result<D1PreparedStatement> {
        let end = End {
            error,
            peak_memory_bytes: self.change.peak_memory_bytes(),
            report: self.change.made().and_then(|made| made.report.as_deref()),
            now: self.now,
        };
        attempts::end(guard, self.id, self.before.attempt, &end)
    }

    fn remove_leftovers(&self, guard: &Guard<'_>) -> Result<D1PreparedStatement> {
        let due = self.now.plus_ms(REMOVE_LEFTOVERS_AFTER_MS);
        tombstones::insert_attempt(guard, self.id, self.before.attempt, due)
    }

    fn made(&self) -> Result<&Made> {
        self.change
            .made()
            .ok_or_else(|| Error::internal("only a finish publishes outputs"))
    }

    fn publish(&self, guard: &Guard<'_>) -> Result<D1PreparedStatement> {
        let made = self.made()?;
        assets::publish(
            guard,
            self.asset.id()?,
            &made.outputs,
            &made.facts,
            self.now,
        )
    }

    fn fail_asset(
        &self,
        guard: &Guard<'_>,
        error: Option<&Failure>,
    ) -> Result<D1PreparedStatement> {
        // The table requires that a failed asset has a code.
        let unknown = Failure::new(ErrorCode::Internal, "");
        self.set_asset_state(guard, Some(error.unwrap_or(&unknown)))
    }

    fn set_asset_state(
        &self,
        guard: &Guard<'_>,
        error: Option<&Failure>,
    ) -> Result<D1PreparedStatement> {
        let state = asset_state(self.after.state.word());
        assets::set_state(guard, self.asset.id()?, state, error)
    }

    /// The event of this decision, if it has one.
    fn event(&self, error: Option<&Failure>) -> Result<Option<Event>> {
        let event_type = match self.outcome {
            Outcome::Claimed => EventType::ProcessingStarted,
            Outcome::Succeeded => EventType::ProcessingComplete,
            Outcome::Failed(_) => EventType::ProcessingFailed,
            Outcome::Cancelled => EventType::JobCancelled,
            Outcome::Retried(_) => EventType::ProcessingProgress,
            Outcome::Renewed | Outcome::Released | Outcome::Redriven => return Ok(None),
        };
        let mut event = self.asset.subject()?.event(event_type, self.now);
        event.attempt = (self.after.attempt > 0).then_some(self.after.attempt);
        if let Outcome::Retried(_) = self.outcome {
            // No `error`: the job has not failed.
            event.progress = error.map(Progress::retry);
            return Ok(Some(event));
        }
        event.error = error.cloned();
        event.result = self
            .change
            .made()
            .map(|made| self.result(made))
            .transpose()?;
        Ok(Some(event))
    }

    fn result(&self, made: &Made) -> Result<ProcessingResult> {
        let Facts {
            width,
            height,
            duration_ms,
            placeholder,
        } = made.facts.clone();
        Ok(ProcessingResult {
            outputs: Urls::new(&self.app.config).of_outputs(
                &made.outputs,
                self.asset.id()?,
                self.asset.visibility()?,
            ),
            width,
            height,
            duration_ms,
            placeholder,
        })
    }
}

/// Detail of a failure that no worker reported.
fn expiry_detail(code: ErrorCode) -> &'static str {
    if code == ErrorCode::JobDeadlineExceeded {
        "The job did not end before its deadline. Redrive it, or upload the file again."
    } else if code == ErrorCode::JobPoisonous {
        "Every worker that tried this file stopped responding. The file may be the cause: try another encoding of it."
    } else {
        "The worker stopped responding; another attempt follows."
    }
}
