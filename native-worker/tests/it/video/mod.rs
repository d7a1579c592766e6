//! Video and audio through the whole of the work, against a real S3 server and a real ffmpeg.

mod faults;
mod harness;
mod videos;
