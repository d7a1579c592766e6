//! The ladder: one decode for all renditions, which are stored during the encoding and verified after it.

use std::path::{Path, PathBuf};

use serde_json::json;
use shared::problem::ErrorCode;
use shared::video::command;
use shared::video::plan::{AudioRendition, Plan};
use shared::video::progress::Progress;
use shared::video::track::Track;
use shared::video::truncation::{Encoded, Expected, Verdict, verdict};
use tokio_util::sync::CancellationToken;

use super::collector::Collector;
use super::rendition::Rendition;
use super::work::Work;
use crate::child::Ended;
use crate::work_error::WorkError;

/// How much earlier than the video its audio may end. Smaller differences come from audio frames and rounding.
const AUDIO_SHORT_MAX_MS: u64 = 100;

/// The encoded ladder.
pub(super) struct Ladder {
    /// All renditions, stored.
    pub(super) renditions: Vec<Rendition>,
    /// Folder in which the encoder wrote.
    pub(super) folder: PathBuf,
    /// Length of the video, or of the audio if there is no video.
    pub(super) main_ms: u64,
    /// Length of playback: audio may be longer than the video.
    pub(super) duration_ms: u64,
    /// Whether the source is damaged.
    pub(super) is_damaged: bool,
}

impl Ladder {
    /// The rendition of a track.
    pub(super) fn rendition(&self, track: Track) -> Option<&Rendition> {
        self.renditions
            .iter()
            .find(|rendition| rendition.track == track)
    }
}

/// Reports the encoded length of a source whose length is not known.
struct LengthReports {
    is_unknown: bool,
    reported_ms: u64,
}

impl LengthReports {
    /// The edge sets the deadline of a job by its length; without one, the deadline is half an hour.
    const REPORT_EVERY_MS: u64 = 60_000;

    const fn new(plan: &Plan) -> Self {
        Self {
            is_unknown: plan.duration_ms.is_none(),
            reported_ms: 0,
        }
    }

    /// The length, when it is time to report it again.
    fn next(&mut self, out_time_us: Option<u64>) -> Option<u64> {
        let ms = out_time_us? / 1_000;
        let is_due =
            self.is_unknown && ms >= self.reported_ms.saturating_add(Self::REPORT_EVERY_MS);
        is_due.then(|| {
            self.reported_ms = ms;
            ms
        })
    }
}

/// Encodes and stores all renditions.
pub(super) async fn run(work: &Work<'_>, plan: &Plan) -> Result<Ladder, WorkError> {
    let folder = work.folder("hls").await?;
    let input = work.input();
    let arguments = command::ladder(plan, &input.display().to_string());
    let child = work.encoder(&arguments, &[&input], &folder)?;
    let watch = work.watch(plan.duration_ms);
    let activity = watch.activity.clone();
    let collector = Collector::new(work, plan, &folder, child.valve(), activity);
    let encoder_ended = CancellationToken::new();
    let frames = plan.video.as_ref().and_then(|video| video.frames);
    let mut progress = Progress::new(plan.duration_ms, frames);
    let encoding = async {
        let mut reports = LengthReports::new(plan);
        let ended = watch
            .run(child, |block| {
                work.reporter.encoded(&progress.update(block));
                if let Some(duration_ms) = reports.next(block.out_time_us) {
                    work.lasts(duration_ms);
                }
            })
            .await?;
        check_end(work, &ended)?;
        encoder_ended.cancel();
        Ok(ended)
    };
    let (ended, renditions) = tokio::try_join!(encoding, collector.run(&encoder_ended))?;
    check_segments(work, &folder, &renditions).await?;
    check_agreement(work, &renditions)?;
    let (main_ms, verdict) = judge(work, plan, &renditions, ended.exit.log.errors())?;
    check_audio(work, plan, &renditions, main_ms)?;
    Ok(Ladder {
        duration_ms: duration_ms(plan, &renditions, main_ms),
        renditions,
        folder,
        main_ms,
        is_damaged: verdict != Verdict::Complete,
    })
}

/// Fails unless the encoder succeeded. If it could not decode a single frame, the failure is permanent.
fn check_end(work: &Work<'_>, ended: &Ended) -> Result<(), WorkError> {
    let exit = &ended.exit;
    let is_undecodable = exit.status.code() == Some(1)
        && exit.log.lines().any(|line| {
            [
                "Invalid data found when processing input",
                "could not find codec parameters",
            ]
            .iter()
            .any(|words| line.contains(words))
        });
    work.check(ended, "encode the file").map_err(|error| {
        if is_undecodable && error.failure.code == ErrorCode::EncodeFailed {
            return WorkError::permanent(
                ErrorCode::MediaUnreadable,
                "The content of the file cannot be decoded. Export it, or upload it again.",
            );
        }
        error
    })
}

/// Verifies that every segment in the playlists of the encoder was stored.
async fn check_segments(
    work: &Work<'_>,
    folder: &Path,
    renditions: &[Rendition],
) -> Result<(), WorkError> {
    for rendition in renditions {
        let path = folder.join(rendition.track.playlist());
        let what = format!("The rendition {}", rendition.name);
        let listed = tokio::fs::read_to_string(&path).await;
        let listed = listed.map_err(|why| work.invalid(&what, &why))?;
        let count = listed
            .lines()
            .filter(|line| Track::of_segment(line).is_some())
            .count();
        let is_closed = listed.lines().any(|line| line == "#EXT-X-ENDLIST");
        if !is_closed || count != rendition.stored.len() || count == 0 {
            let stored = rendition.stored.len();
            let why = format!("the encoder wrote {count} segments, but {stored} were stored");
            return Err(work.invalid(&what, &why));
        }
    }
    Ok(())
}

