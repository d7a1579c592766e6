//! Images: the variants of the plan, and the geometry of each.

mod geometry;
mod plan;
