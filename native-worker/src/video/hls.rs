//! The final playlists of HLS, with all segments and measured rates. They are read back and compared.

use futures_util::future::try_join_all;
use shared::video::plan::Plan;
use shared::video::playlist::PlaylistState;

use super::encode::Ladder;
use super::playlists::{self, Playlist, Text};
use super::work::Work;
use crate::storage::Lifetime;
use crate::work_error::WorkError;

/// Stores the final playlists, the master last, and publishes HLS.
pub(super) async fn finish(
    work: &Work<'_>,
    plan: &Plan,
    ladder: &Ladder,
    mut texts: Vec<Text>,
) -> Result<(), WorkError> {
    for text in &mut texts {
        text.segment.ticks = ladder.duration_ms;
    }
    let complete = PlaylistState::Complete;
    let mut all = playlists::media(plan, &ladder.renditions, complete);
    all.extend(playlists::text_media(plan, &texts));
    all.push(playlists::master(
        plan,
        &ladder.renditions,
        &texts,
        complete,
    ));
    let size = playlists::store(work, &all, Lifetime::Immutable).await?;
    try_join_all(all.iter().map(|playlist| check(work, playlist))).await?;
    work.publish(playlists::output(plan, size));
    Ok(())
}

/// Verifies that the stored playlist is the final one, not an earlier version.
async fn check(work: &Work<'_>, playlist: &Playlist) -> Result<(), WorkError> {
    let size = u64::try_from(playlist.text.len()).unwrap_or(u64::MAX);
    let storage = &work.attempt.storage;
    if storage.read_whole(&playlist.file, size).await? == playlist.text.as_bytes() {
        Ok(())
    } else {
        Err(work.invalid(&playlist.file, &"an earlier version was returned"))
    }
}
