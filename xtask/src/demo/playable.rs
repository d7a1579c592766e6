//! When a film or a sound can be played, and from what: asked of the playback document while its job runs.

use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use shared::api::Playback;
use shared::asset::AssetState;
use shared::id::AssetId;

use super::state::Happening;
use crate::client::Client;
use crate::hls;

/// Time between two questions; what is printed is as exact as that.
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

/// Something that a player can take.
#[derive(Clone, Copy)]
struct Stage {
    what: &'static str,
    url: fn(&Playback) -> Option<&str>,
    plays: fn(&Client, &str) -> bool,
}

/// Watches one asset from its completion at `since` on, in a thread of its own, until it is final.
pub(super) fn watch(
    client: Client,
    index: usize,
    asset_id: AssetId,
    since: Instant,
    sender: Sender<Happening>,
) {
    std::thread::spawn(move || {
        let mut open = STAGES.to_vec();
        while !open.is_empty() {
            let Ok(playback) = client.playback(asset_id) else {
                std::thread::sleep(INTERVAL);
                continue;
            };
            let mut is_heard = true;
            open.retain(|stage| {
                let plays = (stage.url)(&playback).is_some_and(|url| (stage.plays)(&client, url));
                if plays {
                    let news = Happening::Playable {
                        index,
                        what: stage.what,
                        after: since.elapsed(),
                    };
                    is_heard &= sender.send(news).is_ok();
                }
                !plays
            });
            let is_final = match playback.state {
                AssetState::AwaitingUpload | AssetState::Processing => false,
                AssetState::Ready | AssetState::Failed => true,
            };
            if is_final || !is_heard {
                return;
            }
            std::thread::sleep(INTERVAL);
        }
    });
}
