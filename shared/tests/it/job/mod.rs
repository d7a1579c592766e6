//! Jobs: transitions, life cycles, limits and views.

mod lease;
mod life;
mod limit;
mod state;
mod step;
mod view;
