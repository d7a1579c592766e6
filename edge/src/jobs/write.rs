//! One decision as one guarded batch.

use shared::asset::Visibility;
use shared::event::{Event, EventType, ProcessingResult};
use shared::id::JobId;
use shared::job::{Job, LeaseHash, Outcome, Progress, State, asset_state};
use shared::key::OutputPrefix;
use shared::kind::RunsOn;
use shared::message::Message;
use shared::problem::{ErrorCode, Failure};
use shared::time::Timestamp;
use wasm_bindgen::JsValue;
use worker::{D1Database, D1PreparedStatement};

use super::{Change, Effects, new_event};
use crate::app::App;
use crate::clock;
use crate::db::assets::{AssetRow, outputs};
use crate::db::jobs::JobRow;
use crate::db::outbox::select_events;
use crate::db::{changes, int, int_or_null, statement, text, text_or_null, time};
use crate::error::{Error, Result};
use crate::hub;

/// Leftovers of an attempt that did not win are removed after this time; by then its worker has noticed, too.
const LEFTOVERS_AFTER_MS: u64 = 120_000;

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
        let guard = Guard {
            db: self.db,
            job: self.id.to_string(),
            write_id,
        };
        let error = self.error();
        let hub = hub::name(&self.row.tenant, &self.row.user_id);
        let mut batch = vec![self.update_job(&guard.write_id, error.as_ref())?];
        let mut message = None;
        match self.outcome {
            Outcome::Claimed => {
                batch.extend([self.begin_attempt(&guard)?, guard.forget_message()?]);
            }
            Outcome::Renewed => batch.extend(self.note_early(&guard)?),
            Outcome::Succeeded => {
                batch.extend([self.end_attempt(&guard, None)?, self.publish(&guard)?]);
            }
            Outcome::Retried(_) | Outcome::Released => {
                batch.extend([
                    self.end_attempt(&guard, error.as_ref())?,
                    self.leftovers(&guard)?,
                ]);
                message = Some(guard.send_message(&mut batch, self.due())?);
            }
            Outcome::Failed(_) | Outcome::Cancelled => {
                batch.extend([
                    self.end_attempt(&guard, error.as_ref())?,
                    self.leftovers(&guard)?,
                    guard.forget_message()?,
                ]);
                batch.push(self.fail_asset(&guard, error.as_ref())?);
            }
            Outcome::Redriven => {
                batch.push(self.reopen_asset(&guard)?);
                message = Some(guard.send_message(&mut batch, self.due())?);
            }
        }
        if let Some(event) = self.event(error.as_ref())? {
            batch.push(guard.statement(
                "INSERT INTO outbox_events (hub, payload, created_at) SELECT ?, ?, ?",
                &[
                    text(&hub),
                    text(&serde_json::to_string(&event)?),
                    time(self.now),
                ],
            )?);
        }
        batch.push(select_events(self.db, &hub)?);
        let results = self.db.batch(batch).await?;
        let (Some(first), Some(last)) = (results.first(), results.last()) else {
            return Err(Error::internal("the database answered an empty batch"));
        };
        if changes(first)? == 0 {
            return Ok(None);
        }
        Ok(Some(Effects {
            hub,
            events: last.results()?,
            message: match message {
                Some(due) => Some((Message::new(self.id, self.runs_on()?), due)),
                None => None,
            },
            dispatched: self.is_undispatched()?.then_some(self.id),
        }))
    }

    /// Where the job runs from now on.
    fn runs_on(&self) -> Result<RunsOn> {
        if let Change::HandOver { .. } = self.change {
            Ok(RunsOn::Native)
        } else {
            self.row.runs_on()
        }
    }

    /// Whether a hint of it in the dispatch object has become useless.
    fn is_undispatched(&self) -> Result<bool> {
        let is_useless = match self.outcome {
            Outcome::Claimed | Outcome::Failed(_) | Outcome::Cancelled => true,
            Outcome::Renewed
            | Outcome::Succeeded
            | Outcome::Retried(_)
            | Outcome::Released
            | Outcome::Redriven => false,
        };
        Ok(is_useless && self.row.runs_on()? == RunsOn::Native)
    }

    /// Keeps what is playable early, if the heartbeat brought some.
    fn note_early(&self, guard: &Guard<'_>) -> Result<Option<D1PreparedStatement>> {
        let Change::Heartbeat {
            early: Some(early), ..
        } = self.change
        else {
            return Ok(None);
        };
        let sql = "UPDATE attempts SET early = ? WHERE job_id = ? AND attempt = ?";
        let early = serde_json::to_string(early)?;
        let attempt = int(u64::from(self.before.attempt));
        guard
            .statement(sql, &[text(&early), text(&guard.job), attempt])
            .map(Some)
    }

    fn update_job(&self, write_id: &str, error: Option<&Failure>) -> Result<D1PreparedStatement> {
        let (run_at, lease, lease_until, ended) = match &self.after.state {
            State::Queued { run_at } => (Some(run_at.ms()), None, None, None),
            State::Running { lease, lease_until } => {
                (None, Some(lease.as_str()), Some(lease_until.ms()), None)
            }
            State::Succeeded | State::Failed | State::Cancelled => {
                (None, None, None, Some(self.now.ms()))
            }
        };
        // A queued or running job has no error yet; the attempt keeps its own.
        let error = error.filter(|_| ended.is_some());
        statement(
            self.db,
            "UPDATE jobs SET state = ?, runs_on = ?, attempt = ?, failures = ?, losses = ?, run_at = ?, lease_hash = ?, lease_until = ?, deadline_at = ?, \
             error_code = ?, error_detail = ?, ended_at = ?, write_id = ? WHERE id = ? AND write_id = ?",
            &[
                text(self.after.state.word().as_str()),
                text(self.runs_on()?.as_str()),
                int(u64::from(self.after.attempt)),
                int(u64::from(self.after.failures)),
                int(u64::from(self.after.losses)),
                int_or_null(run_at),
                text_or_null(lease),
                int_or_null(lease_until),
                time(self.after.deadline),
                text_or_null(error.map(|error| error.code.as_str())),
                text_or_null(error.map(|error| error.detail.as_str())),
                int_or_null(ended),
                text(write_id),
                text(&self.id.to_string()),
                text(&self.row.write_id),
            ],
        )
    }

    /// Why the attempt or the job ended, unless it succeeded.
    fn error(&self) -> Option<Failure> {
        match (self.outcome, self.change) {
            (Outcome::Retried(None) | Outcome::Failed(None), Change::Fail { failure, .. }) => {
                Some(failure.clone())
            }
            (Outcome::Released, Change::HandOver { failure, .. }) => Some(failure.clone()),
            (Outcome::Retried(Some(code)) | Outcome::Failed(Some(code)), _) => {
                Some(Failure::new(code, clock_detail(code)))
            }
            (Outcome::Cancelled, _) => Some(Failure::new(
                ErrorCode::JobCancelled,
                "The job was cancelled by its owner.",
            )),
            _ => None,
        }
    }

    fn due(&self) -> Timestamp {
        match self.after.state {
            State::Queued { run_at } => run_at,
            State::Running { .. } | State::Succeeded | State::Failed | State::Cancelled => self.now,
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
            return Err(Error::internal("an attempt begins by a claim only"));
        };
        let prefix = OutputPrefix {
            asset: self.row.asset_id()?,
            attempt: self.after.attempt,
            nonce: *nonce,
        };
        guard.statement(
            "INSERT INTO attempts (job_id, attempt, worker, output_prefix, started_at, lease_hash) SELECT ?, ?, ?, ?, ?, ?",
            &[
                text(&guard.job),
                int(u64::from(self.after.attempt)),
                text(worker),
                text(&prefix.to_string()),
                time(self.now),
                text(LeaseHash::of(token).as_str()),
            ],
        )
    }

    fn end_attempt(
        &self,
        guard: &Guard<'_>,
        error: Option<&Failure>,
    ) -> Result<D1PreparedStatement> {
        let (peak, report) = match self.change {
            Change::Finish { made, .. } => (made.peak_memory_bytes, made.report.as_deref()),
            Change::Fail {
                peak_memory_bytes, ..
            }
            | Change::HandOver {
                peak_memory_bytes, ..
            } => (*peak_memory_bytes, None),
            Change::Claim { .. }
            | Change::Heartbeat { .. }
            | Change::Release { .. }
            | Change::Cancel
            | Change::Expire
            | Change::Redrive => (None, None),
        };
        guard.statement(
            "UPDATE attempts SET ended_at = ?, error_code = ?, error_detail = ?, peak_memory_bytes = ?, report = ? \
             WHERE job_id = ? AND attempt = ? AND ended_at IS NULL",
            &[
                time(self.now),
                text_or_null(error.map(|error| error.code.as_str())),
                text_or_null(error.map(|error| error.detail.as_str())),
                int_or_null(peak),
                text_or_null(report),
                text(&guard.job),
                int(u64::from(self.before.attempt)),
            ],
        )
    }

    /// Remembers to remove what the attempt may have written.
    fn leftovers(&self, guard: &Guard<'_>) -> Result<D1PreparedStatement> {
        guard.statement(
            "INSERT OR REPLACE INTO tombstones (prefix, due_at) SELECT output_prefix, ? FROM attempts WHERE job_id = ? AND attempt = ?",
            &[time(self.now.plus_ms(LEFTOVERS_AFTER_MS)), text(&guard.job), int(u64::from(self.before.attempt))],
        )
    }

    /// Makes the outputs visible: the moment of truth.
    fn publish(&self, guard: &Guard<'_>) -> Result<D1PreparedStatement> {
        let Change::Finish { made, .. } = self.change else {
            return Err(Error::internal("outputs are published by a finish only"));
        };
        guard.statement(
            "UPDATE assets SET state = ?, outputs = ?, width = ?, height = ?, duration_ms = ?, placeholder = ?, ready_at = ?, \
             error_code = NULL, error_detail = NULL WHERE id = ?",
            &[
                text(asset_state(self.after.state.word()).as_str()),
                text(&serde_json::to_string(&made.outputs)?),
                int_or_null(made.width.map(u64::from)),
                int_or_null(made.height.map(u64::from)),
                int_or_null(made.duration_ms),
                text_or_null(made.placeholder.as_deref()),
                time(self.now),
                text(&self.asset.id()?.to_string()),
            ],
        )
    }

    fn fail_asset(
        &self,
        guard: &Guard<'_>,
        error: Option<&Failure>,
    ) -> Result<D1PreparedStatement> {
        guard.statement(
            "UPDATE assets SET state = ?, error_code = ?, error_detail = ? WHERE id = ?",
            &[
                text(asset_state(self.after.state.word()).as_str()),
                text(
                    error
                        .map_or(ErrorCode::Internal, |error| error.code)
                        .as_str(),
                ),
                text(error.map_or("", |error| error.detail.as_str())),
                text(&self.asset.id()?.to_string()),
            ],
        )
    }

    fn reopen_asset(&self, guard: &Guard<'_>) -> Result<D1PreparedStatement> {
        guard.statement(
            "UPDATE assets SET state = ?, error_code = NULL, error_detail = NULL WHERE id = ?",
            &[
                text(asset_state(self.after.state.word()).as_str()),
                text(&self.asset.id()?.to_string()),
            ],
        )
    }

    /// The event of this change, if its user is to hear of it.
    fn event(&self, error: Option<&Failure>) -> Result<Option<Event>> {
        let event_type = match self.outcome {
            Outcome::Claimed => EventType::ProcessingStarted,
            Outcome::Succeeded => EventType::ProcessingComplete,
            Outcome::Failed(_) => EventType::ProcessingFailed,
            Outcome::Cancelled => EventType::JobCancelled,
            Outcome::Retried(_) => EventType::ProcessingProgress,
            Outcome::Renewed | Outcome::Released | Outcome::Redriven => return Ok(None),
        };
        let mut event = new_event(event_type, self.asset, self.now)?;
        event.attempt = (self.after.attempt > 0).then_some(self.after.attempt);
        if let Outcome::Retried(_) = self.outcome {
            // No `error`: nothing is lost yet.
            event.progress = error.map(Progress::retry);
            return Ok(Some(event));
        }
        event.error = error.cloned();
        if let Change::Finish { made, .. } = self.change {
            let visibility: Visibility = self.asset.visibility()?;
            event.result = Some(ProcessingResult {
                outputs: outputs(
                    &made.outputs,
                    self.asset.id()?,
                    visibility,
                    &self.app.config,
                ),
                width: made.width,
                height: made.height,
                duration_ms: made.duration_ms,
                placeholder: made.placeholder.clone(),
            });
        }
        Ok(Some(event))
    }
}

