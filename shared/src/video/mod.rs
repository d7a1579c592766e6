//! The video core: from what ffprobe says of a file to the argument lists that make its renditions, and from what
//! those wrote to playlists and a verdict. Pure: whoever runs the programs is the native worker.
//!
//! The way of a file: [`probe::Report`] (ffprobe's words) → [`Source`] (ours, stored) → [`plan()`] with the tenant's
//! [`Preset`] → [`Plan`] → [`command`] (arguments of ffmpeg) → [`progress`] while it runs → [`playlist`],
//! [`storyboard`] and [`truncation`] when it has.

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
