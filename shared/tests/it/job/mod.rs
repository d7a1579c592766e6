//! Jobs: each transition, whole lives, limits and views.

mod lease;
mod life;
mod limit;
mod state;
mod step;
mod view;
