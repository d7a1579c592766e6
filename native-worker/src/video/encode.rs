//! The ladder: one decode, all renditions, stored while it runs, and judged when it is over.

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

/// How much earlier than the picture its sound may end: less is a frame of sound and rounding.
const AUDIO_SHORT_MAX_MS: u64 = 100;

/// What the encoder made.
pub(super) struct Ladder {
    /// All renditions, stored.
    pub(super) renditions: Vec<Rendition>,
    /// Where the encoder wrote.
    pub(super) folder: PathBuf,
    /// How long its picture is; of sound alone, the sound.
    pub(super) main_ms: u64,
    /// How long it plays: sound may go on after the picture.
    pub(super) duration_ms: u64,
    /// Whether the source is damaged.
    pub(super) is_damaged: bool,
}

impl Ladder {
    /// A rendition of it.
    pub(super) fn rendition(&self, track: Track) -> Option<&Rendition> {
        self.renditions
            .iter()
            .find(|rendition| rendition.track == track)
    }
}

/// How long a source is, as far as it is encoded: for one that does not say it.
struct Grown {
    is_unknown: bool,
    told_ms: u64,
}

impl Grown {
    /// The edge gives a job time by its length. It has half an hour to begin with.
    const TOLD_EVERY_MS: u64 = 60_000;

    const fn new(plan: &Plan) -> Self {
        Self {
            is_unknown: plan.duration_ms.is_none(),
            told_ms: 0,
        }
    }

    /// The length, when it is time to tell it again.
    fn seen(&mut self, out_time_us: Option<u64>) -> Option<u64> {
        let ms = out_time_us? / 1_000;
        let is_due = self.is_unknown && ms >= self.told_ms.saturating_add(Self::TOLD_EVERY_MS);
        is_due.then(|| {
            self.told_ms = ms;
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
        let mut grown = Grown::new(plan);
        let ended = watch
            .run(child, |block| {
                work.reporter.encoded(&progress.update(block));
                if let Some(duration_ms) = grown.seen(block.out_time_us) {
                    work.lasts(duration_ms);
                }
            })
            .await?;
        check_end(work, &ended)?;
        encoder_ended.cancel();
        Ok(ended)
    };
    let (ended, renditions) = tokio::try_join!(encoding, collector.run(&encoder_ended))?;
    check_leftovers(work, &folder, &renditions).await?;
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

/// An encoder that ended in disorder. One that could not read a single frame will not be able to the next time.
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

/// Every file that the encoder counts was taken, and no other is left.
async fn check_leftovers(
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
            let why = format!("the encoder counts {count} segments, {stored} were stored");
            return Err(work.invalid(&what, &why));
        }
    }
    Ok(())
}

/// All rungs have the same frames at the same times, and start where the others start.
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
            let why = format!("its segments are not those of {}", first.name);
            return Err(work.invalid(&what, &why));
        }
    }
    Ok(())
}

/// Is everything there that the source promised? Gives the length, and the verdict.
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
                "The file is damaged: {decode_errors} errors while it was decoded{missing}. What could be is there."
            );
            work.warn("media_degraded", detail);
        }
        Verdict::Truncated {
            expected_ms,
            encoded_ms,
        } => {
            // On a full disk the encoder loses what it writes without a word.
            if work.is_disk_full() {
                return Err(work.invalid("The ladder", &"it ends too early"));
            }
            return Err(WorkError::permanent(
                ErrorCode::MediaTruncated,
                format!(
                    "The file says that it plays for {expected_ms} ms, but ends after {encoded_ms} ms. Upload it again, whole."
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

/// The most that an encoder of sound adds: a frame before it, and the rest of its last one.
const ENCODER_ADDS_MS: u64 = 50;

/// How long the film plays. Sound that was made to end with the picture may do so with a frame of its own after it.
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

/// The sound lasts as long as the picture, unless the source's own does not.
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
            let what = format!("The sound of stream {}", audio.stream);
            return Err(work.invalid(&what, &format!("it ends {short_ms} ms before the picture")));
        }
        work.warn(
            "audio_short",
            format!(
                "The sound of stream {} ends {short_ms} ms before the picture.",
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
    fn an_unknown_length_is_told_each_minute() {
        let mut grown = Grown {
            is_unknown: true,
            told_ms: 0,
        };
        let told: Vec<u64> = (0..400)
            .filter_map(|half| grown.seen(Some(half * 500_000)))
            .collect();
        assert_eq!(told, [60_000, 120_000, 180_000]);
        assert_eq!(grown.seen(None), None);
        grown.is_unknown = false;
        assert_eq!(grown.seen(Some(999_000_000)), None);
    }
}
