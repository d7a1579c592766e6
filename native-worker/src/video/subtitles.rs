//! Subtitles as `WebVTT`. A film without them is still a film: what goes wrong here is noted.

use shared::problem::ErrorCode;
use shared::video::command;
use shared::video::plan::Plan;
use shared::video::playlist::Segment;
use shared::video::track::Track;

use super::playlists::Text;
use super::work::Work;
use crate::attempt::WorkError;

const CONTENT_TYPE: &str = "text/vtt";

/// Largest file of subtitles that is taken: a long film has 200 kB.
const SIZE_MAX: u64 = 8 << 20;

/// Makes and stores all subtitles.
pub(super) async fn run(work: &Work<'_>, plan: &Plan) -> Result<Vec<Text>, WorkError> {
    let input = work.input();
    let Some(arguments) = command::subtitles(plan, &input.display().to_string()) else {
        return Ok(Vec::new());
    };
    let folder = work.folder("subtitles").await?;
    let child = work.ffmpeg(&arguments, &[&input], &folder)?;
    let ended = work.watch(plan.duration_ms).run(child, |_| {}).await?;
    if let Err(error) = work.check(&ended, "read the subtitles") {
        if error.failure.code != ErrorCode::EncodeFailed {
            return Err(error);
        }
        work.note("subtitles_unreadable", error.failure.detail);
        return Ok(Vec::new());
    }
    let mut texts = Vec::new();
    for rendition in &plan.subtitles {
        let path = folder.join(Track::Subtitles(rendition.number).segment(0));
        let text = match path.metadata() {
            Ok(metadata) if metadata.len() <= SIZE_MAX => tokio::fs::read_to_string(&path).await,
            Ok(_) => Err(std::io::Error::other("the file is too large")),
            Err(error) => Err(error),
        };
        if !text.is_ok_and(|text| text.starts_with("WEBVTT")) {
            let detail = format!(
                "The subtitles of stream {} cannot be read.",
                rendition.stream
            );
            work.note("subtitles_unreadable", detail);
            continue;
        }
        let mut text = Text {
            rendition: rendition.clone(),
            segment: Segment {
                file: "subs.vtt".to_owned(),
                // As long as the film, which is known only when that is encoded.
                ticks: 0,
                timescale: 1_000,
                size_bytes: 0,
            },
        };
        let file = format!("hls/{}/{}", text.folder(), text.segment.file);
        text.segment.size_bytes = work.store(&file, &path, CONTENT_TYPE).await?;
        texts.push(text);
    }
    Ok(texts)
}
