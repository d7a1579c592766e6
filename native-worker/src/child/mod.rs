//! Children of the worker (ffmpeg, ffprobe and the image codec): started in their sandbox, watched, and never left behind.

pub mod codec;
mod ffmpeg;
mod group;
mod log;
pub mod sandbox;
pub mod trial;

pub(crate) use ffmpeg::broken;
pub use ffmpeg::{Activity, Ended, Watch};
pub use group::{Child, Exit, Valve};
pub use log::Log;
