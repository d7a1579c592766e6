//! Kinds and states of jobs, and how they relate to those of assets.

use shared::asset::AssetState;
use shared::job::{JobKind, JobState, asset_state};
use shared::kind::AssetKind;

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
fn an_asset_follows_its_job() {
    let states: Vec<AssetState> = JobState::ALL.iter().map(|&job| asset_state(job)).collect();
    let expected = [
        AssetState::AwaitingUpload,
        AssetState::Processing,
        AssetState::Processing,
        AssetState::Ready,
        AssetState::Failed,
        AssetState::Failed,
    ];
    assert_eq!(states, expected);
}
