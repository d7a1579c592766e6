//! [`ProgressReporter`]: what is said of the progress. True, and never less than before.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use shared::job::{Progress, RenditionProgress};
use shared::video::progress::Reading;

use crate::attempt::Pulse;
use crate::ops::meters::METERS;

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The original comes.
    Fetch,
    /// What is it?
    Probe,
    /// The ladder is encoded, and stored as it grows; remux, poster and subtitles are made beside it.
    Encode,
    /// The MP4 is put together.
    Package,
    /// The rest is stored.
    Store,
}

impl Stage {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Probe => "probe",
            Self::Encode => "encode",
            Self::Package => "package",
            Self::Store => "store",
        }
    }

    /// Its share of the whole. Encoding takes nearly all the time of a job, so the share of the whole and that of the
    /// encoding are never more than 2 % apart.
    const fn span(self) -> (f64, f64) {
        match self {
            Self::Fetch => (0.0, 0.01),
            Self::Probe => (0.01, 0.02),
            Self::Encode => (0.02, 0.98),
            Self::Package => (0.98, 0.99),
            Self::Store => (0.99, 1.0),
        }
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct ProgressReporter {
    pulse: Pulse,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    stage: Stage,
    since: Instant,
    progress: Progress,
}

impl ProgressReporter {
    pub(super) fn new(pulse: Pulse) -> Self {
        let progress = Progress {
            ratio: Some(0.0),
            stage: Stage::Fetch.as_str().to_owned(),
            ..Progress::default()
        };
        pulse.tell(progress.clone());
        Self {
            pulse,
            state: Mutex::new(State {
                stage: Stage::Fetch,
                since: Instant::now(),
                progress,
            }),
        }
    }

    /// A stage begins.
    pub(super) fn begin(&self, stage: Stage) {
        let mut told = self.lock();
        METERS.stage_took(told.stage.as_str(), told.since.elapsed());
        (told.stage, told.since) = (stage, Instant::now());
        stage.as_str().clone_into(&mut told.progress.stage);
        (told.progress.speed, told.progress.eta_ms) = (None, None);
        told.advance(Some(0.0));
        self.pulse.tell(told.progress.clone());
    }

    /// How far the stage is.
    pub(super) fn stage_ratio(&self, ratio: f64) {
        let mut told = self.lock();
        told.advance(Some(ratio));
        self.pulse.tell(told.progress.clone());
    }

    /// How far the encoder is.
    pub(super) fn encoded(&self, reading: &Reading) {
        let mut told = self.lock();
        told.advance(reading.ratio);
        told.progress.speed = reading.speed;
        told.progress.eta_ms = reading.eta_ms;
        self.pulse.tell(told.progress.clone());
    }

    /// Outputs that can be seen by now.
    pub(super) fn outputs(&self, names: Vec<String>) {
        let mut told = self.lock();
        told.progress.outputs = names;
        self.pulse.tell(told.progress.clone());
    }

    /// Something that its owner should know. It is told as long as nothing else is.
    pub(super) fn message(&self, text: &str) {
        let mut told = self.lock();
        told.progress.message = Some(text.to_owned());
        self.pulse.tell(told.progress.clone());
    }

    /// The renditions, none of which is stored yet.
    pub(super) fn renditions(&self, names: impl IntoIterator<Item = String>) {
        self.lock().progress.renditions = names
            .into_iter()
            .map(|name| RenditionProgress { name, ratio: None })
            .collect();
    }

    /// How much of a rendition is stored; `None` if nobody knows how long it will be.
    pub(super) fn stored(&self, name: &str, ratio: Option<f64>) {
        let mut told = self.lock();
        let progress = &mut told.progress;
        progress.rendition = Some(name.to_owned());
        if let Some(rendition) = progress.renditions.iter_mut().find(|one| one.name == name) {
            rendition.ratio = ratio.map(|ratio| ratio.clamp(rendition.ratio.unwrap_or(0.0), 1.0));
        }
        self.pulse.tell(progress.clone());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn advance(&mut self, ratio: Option<f64>) {
        let (from, to) = self.stage.span();
        self.progress.ratio = ratio.map(|ratio| {
            let whole = ratio.clamp(0.0, 1.0).mul_add(to - from, from);
            whole.max(self.progress.ratio.unwrap_or(from))
        });
    }
}
