//! Jobs: transitions, life cycles, limits and views.

mod fence;
mod life;
mod limit;
mod state;
mod step;
mod view;
