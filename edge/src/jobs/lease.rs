//! Renewal of leases, and the progress that comes with it: a worker reports that it is alive and how far it is. The image job of the
//! edge and native workers report in the same way.

use shared::event::EventType;
use shared::job::{Command, Fence, Job, Progress, State, step};
use shared::time::Timestamp;

use super::apply;
use super::request::Change;
use crate::app::App;
use crate::clock;
use crate::db::attempts::Early;
use crate::error::Result;
use crate::hub::subject::Subject;
use crate::hub::{self, Append};
use crate::outbox;

/// A lease is renewed in the database when it is this old, or when a third of it has passed if that is earlier.
const RENEW_AFTER_MS: u64 = 10_000;

/// A sign of life.
pub(crate) struct Renewal {
    pub(crate) fence: Fence,
    /// The deadline moves to this time if it is earlier.
    pub(crate) deadline_min: Option<Timestamp>,
    /// What is playable already.
    pub(crate) early: Option<Early>,
}

/// Until when the current attempt is held; `now` when the job does not run.
pub(crate) const fn lease_until(job: &Job, now: Timestamp) -> Timestamp {
    match job.state {
        State::Running { lease_until, .. } => lease_until,
        State::Queued { .. } | State::Succeeded | State::Failed | State::Cancelled => now,
    }
}

/// Whether so much of a lease has passed that it is renewed.
fn is_due(lease_until: Timestamp, lease_ms: u64, now: Timestamp) -> bool {
    let age_ms = lease_ms.saturating_sub(lease_until.ms_since(now));
    age_ms >= RENEW_AFTER_MS.min(lease_ms / 3)
}

/// Renews the lease of `job`, which was read before. Writes only when the lease is due, the deadline moves or something became
/// playable. Returns the job as it is then.
///
/// # Errors
/// `lease_stale` when the fence is not that of the current attempt, and the errors of [`apply`].
pub(crate) async fn renew(
    app: &App,
    subject: &Subject,
    job: &Job,
    renewal: Renewal,
) -> Result<Job> {
    let (now, lease_ms) = (clock::now(), app.config.lease_ms);
    let Renewal {
        fence,
        deadline_min,
        early,
    } = renewal;
    let command = Command::Heartbeat {
        fence: fence.clone(),
        lease_ms,
        deadline_min,
    };
    let (after, _) = step(job, &command, now)?;
    let is_news = early.is_some() || after.deadline != job.deadline;
    if !is_news && !is_due(lease_until(job, now), lease_ms, now) {
        return Ok(job.clone());
    }
    let change = Change::Heartbeat {
        fence,
        deadline_min,
        early,
    };
    let applied = apply(app, subject.job_id, &change).await?;
    outbox::settle(app, applied.effects).await;
    Ok(applied.job)
}

/// Publishes the progress of an attempt. It goes to the hub without the database and is lost when the hub cannot be reached.
///
/// # Errors
/// When the progress cannot be written as JSON.
pub(crate) async fn report_progress(
    app: &App,
    subject: &Subject,
    attempt: u32,
    progress: Progress,
) -> Result<()> {
    let mut event = subject.event(EventType::ProcessingProgress, clock::now());
    event.attempt = Some(attempt);
    event.progress = Some(progress.bounded());
    if let Err(error) = hub::append(app, &subject.hub(), vec![Append::of(&event)?]).await {
        worker::console_warn!(
            "progress not published: {error:?} job.id={} attempt={attempt}",
            subject.job_id
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_renewed_after_ten_seconds_or_a_third_of_it() {
        let now = Timestamp::from_ms(1_000_000);
        // Lease, what is left of it, whether it is renewed.
        let table = [
            (30_000, 30_000, false),
            (30_000, 20_001, false),
            (30_000, 20_000, true),
            (30_000, 0, true),
            (3_000, 2_001, false),
            (3_000, 2_000, true),
            (300_000, 290_001, false),
            (300_000, 290_000, true),
        ];
        for (lease_ms, left_ms, expected) in table {
            let is_renewed = is_due(now.plus_ms(left_ms), lease_ms, now);
            assert_eq!(is_renewed, expected, "{left_ms} of {lease_ms} ms");
        }
        assert!(is_due(now.minus_ms(5), 30_000, now), "it has run out");
    }
}
