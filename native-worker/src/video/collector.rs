//! [`Collector`]: verifies and stores finished segments while the encoder runs, removes them from the disk, and updates the
//! playlists.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use shared::video::command::file;
use shared::video::plan::Plan;
use shared::video::playlist::{PlaylistState, Segment};
use shared::video::track::Track;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::playlists;
use super::remux;
use super::rendition::Rendition;
use super::segment::{Content, Fault, Init};
use super::work::Work;
use crate::child::{Activity, Valve};
use crate::host::scratch::used_bytes;
use crate::storage::Lifetime;
use crate::work_error::WorkError;

/// Interval at which the folder of the encoder is checked.
const TICK: Duration = Duration::from_millis(100);

/// Uploads at the same time.
const UPLOADS_MAX: usize = 4;

/// The encoder is paused when the files besides the original are larger than this. (A job may use 64 MiB, and the encoder
/// continues to write until the next check.)
const FULL_BYTES: u64 = 48 << 20;

/// The encoder is resumed when these files are smaller than this.
const RESUME_BYTES: u64 = 24 << 20;

/// As [`RESUME_BYTES`], while a remux is on the disk.
const RESUME_REMUX_BYTES: u64 = 40 << 20;

/// Shortest interval between two versions of a growing playlist: the length of the shortest segments, which is how often
/// players reload it.
const PLAYLISTS_EVERY: Duration = Duration::from_secs(2);

const SEGMENT_TYPE: &str = "video/iso.segment";

type Upload<'a> = Pin<Box<dyn Future<Output = Result<Stored, WorkError>> + Send + 'a>>;

/// A finished upload.
enum Stored {
    /// Index of the rendition, and size of its initialization segment.
    Init(usize, u64),
    /// Index of the rendition, and number of the segment.
    Segment(usize, u32, Segment),
    /// Size of the master playlist if it was stored, otherwise 0.
    Playlists(u64),
}

/// A segment that waits for its upload.
struct Waiting {
    rendition: usize,
    sequence: u32,
    segment: Segment,
    path: PathBuf,
}

/// Collects the files of one encoder; see the module.
pub(super) struct Collector<'a> {
    work: &'a Work<'a>,
    plan: &'a Plan,
    folder: PathBuf,
    valve: Valve,
    activity: Activity,
    renditions: Vec<Rendition>,
    waiting: VecDeque<Waiting>,
    uploads: FuturesUnordered<Upload<'a>>,
    /// Start of the latest upload of playlists.
    playlists: Option<Instant>,
    /// Whether that upload still runs.
    playlists_are_busy: bool,
    /// Whether a segment was stored after its start.
    playlists_are_stale: bool,
}

impl<'a> Collector<'a> {
    /// A collector for the encoder that `valve` controls and that writes into `folder`.
    pub(super) fn new(
        work: &'a Work<'a>,
        plan: &'a Plan,
        folder: &Path,
        valve: Valve,
        activity: Activity,
    ) -> Self {
        let renditions = Rendition::all(plan);
        let names = renditions.iter().map(|rendition| rendition.name.clone());
        work.reporter.renditions(names);
        Self {
            work,
            plan,
            folder: folder.to_owned(),
            valve,
            activity,
            renditions,
            waiting: VecDeque::new(),
            uploads: FuturesUnordered::new(),
            playlists: None,
            playlists_are_busy: false,
            playlists_are_stale: false,
        }
    }

