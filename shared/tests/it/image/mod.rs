//! Images: which variants they get, and the geometry of each.

mod geometry;
mod plan;
