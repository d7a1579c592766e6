//! The film through a stack with one native worker.

use std::fs::File;
use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use shared::api::Playback;
use shared::asset::AssetState;
use shared::event::{Event, EventType};
use shared::id::AssetId;
use shared::video::preset::Preset;

use super::clip::Clip;
use super::progress::{self, Course};
use super::sample::{Sampler, Usage};
use crate::environment::{Environment, TENANT};
use crate::events::{Seen, watch};
use xtask::build::native::Profile;
use xtask::client::Client;
use xtask::hls;
use xtask::stack::{self, Stack, Workers};

/// Longest wait for the end of a film.
const PATIENCE: Duration = Duration::from_mins(10);

/// One turn, measured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Worked {
    /// What the worker used.
    pub(super) usage: Usage,
    /// From the start to the end of the work, by the events' own times.
    pub(super) wall: Duration,
    /// From the call of `complete` to the start of the work.
    pub(super) wait: Duration,
    /// CPU time of edge and buckets meanwhile.
    pub(super) edge: Duration,
    /// The events of its progress.
    pub(super) course: Course,
}

/// One turn with a viewer who wants to play the film as soon as he can.
pub(super) struct Watched {
    /// From the answer of `complete` until the original plays.
    pub(super) original: Duration,
    /// From `processing_started` until the first segment of every rung plays.
    pub(super) rungs: Duration,
    /// The turn.
    pub(super) worked: Worked,
}

/// The stack, and a user whose events are heard.
pub(super) struct Ours {
    stack: Stack,
    client: Client,
    seen: Receiver<Result<Seen>>,
}

/// When the viewer could play what.
struct Played {
    original: Instant,
    rungs: Instant,
}

impl Ours {
    /// Starts a stack whose only preset is `preset`.
    pub(super) fn start(
        environment: &Environment<'_>,
        preset: &Preset,
        profile: Profile,
    ) -> Result<Self> {
        let presets = serde_json::json!({ "*": preset }).to_string();
        let options = stack::Options {
            port: 0,
            state: environment.folder.join("ours"),
            vars: vec![("VIDEO_PRESETS".to_owned(), presets)],
            workers: Workers::build(environment.paths, profile, 1, Vec::new())?,
        };
        let stack = environment.start(&environment.paths.root, &options)?;
        let client = Client::of(environment.paths, stack.origin(), TENANT, "watcher")?;
        let seen = watch(&client)?;
        Ok(Self {
            stack,
            client,
            seen,
        })
    }

    /// Ends the stack.
    pub(super) fn stop(self) {
        self.stack.stop();
    }

    /// A turn that nobody watches but the event stream.
    pub(super) fn worked(&self, clip: &Clip) -> Result<Worked> {
        self.turn(clip, |_, _| ()).map(|(worked, ())| worked)
    }

    /// A turn with a viewer.
    pub(super) fn watched(&self, clip: &Clip, rungs: usize) -> Result<Watched> {
        let client = self.client.clone();
        let (worked, (answered, viewer)) = self.turn(clip, move |id, answered| {
            (answered, view(client, id, rungs))
        })?;
        let played = match viewer.join() {
            Ok(played) => played?,
            Err(_) => bail!("the viewer's thread has died"),
        };
        let since = |at: Instant, from: Instant| at.saturating_duration_since(from);
        Ok(Watched {
            original: since(played.original, answered),
            rungs: since(played.rungs, worked.course.started),
            worked,
        })
    }

    fn turn<T>(
        &self,
        clip: &Clip,
        completed: impl FnOnce(AssetId, Instant) -> T,
    ) -> Result<(Worked, T)> {
        let client = &self.client;
        let created = client.create("video.mp4", "video/mp4", clip.size_bytes)?;
        let id = created.asset.id;
        client.put(&created.upload, clip.size_bytes, || {
            File::open(&clip.path).with_context(|| format!("cannot read {}", clip.path.display()))
        })?;
        let (process, scratch) = self.stack.worker(1).context("the worker is gone")?;
        let sampler = Sampler::start(process, scratch);
        let edge = self.stack.runtime_cpu();
        let called = Instant::now();
        client.complete(id)?;
        let more = completed(id, Instant::now());
        let events = self.events(id)?;
        let usage = sampler.finish()?;
        let edge = self.stack.runtime_cpu().saturating_sub(edge);
        self.check(id)?;
        let course = progress::course(&events)?;
        let worked = Worked {
            usage,
            wall: course.wall,
            wait: course.started.saturating_duration_since(called),
            edge,
            course,
        };
        Ok((worked, more))
    }

    /// The events of one asset, from the start to the end of its work.
    fn events(&self, id: AssetId) -> Result<Vec<(Instant, Event)>> {
        let from = Instant::now();
        let mut events = Vec::new();
        loop {
            let left = PATIENCE.saturating_sub(from.elapsed());
            let Seen { at, event } = self
                .seen
                .recv_timeout(left)
                .context("the end of the film was not heard")??;
            if event.asset_id != id {
                continue;
            }
            let event_type = event.event_type;
            if let Some(error) = &event.error {
                bail!("the film ended with {}: {}", event_type, error.detail);
            }
            events.push((at, event));
            if event_type == EventType::ProcessingComplete {
                return Ok(events);
            }
            if event_type.ends_job() {
                bail!("the film ended with {event_type}");
            }
        }
    }

    /// Fast and wrong is not a result: every file that the playlists name is there.
    fn check(&self, id: AssetId) -> Result<()> {
        let asset = self.client.asset(id)?;
        if asset.state != AssetState::Ready {
            bail!("{id} is {}", asset.state);
        }
        let playback = self.client.playback(id)?;
        let url = playback.hls_url.context("there is no HLS output")?;
        hls::files(|url| self.client.download(url), &url).map(drop)
    }
}

/// Asks for the original, then for the first segment of every rung, in a thread of its own: at once, and again whenever an
/// event says that something is new.
fn view(client: Client, id: AssetId, rungs: usize) -> JoinHandle<Result<Played>> {
    std::thread::spawn(move || {
        let heard = watch(&client)?;
        let wait = |plays: &dyn Fn(&Playback) -> bool| -> Result<Instant> {
            loop {
                let playback = client.playback(id)?;
                if plays(&playback) {
                    return Ok(Instant::now());
                }
                match playback.state {
                    AssetState::AwaitingUpload | AssetState::Processing => {}
                    AssetState::Ready | AssetState::Failed => {
                        bail!("the film is {} and does not play", playback.state)
                    }
                }
                heard
                    .recv_timeout(PATIENCE)
                    .context("the film never became playable")??;
            }
        };
        let fetch = |url: &str| client.download(url);
        Ok(Played {
            original: wait(&|playback| {
                let url = playback.original_url.as_deref();
                url.is_some_and(|url| client.length(url).is_ok())
            })?,
            rungs: wait(&|playback| {
                let url = playback.hls_url.as_deref();
                url.and_then(|url| hls::first_segments(fetch, url).ok()) >= Some(rungs)
            })?,
        })
    })
}
