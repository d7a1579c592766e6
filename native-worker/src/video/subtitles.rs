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
        work.warn("subtitles_unreadable", error.failure.detail);
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
        let Some(text) = text.ok().filter(|text| text.starts_with("WEBVTT")) else {
            let detail = format!(
                "The subtitles of stream {} cannot be read.",
                rendition.stream
            );
            work.warn("subtitles_unreadable", detail);
            continue;
        };
        let written = tokio::fs::write(&path, escaped(&text)).await;
        written.map_err(|why| work.disk_failed(&why))?;
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

/// All that ffmpeg marks up (bold, italic, underlined), after the bracket.
const TAGS: [&str; 6] = ["b>", "/b>", "i>", "/i>", "u>", "/u>"];

/// The same, with nothing in what is said that a player takes for something else: a line with an arrow for the times of a
/// cue, a bracket for the start of a tag. (ffmpeg writes what is said as it is.)
fn escaped(text: &str) -> String {
    let mut is_said = false;
    let lines = text.lines().map(|line| {
        let is_time = !is_said && line.contains("-->");
        is_said = !line.trim().is_empty() && (is_said || is_time);
        if is_time {
            line.to_owned()
        } else {
            without_brackets(line).replace("-->", "--&gt;")
        }
    });
    let lines: Vec<String> = lines.collect();
    lines.join("\n") + "\n"
}

/// The same, with every bracket escaped that opens no tag.
fn without_brackets(line: &str) -> String {
    let mut pieces = line.split('<');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let is_tag = TAGS.iter().any(|tag| piece.starts_with(tag));
        text.push_str(if is_tag { "<" } else { "&lt;" });
        text.push_str(piece);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_no_time_and_no_tag() {
        let text = "WEBVTT\n\n00:00.500 --> 00:01.500\n<b>Hi <\n--> there</b>, a<b, I <3 <i>you</i>\n\n\
                    00:02.000 --> 00:03.000\nBye\n";
        let expected = "WEBVTT\n\n00:00.500 --> 00:01.500\n<b>Hi &lt;\n--&gt; there</b>, a&lt;b, I &lt;3 <i>you</i>\n\n\
                        00:02.000 --> 00:03.000\nBye\n";
        assert_eq!(escaped(text), expected);
    }
}
