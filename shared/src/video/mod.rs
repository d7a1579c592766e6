//! Video and audio: from ffprobe's report of a file to the ffmpeg arguments that make its renditions, and from ffmpeg's
//! output
//! files to playlists and a verdict. Pure: the native worker runs the programs.
//!
//! The steps: [`probe::Report`] (ffprobe's output) → [`Source`] (stored) → [`plan()`] with the tenant's [`Preset`] →
//! [`Plan`]
//! → [`command`] (arguments of ffmpeg) → [`progress`] while ffmpeg runs → [`playlist`], [`storyboard`] and [`truncation`]
//! afterwards.

pub mod codecs;
pub mod command;
pub mod ladder;
pub mod language;
mod number;
pub mod plan;
pub mod playlist;
pub mod preset;
pub mod probe;
pub mod progress;
pub mod rational;
mod remux;
pub mod source;
pub mod storyboard;
pub mod track;
pub mod truncation;

pub use plan::{Plan, plan};
pub use preset::Preset;
pub use rational::Rational;
pub use source::Source;
