//! When a video or audio file can be played, and from what: the playback document is polled while its job runs.

use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use shared::api::Playback;
use shared::asset::AssetState;
use shared::id::AssetId;

use super::Update;
use crate::{Client, hls};

/// Time between two requests; the printed times are as exact as that.
const INTERVAL: Duration = Duration::from_millis(200);

/// What can be played, in the order of its appearance.
const STAGES: [Stage; 3] = [
    Stage {
        what: "the original",
        url: |playback| playback.original_url.as_deref(),
        plays: |client, url| client.length(url).is_ok(),
    },
    Stage {
        what: "MP4",
        url: |playback| playback.mp4_url.as_deref(),
        plays: |client, url| client.length(url).is_ok(),
    },
    Stage {
        what: "HLS",
        url: |playback| playback.hls_url.as_deref(),
        plays: |client, url| hls::first_segments(|url| client.download(url), url).is_ok(),
    },
];

/// Something that a player can play.
#[derive(Clone, Copy)]
struct Stage {
    what: &'static str,
    url: fn(&Playback) -> Option<&str>,
    plays: fn(&Client, &str) -> bool,
}

/// Watches one asset from its upload at `since` on, in a thread of its own, until it is final.
pub(super) fn watch(
    client: Client,
    index: usize,
    asset_id: AssetId,
    since: Instant,
    sender: Sender<Update>,
) {
    std::thread::spawn(move || {
        let mut open = STAGES.to_vec();
        while !open.is_empty() {
            let Ok(playback) = client.playback(asset_id) else {
                std::thread::sleep(INTERVAL);
                continue;
            };
            open.retain(|stage| {
                let plays = (stage.url)(&playback).is_some_and(|url| (stage.plays)(&client, url));
                if plays {
                    let _ = sender.send(Update::Playable {
                        index,
                        what: stage.what,
                        after: since.elapsed(),
                    });
                }
                !plays
            });
            match playback.state {
                AssetState::AwaitingUpload | AssetState::Processing => {}
                AssetState::Ready | AssetState::Failed => return,
            }
            std::thread::sleep(INTERVAL);
        }
    });
}