    /// Runs until the encoder has ended and everything that it wrote is stored.
    pub(super) async fn run(
        mut self,
        encoder_ended: &CancellationToken,
    ) -> Result<Vec<Rendition>, WorkError> {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // Read before the check: after the end of the encoder, the files are final.
            let is_last = encoder_ended.is_cancelled();
            self.check().await?;
            self.begin_uploads();
            if is_last && self.uploads.is_empty() && self.waiting.is_empty() {
                return Ok(self.renditions);
            }
            tokio::select! {
                _ = ticks.tick() => {}
                Some(stored) = self.uploads.next(), if !self.uploads.is_empty() => self.finish(stored?),
                () = encoder_ended.cancelled(), if !is_last => {}
            }
        }
    }

    /// Finds finished segments, and pauses or resumes the encoder by the disk space that is used.
    async fn check(&mut self) -> Result<(), WorkError> {
        let listed = list(self.folder.clone()).await;
        let Listed {
            files,
            other_bytes,
            has_remux,
        } = listed.map_err(|why| self.work.disk_failed(&why))?;
        let bytes = files
            .iter()
            .fold(other_bytes, |sum, (_, size)| sum.saturating_add(*size));
        for index in 0..self.renditions.len() {
            self.collect(index, &files).await?;
        }
        // A remux that is stored while it is written keeps using most of the space that it may use.
        let resume_bytes = if has_remux {
            RESUME_REMUX_BYTES
        } else {
            RESUME_BYTES
        };
        let is_moving = has_remux || !self.waiting.is_empty() || !self.uploads.is_empty();
        if bytes > FULL_BYTES && is_moving {
            self.valve.close();
        } else if bytes < resume_bytes || !is_moving {
            self.valve.open();
        }
        Ok(())
    }

    /// Verifies the new segments of one rendition.
    async fn collect(&mut self, index: usize, files: &[(String, u64)]) -> Result<(), WorkError> {
        loop {
            let Some(rendition) = self.renditions.get_mut(index) else {
                return Ok(());
            };
            let name = rendition.track.segment(rendition.verified);
            if !files.iter().any(|(file, _)| *file == name) {
                return Ok(());
            }
            let path = self.folder.join(&name);
            let init = if let Some(init) = &rendition.init {
                init.clone()
            } else {
                // The encoder completes it before it renames the first segment.
                let path = self.folder.join(rendition.track.init());
                let init = read(move || Init::read(&path)).await;
                let what = format!("The initialization segment of {}", rendition.name);
                init.map_err(|why| self.work.invalid(&what, &why))?
            };
            let (segment_path, ended) = (path.clone(), rendition.end);
            let timescale = init.timescale;
            let known = init.clone();
            let content = read(move || Content::read(&segment_path, &known, ended)).await;
            let what = format!("Segment {} of {}", rendition.verified, rendition.name);
            let content = content.map_err(|why| self.work.invalid(&what, &why))?;
            let (sequence, segment) = rendition.verified(&content, timescale);
            if rendition.init.is_none() {
                rendition.init = Some(init);
                let upload = store_init(self.work, index, rendition, &self.folder);
                self.uploads.push(upload);
            }
            self.activity.note();
            self.waiting.push_back(Waiting {
                rendition: index,
                sequence,
                segment,
                path,
            });
        }
    }

    fn begin_uploads(&mut self) {
        while self.uploads.len() < UPLOADS_MAX
            && let Some(waiting) = self.waiting.pop_front()
        {
            let Some(rendition) = self.renditions.get(waiting.rendition) else {
                continue;
            };
            let file = rendition.file(&waiting.segment.file);
            let work = self.work;
            self.uploads.push(Box::pin(async move {
                work.store(&file, &waiting.path, SEGMENT_TYPE).await?;
                Ok(Stored::Segment(
                    waiting.rendition,
                    waiting.sequence,
                    waiting.segment,
                ))
            }));
        }
        let is_due = self
            .playlists
            .is_none_or(|last| last.elapsed() >= PLAYLISTS_EVERY);
        if self.playlists_are_stale
            && is_due
            && !self.playlists_are_busy
            && self.renditions.iter().all(Rendition::is_playable)
        {
            self.begin_playlists();
        }
    }

    /// Stores the playlists that have grown. They are stored after the segments that they name, and the master after them.
    fn begin_playlists(&mut self) {
        let is_first = self.playlists.is_none();
        let growing = PlaylistState::Growing;
        let has_grown = |one: &&Rendition| one.stored.len() > one.listed;
        let grown = self.renditions.iter().filter(has_grown);
        let mut texts = playlists::media(self.plan, grown, growing);
        for rendition in &mut self.renditions {
            rendition.listed = rendition.stored.len();
        }
        if is_first {
            texts.push(playlists::master(self.plan, &self.renditions, &[], growing));
        }
        self.playlists = Some(Instant::now());
        (self.playlists_are_busy, self.playlists_are_stale) = (true, false);
        let work = self.work;
        self.uploads.push(Box::pin(async move {
            let size = playlists::store(work, &texts, Lifetime::Growing).await?;
            Ok(Stored::Playlists(if is_first { size } else { 0 }))
        }));
    }

    fn finish(&mut self, stored: Stored) {
        match stored {
            Stored::Init(index, size_bytes) => {
                if let Some(rendition) = self.renditions.get_mut(index) {
                    rendition.init_bytes = Some(size_bytes);
                }
            }
            Stored::Segment(index, sequence, segment) => {
                if let Some(rendition) = self.renditions.get_mut(index) {
                    rendition.is_stored(sequence, segment);
                    let ratio = rendition.ratio();
                    self.work.reporter.stored(&rendition.name, ratio);
                }
                // The encoder reports no progress while one of its outputs has not started (a second language that starts
                // late). So the least stored share of all renditions also counts as progress.
                let least = self.renditions.iter().filter_map(Rendition::ratio);
                if let Some(least) = least.min_by(f64::total_cmp) {
                    self.work.reporter.stage_ratio(least);
                }
            }
            Stored::Playlists(master_bytes) => {
                self.playlists_are_busy = false;
                if master_bytes > 0 {
                    self.work
                        .publish(playlists::output(self.plan, master_bytes));
                }
                return;
            }
        }
        self.playlists_are_stale = true;
    }
}

