//! The handlers of the operations, one file per noun.

pub(crate) mod assets;
pub(crate) mod attempts;
pub(crate) mod delivery;
pub(crate) mod events;
pub(crate) mod health;
pub(crate) mod jobs;
pub(crate) mod playback;
pub(crate) mod queue;
pub(crate) mod workers;
