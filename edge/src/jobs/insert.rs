//! Creation of jobs.

use shared::job::{DEADLINE_MS, JobKind};
use shared::kind::RunsOn;
use shared::time::Timestamp;
use worker::D1PreparedStatement;

use crate::clock;
use crate::db;
use crate::db::assets::AssetRow;
use crate::db::guard::Guard;
use crate::db::jobs::NewJob;
use crate::error::{Error, Result};

/// The job of `asset`, queued, and its message.
///
/// # Errors
/// When assets of this kind have no job.
pub(crate) fn insert(
    guard: &Guard<'_>,
    asset: &AssetRow,
    runs_on: RunsOn,
    now: Timestamp,
) -> Result<[D1PreparedStatement; 2]> {
    let kind = JobKind::of(asset.kind()?)
        .ok_or_else(|| Error::internal("an asset of this kind has no job"))?;
    let job = NewJob {
        kind,
        runs_on,
        run_at: now,
        deadline: now.plus_ms(DEADLINE_MS),
        write_id: clock::random_token(),
    };
    Ok([
        db::jobs::insert(guard, asset, &job)?,
        db::messages::insert(guard, asset.job_id()?, now)?,
    ])
}