/// Verifies that all rungs have the same segments with the same frames.
fn check_agreement(work: &Work<'_>, renditions: &[Rendition]) -> Result<(), WorkError> {
    let mut rungs = renditions
        .iter()
        .filter(|rendition| matches!(rendition.track, Track::Video(_)));
    let Some(first) = rungs.next() else {
        return Ok(());
    };
    let shape = |rendition: &Rendition| {
        let lengths: Vec<u64> = rendition.stored.iter().map(|one| one.ticks).collect();
        (rendition.start, rendition.samples, lengths)
    };
    let expected = shape(first);
    for rung in rungs {
        if shape(rung) != expected {
            let what = format!("The rendition {}", rung.name);
            let why = format!("its segments differ from those of {}", first.name);
            return Err(work.invalid(&what, &why));
        }
    }
    Ok(())
}

/// Compares what was encoded with what the source announced. Returns the length and the verdict.
fn judge(
    work: &Work<'_>,
    plan: &Plan,
    renditions: &[Rendition],
    decode_errors: u64,
) -> Result<(u64, Verdict), WorkError> {
    let longest = |is_video: bool| {
        renditions
            .iter()
            .filter(|rendition| matches!(rendition.track, Track::Video(_)) == is_video)
            .map(Rendition::stored_ms)
            .max()
            .unwrap_or(0)
    };
    let (video_ms, audio_ms) = (longest(true), longest(false));
    let frames = renditions
        .iter()
        .find(|rendition| matches!(rendition.track, Track::Video(_)))
        .map_or(0, |rendition| rendition.samples);
    let encoded = Encoded {
        video_ms,
        audio_ms,
        frames,
        decode_errors,
    };
    let verdict = verdict(&Expected::of(plan), &encoded);
    work.report("verdict", json!(verdict));
    match verdict {
        Verdict::Complete => {}
        Verdict::Degraded {
            decode_errors,
            missing_ms,
        } => {
            let missing = if missing_ms > 0 {
                format!(", and its last {missing_ms} ms are missing")
            } else {
                String::new()
            };
            let detail = format!(
                "The file is damaged: decoding it gave {decode_errors} errors{missing}. The outputs have everything that could be decoded."
            );
            work.warn("media_degraded", detail);
        }
        Verdict::Truncated {
            expected_ms,
            encoded_ms,
        } => {
            // On a full disk the encoder loses data without an error.
            if work.is_disk_full() {
                return Err(work.invalid("The ladder", &"it ends too early"));
            }
            return Err(WorkError::permanent(
                ErrorCode::MediaTruncated,
                format!(
                    "The file should be {expected_ms} ms long, but ends after {encoded_ms} ms. Upload the complete file again."
                ),
            ));
        }
    }
    let length = if plan.is_audio_only() {
        audio_ms
    } else {
        video_ms
    };
    Ok((length, verdict))
}

/// Most that an audio encoder adds: one frame at the start, and the padding of the last frame.
const ENCODER_ADDS_MS: u64 = 50;

/// Length of playback. Audio that was cut to the length of the video does not count: its last frame may end later.
fn duration_ms(plan: &Plan, renditions: &[Rendition], main_ms: u64) -> u64 {
    if plan.is_audio_only()
        && let Some(source_ms) = plan.duration_ms
        && (source_ms..=source_ms + ENCODER_ADDS_MS).contains(&main_ms)
    {
        return source_ms;
    }
    let keeps_its_end = |rendition: &&Rendition| {
        let of = |audio: &&AudioRendition| rendition.track == Track::Audio(audio.number);
        let audio = plan.audio.iter().find(of);
        audio.is_some_and(|audio| audio.end_ms.is_none())
    };
    let longer = renditions.iter().filter(keeps_its_end);
    longer.map(Rendition::stored_ms).fold(main_ms, Ord::max)
}

/// Verifies that the audio is as long as the video, unless the audio of the source is shorter.
fn check_audio(
    work: &Work<'_>,
    plan: &Plan,
    renditions: &[Rendition],
    main_ms: u64,
) -> Result<(), WorkError> {
    if plan.is_audio_only() {
        return Ok(());
    }
    for audio in &plan.audio {
        let of = renditions
            .iter()
            .find(|rendition| rendition.track == Track::Audio(audio.number));
        let audio_ms = of.map_or(0, Rendition::stored_ms);
        let wanted_ms = main_ms.min(audio.end_ms.unwrap_or(main_ms));
        let short_ms = wanted_ms.saturating_sub(audio_ms);
        if short_ms <= AUDIO_SHORT_MAX_MS {
            continue;
        }
        if audio.end_ms.is_some() {
            let what = format!("The audio of stream {}", audio.stream);
            return Err(work.invalid(&what, &format!("it ends {short_ms} ms before the video")));
        }
        work.warn(
            "audio_short",
            format!(
                "The audio of stream {} ends {short_ms} ms before the video.",
                audio.stream
            ),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_length_is_reported_each_minute() {
        let mut reports = LengthReports {
            is_unknown: true,
            reported_ms: 0,
        };
        let reported: Vec<u64> = (0..400)
            .filter_map(|half| reports.next(Some(half * 500_000)))
            .collect();
        assert_eq!(reported, [60_000, 120_000, 180_000]);
        assert_eq!(reports.next(None), None);
        reports.is_unknown = false;
        assert_eq!(reports.next(Some(999_000_000)), None);
    }
}
