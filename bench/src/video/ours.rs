//! The video through a stack with one native worker.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use client::{Client, hls};
use fs_err::File;
use shared::api::Playback;
use shared::asset::AssetState;
use shared::id::AssetId;
use shared::video::preset::Preset;
use xtask::build::{Profile, native};
use xtask::stack::Stack;

use super::clip::Clip;
use super::course::{self, Course};
use super::sample::{Sampler, Usage};
use crate::environment::Environment;
use crate::events::watch::Watcher;

/// Longest wait for the end of the job.
const PATIENCE: Duration = Duration::from_mins(10);

/// One turn, measured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Worked {
    /// What the worker used.
    pub(super) usage: Usage,
    /// From the start to the end of the work, by the times in the events.
    pub(super) wall: Duration,
    /// From the call of `complete` to the start of the work.
    pub(super) wait: Duration,
    /// CPU time of edge and buckets meanwhile.
    pub(super) edge: Duration,
    /// The progress as the events report it.
    pub(super) course: Course,
}

/// One turn with a viewer who wants to play the video as early as possible.
pub(super) struct Watched {
    /// From the answer of `complete` until the original plays.
    pub(super) original: Duration,
    /// From `processing_started` until the first segment of every rung plays.
    pub(super) rungs: Duration,
    /// The turn.
    pub(super) worked: Worked,
}

/// The stack, and a user with an open event stream.
pub(super) struct Ours {
    stack: Stack,
    client: Client,
    watcher: Watcher,
}

/// When the viewer could play what.
struct Played {
    original: Instant,
    rungs: Instant,
}

impl Ours {
    /// Starts a stack whose only preset is `preset`.
    pub(super) fn start(environment: &Environment<'_>, preset: &Preset) -> Result<Self> {
        let paths = environment.paths;
        let program = native::ensure(paths, Profile::Release, None)?;
        let presets = serde_json::json!({ "*": preset }).to_string();
        let vars = vec![("VIDEO_PRESETS".to_owned(), presets)];
        let mut stack = environment.stack(&paths.root, "ours", vars)?;
        stack.add_workers(program, 1, &environment.stop)?;
        let client = environment.user(&stack, "watcher")?;
        let watcher = Watcher::start(&client)?;
        Ok(Self {
            stack,
            client,
            watcher,
        })
    }

    /// Stops the stack.
    pub(super) fn stop(self) {
        self.stack.stop();
    }

    /// A turn without a viewer.
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
            Err(_) => bail!("the viewer's thread panicked"),
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
        let open = || Ok(File::open(&clip.path)?);
        client.put(&created.upload, clip.size_bytes, open, |_| ())?;
        let process = self.stack.worker(1);
        let (process, scratch) = process.context("there is no native worker")?;
        let sampler = Sampler::start(process, scratch);
        let edge = self.stack.runtime_cpu();
        let called = Instant::now();
        client.complete(id)?;
        let more = completed(id, Instant::now());
        let events = self.watcher.until_complete(id, PATIENCE)?;
        let usage = sampler.finish()?;
        let edge = self.stack.runtime_cpu().saturating_sub(edge);
        self.check(id)?;
        let course = course::course(&events)?;
        let worked = Worked {
            usage,
            wall: course.wall,
            wait: course.started.saturating_duration_since(called),
            edge,
            course,
        };
        Ok((worked, more))
    }

    /// Downloads every output: fast and wrong is not a result.
    fn check(&self, id: AssetId) -> Result<()> {
        let asset = self.client.asset(id)?;
        if asset.state != AssetState::Ready {
            bail!("{id} is {}", asset.state);
        }
        for output in &asset.outputs {
            self.client.download_output(output)?;
        }
        let hls = self.client.playback(id)?.hls_url;
        hls.context("there is no HLS output").map(drop)
    }
}

/// Requests the original, then the first segment of every rung, in a thread of its own: at once, and again after each event.
fn view(client: Client, id: AssetId, rungs: usize) -> JoinHandle<Result<Played>> {
    std::thread::spawn(move || {
        let watcher = Watcher::start(&client)?;
        let wait = |plays: &dyn Fn(&Playback) -> bool| -> Result<Instant> {
            loop {
                let playback = client.playback(id)?;
                if plays(&playback) {
                    return Ok(Instant::now());
                }
                match playback.state {
                    AssetState::AwaitingUpload | AssetState::Processing => {}
                    AssetState::Ready | AssetState::Failed => {
                        bail!("the video is {} and does not play", playback.state)
                    }
                }
                watcher.next(PATIENCE)?;
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