/// What a failure by the clock tells its reader.
fn clock_detail(code: ErrorCode) -> &'static str {
    if code == ErrorCode::JobDeadlineExceeded {
        "The job did not end before its deadline. Redrive it, or upload again."
    } else if code == ErrorCode::JobPoisonous {
        "The worker vanished in every attempt at this file. It may be the file: try another encoding of it."
    } else {
        "The worker vanished; another attempt follows."
    }
}

/// Statements that take effect only if this write won.
struct Guard<'a> {
    db: &'a D1Database,
    job: String,
    write_id: String,
}

impl Guard<'_> {
    /// A statement that does nothing unless the job carries this write's id. Takes `INSERT … SELECT` and `UPDATE … WHERE`.
    fn statement(&self, sql: &str, parameters: &[JsValue]) -> Result<D1PreparedStatement> {
        let joint = if sql.contains(" WHERE ") {
            "AND"
        } else {
            "WHERE"
        };
        let sql =
            format!("{sql} {joint} EXISTS (SELECT 1 FROM jobs WHERE id = ? AND write_id = ?)");
        let mut parameters = parameters.to_vec();
        parameters.extend([text(&self.job), text(&self.write_id)]);
        statement(self.db, &sql, &parameters)
    }

    fn forget_message(&self) -> Result<D1PreparedStatement> {
        self.statement(
            "DELETE FROM outbox_messages WHERE job_id = ?",
            &[text(&self.job)],
        )
    }

    fn send_message(
        &self,
        batch: &mut Vec<D1PreparedStatement>,
        due: Timestamp,
    ) -> Result<Timestamp> {
        batch.push(self.statement(
            "INSERT OR REPLACE INTO outbox_messages (job_id, due_at) SELECT ?, ?",
            &[text(&self.job), time(due)],
        )?);
        Ok(due)
    }
}
