//! What the demo shows while it runs: a line per event, and on a terminal a bar per file and per rendition of it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use client::transfer::{Progress, Update};
use indicatif::ProgressBar;
use shared::event::Event;
use shared::id::AssetId;
use shared::job::Progress as JobProgress;

use super::input::Source;
use crate::say;

/// The running view.
pub(super) struct View {
    files: Vec<ProgressBar>,
    names: Vec<String>,
    /// By file and name of the rendition.
    renditions: RefCell<BTreeMap<(usize, String), ProgressBar>>,
}

impl View {
    /// A bar for each file, at zero.
    pub(super) fn new(sources: &[Source]) -> Self {
        let names = sources.iter().map(|source| source.file.name.clone());
        let files = sources
            .iter()
            .map(|source| say::byte_bar(source.file.name.clone(), source.file.size_bytes));
        Self {
            files: files.collect(),
            names: names.collect(),
            renditions: RefCell::default(),
        }
    }

    /// Shows what happened.
    pub(super) fn show(&self, update: &Update, progress: &Progress) {
        match update {
            Update::Sent { index, sent_bytes } => {
                self.bar(*index, |bar| bar.set_position(*sent_bytes));
            }
            Update::Created { index, .. } => self.bar(*index, |bar| bar.set_prefix("uploading")),
            Update::Uploaded { index, .. } => self.bar(*index, |bar| {
                say::count_shares(bar);
                bar.set_prefix("uploaded");
            }),
            Update::Failed { index, .. } => self.bar(*index, |bar| bar.set_prefix("failed")),
            Update::Playable { index, what, after } => {
                let name = self.names.get(*index).map_or("", String::as_str);
                let after = after.as_secs_f64();
                Self::line(
                    "",
                    "playable",
                    name,
                    &format!("from {what}, {after:.2} s after complete"),
                );
            }
            Update::Event(event) => self.event(event, progress.index_of(event.asset_id)),
            Update::Snapshot(snapshot) => {
                let (assets, jobs) = (snapshot.assets.len(), snapshot.jobs.len());
                let detail = format!("{assets} assets and {jobs} jobs in progress");
                Self::line(&snapshot.time.to_string(), "snapshot", "", &detail);
            }
            Update::StreamFailed(_) => {}
        }
    }

    /// Removes the bars.
    pub(super) fn finish(&self) {
        let renditions = self.renditions.borrow();
        for bar in self.files.iter().chain(renditions.values()) {
            bar.finish_and_clear();
        }
    }

    fn event(&self, event: &Event, index: Option<usize>) {
        let detail = detail(event);
        if let Some(index) = index {
            self.bar(index, |bar| {
                bar.set_prefix(format!("{}  {}", event.event_type, detail.trim_start()));
                // An unknown ratio moves nothing.
                if let Some(ratio) = ratio(event) {
                    bar.set_position(hundredths(ratio));
                }
            });
        }
        let renditions = event.progress.iter().flat_map(|job| &job.renditions);
        for rendition in renditions.clone() {
            self.show_rendition(index.unwrap_or_default(), &rendition.name, rendition.ratio);
        }
        // On a terminal the bars show these, and do not scroll.
        if say::is_interactive() && renditions.count() > 0 {
            return;
        }
        let time = event.time.to_string();
        Self::line(
            &time,
            event.event_type.as_str(),
            &short(event.asset_id),
            &detail,
        );
    }

    /// A bar below that of its file.
    fn show_rendition(&self, index: usize, name: &str, ratio: Option<f64>) {
        let mut bars = self.renditions.borrow_mut();
        let bar = bars
            .entry((index, name.to_owned()))
            .or_insert_with(|| say::share_bar(name.to_owned(), self.files.get(index)));
        if let Some(ratio) = ratio {
            bar.set_position(hundredths(ratio));
        }
    }

    /// A line of four columns: the time of day out of an RFC 3339 time, what happened, to what, and the details.
    fn line(time: &str, what: &str, to: &str, detail: &str) {
        let time = time.split_once('T').map_or("", |(_, time)| time);
        let time = time.trim_end_matches('Z');
        let text = format!("{time:<12}  {what:<20}  {to:<10}  {detail}");
        say::line(text.trim_end());
    }

    fn bar(&self, index: usize, change: impl FnOnce(&ProgressBar)) {
        if let Some(bar) = self.files.get(index) {
            change(bar);
        }
    }
}

/// The end of an id: enough to tell the assets of one run apart.
pub(super) fn short(asset_id: AssetId) -> String {
    let id = asset_id.to_string();
    let start = id.len().saturating_sub(6);
    format!("…{}", id.get(start..).unwrap_or_default())
}

/// The share of the work that is done after an event, 0…1.
fn ratio(event: &Event) -> Option<f64> {
    match (&event.result, &event.progress) {
        (Some(_), _) => Some(1.0),
        (None, Some(progress)) => progress.ratio,
        (None, None) => None,
    }
}

/// A ratio in hundredths; through text, because no conversion from floats is lossless.
fn hundredths(ratio: f64) -> u64 {
    format!("{:.0}", ratio.clamp(0.0, 1.0) * 100.0)
        .parse()
        .unwrap_or_default()
}

/// The details of an event in words.
fn detail(event: &Event) -> String {
    let percent = ratio(event).map(|ratio| format!("{:>3} %", hundredths(ratio)));
    let rest = if let Some(error) = &event.error {
        format!("{}: {}", error.code.as_str(), error.detail)
    } else if let Some(result) = &event.result {
        format!("{} outputs", result.outputs.len())
    } else {
        event
            .progress
            .as_ref()
            .map(progress_detail)
            .unwrap_or_default()
    };
    let parts = percent.into_iter().chain([rest]);
    parts.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

fn progress_detail(progress: &JobProgress) -> String {
    let each: Vec<String> = progress
        .renditions
        .iter()
        .map(|rendition| match rendition.ratio {
            Some(ratio) => format!("{} {} %", rendition.name, hundredths(ratio)),
            None => rendition.name.clone(),
        })
        .collect();
    let eta = |ms| format!("{} to go", say::seconds(Duration::from_millis(ms)));
    let parts = [
        Some(progress.stage.clone()),
        // Not beside the renditions: it is one of them.
        progress.rendition.clone().filter(|_| each.is_empty()),
        progress.speed.map(|speed| format!("{speed:.1}×")),
        progress.eta_ms.map(eta),
        (!each.is_empty()).then(|| format!("({})", each.join(", "))),
        progress.message.clone(),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("  ")
}