fn store_init<'a>(
    work: &'a Work<'a>,
    index: usize,
    rendition: &Rendition,
    folder: &Path,
) -> Upload<'a> {
    let path = folder.join(rendition.track.init());
    let file = rendition.file("init.mp4");
    let kind = match rendition.track {
        Track::Audio(_) => "audio/mp4",
        Track::Video(_) | Track::Subtitles(_) => "video/mp4",
    };
    Box::pin(async move {
        let size_bytes = work.store(&file, &path, kind).await?;
        Ok(Stored::Init(index, size_bytes))
    })
}

/// The files on the disk.
struct Listed {
    /// Names and sizes of the encoder's files.
    files: Vec<(String, u64)>,
    /// Size of the other folders of the attempt.
    other_bytes: u64,
    /// Whether the remux exists: it is being stored and is then removed.
    has_remux: bool,
}

/// Lists the folder of the encoder, and sums up the folders beside it.
async fn list(folder: PathBuf) -> std::io::Result<Listed> {
    let listing = tokio::task::spawn_blocking(move || {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            // A file that has just been renamed counts as 0.
            let size = entry.metadata().map_or(0, |metadata| metadata.len());
            files.push((entry.file_name().to_string_lossy().into_owned(), size));
        }
        let others = folder.parent().map(std::fs::read_dir).transpose()?;
        let other_bytes = others
            .into_iter()
            .flatten()
            .flatten()
            .map(|other| other.path())
            .filter(|other| *other != folder && other.is_dir())
            .map(|other| used_bytes(&other))
            .fold(0, u64::saturating_add);
        Ok(Listed {
            files,
            other_bytes,
            has_remux: folder
                .with_file_name(remux::NAME)
                .join(file::REMUX)
                .exists(),
        })
    });
    listing.await.map_err(std::io::Error::other)?
}

async fn read<T: Send + 'static>(
    reading: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let read = tokio::task::spawn_blocking(reading).await;
    read.map_err(|why| Fault::Read(std::io::Error::other(why)))?
}
