//! Subtitles as `WebVTT`. If they cannot be read, a note is added and the job goes on.

use shared::problem::ErrorCode;
use shared::video::command;
use shared::video::plan::Plan;
use shared::video::playlist::Segment;
use shared::video::track::Track;

use super::playlists::Text;
use super::work::Work;
use crate::work_error::WorkError;

const CONTENT_TYPE: &str = "text/vtt";

/// Size limit of a subtitle file. Those of a long video have about 200 kB.
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
                // The length is that of the video, which is known only after the encoding.
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

/// The tags that ffmpeg writes (bold, italic, underlined), without the opening bracket.
const TAGS: [&str; 6] = ["b>", "/b>", "i>", "/i>", "u>", "/u>"];

/// Escapes the text of the cues. ffmpeg copies it unchanged, but in `WebVTT` an empty line ends a cue, an arrow marks its
/// times, and a bracket opens a tag.
fn escaped(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let is_time_at = |at: usize| lines.get(at).is_some_and(|line| is_time(line));
    // A cue begins with its times, or with a name in the line before them.
    let begins_cue = |at: usize| is_time_at(at) || is_time_at(at + 1);
    let (mut is_text, mut next) = (false, 0);
    let mut written = String::new();
    for (at, line) in lines.iter().enumerate() {
        if line.is_empty() {
            // A run of empty lines is scanned once: there may be millions of lines.
            while lines
                .get(next)
                .is_some_and(|line| next < at || line.is_empty())
            {
                next += 1;
            }
            is_text &= next < lines.len() && !begins_cue(next);
            if is_text {
                continue;
            }
        }
        if is_text {
            written.push_str(&without_brackets(line).replace("-->", "--&gt;"));
        } else {
            written.push_str(line);
            is_text = is_time(line);
        }
        written.push('\n');
    }
    written
}

/// Whether a line has the times of a cue, `00:00.000 --> …`, as ffmpeg writes them.
fn is_time(line: &str) -> bool {
    line.split_once(" --> ").is_some_and(|(start, _)| {
        let digits = |c: char| c.is_ascii_digit() || matches!(c, ':' | '.');
        start.len() >= 9 && start.chars().all(digits)
    })
}

/// Escapes every bracket that does not open a tag.
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
    fn what_is_text_is_no_time_and_no_tag() {
        let text = "WEBVTT\n\n00:00.500 --> 00:01.500\n<b>Hi <\n--> there</b>, a<b, I <3 <i>you</i>\n\n\
                    name\n01:00:02.000 --> 01:00:03.000\nBye\n";
        let expected = "WEBVTT\n\n00:00.500 --> 00:01.500\n<b>Hi &lt;\n--&gt; there</b>, a&lt;b, I &lt;3 <i>you</i>\n\n\
                        name\n01:00:02.000 --> 01:00:03.000\nBye\n";
        assert_eq!(escaped(text), expected);
    }

    #[test]
    fn an_empty_line_does_not_end_a_cue() {
        let text = "WEBVTT\n\n00:00.500 --> 00:01.500\none\n\nthree --> 3\n\u{a0}\n1 --> 2\n\n\n\n\
                    00:02.000 --> 00:03.000\n\nBye\n\n";
        let expected = "WEBVTT\n\n00:00.500 --> 00:01.500\none\nthree --&gt; 3\n\u{a0}\n1 --&gt; 2\n\n\n\n\
                        00:02.000 --> 00:03.000\nBye\n\n";
        assert_eq!(escaped(text), expected);
    }

    #[test]
    fn millions_of_empty_lines_are_scanned_once() {
        let empty = "\n".repeat(4_000_000);
        let text = format!("WEBVTT\n\n00:00.500 --> 00:01.500\none\n{empty}two\n");
        let expected = "WEBVTT\n\n00:00.500 --> 00:01.500\none\ntwo\n";
        assert_eq!(escaped(&text), expected);
    }
}
