//! ffmpeg and ffprobe as children: started in their box, heard, watched, and never left behind.

mod child;
mod log;
mod run;

pub use child::{Child, Exit, Valve};
pub use log::Log;
pub(crate) use run::broken;
pub use run::{Activity, Ended, Watch};
