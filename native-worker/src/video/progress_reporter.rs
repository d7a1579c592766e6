//! [`ProgressReporter`]: the progress of a job. Its ratio never decreases.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use shared::job::{Progress, RenditionProgress};
use shared::video::progress::Reading;

use crate::attempt::Pulse;
use crate::ops::meters::METERS;

/// A stage of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The original is fetched.
    Fetch,
    /// The original is probed.
    Probe,
    /// The ladder is encoded and stored; remux, poster and subtitles are made at the same time.
    Encode,
    /// The MP4 is muxed.
    Package,
    /// The MP4 is stored.
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

    /// The part of the total ratio that it covers. Encoding takes nearly all the time of a job, so the total and the ratio of
    /// the encoding never differ by more than 2 %.
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

/// Reports progress to the lease; see the module.
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
        pulse.report(progress.clone());
        Self {
            pulse,
            state: Mutex::new(State {
                stage: Stage::Fetch,
                since: Instant::now(),
                progress,
            }),
        }
    }

    /// Begins a stage.
    pub(super) fn begin(&self, stage: Stage) {
        let mut current = self.lock();
        METERS.stage_took(current.stage.as_str(), current.since.elapsed());
        (current.stage, current.since) = (stage, Instant::now());
        stage.as_str().clone_into(&mut current.progress.stage);
        (current.progress.speed, current.progress.eta_ms) = (None, None);
        current.advance(Some(0.0));
        self.pulse.report(current.progress.clone());
    }

    /// Sets the ratio of the stage, 0–1.
    pub(super) fn stage_ratio(&self, ratio: f64) {
        let mut current = self.lock();
        current.advance(Some(ratio));
        self.pulse.report(current.progress.clone());
    }

    /// Sets the progress of the encoder.
    pub(super) fn encoded(&self, reading: &Reading) {
        let mut current = self.lock();
        current.advance(reading.ratio);
        current.progress.speed = reading.speed;
        current.progress.eta_ms = reading.eta_ms;
        self.pulse.report(current.progress.clone());
    }

    /// Sets the names of the published outputs.
    pub(super) fn outputs(&self, names: Vec<String>) {
        let mut current = self.lock();
        current.progress.outputs = names;
        self.pulse.report(current.progress.clone());
    }

    /// Sets a message for the owner of the asset. It stays until the next one.
    pub(super) fn message(&self, text: &str) {
        let mut current = self.lock();
        current.progress.message = Some(text.to_owned());
        self.pulse.report(current.progress.clone());
    }

    /// Sets the names of the renditions.
    pub(super) fn renditions(&self, names: impl IntoIterator<Item = String>) {
        self.lock().progress.renditions = names
            .into_iter()
            .map(|name| RenditionProgress { name, ratio: None })
            .collect();
    }

    /// Sets how much of a rendition is stored; `None` if its length is not known.
    pub(super) fn stored(&self, name: &str, ratio: Option<f64>) {
        let mut current = self.lock();
        let progress = &mut current.progress;
        progress.rendition = Some(name.to_owned());
        if let Some(rendition) = progress.renditions.iter_mut().find(|one| one.name == name) {
            rendition.ratio = ratio.map(|ratio| ratio.clamp(rendition.ratio.unwrap_or(0.0), 1.0));
        }
        self.pulse.report(progress.clone());
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
