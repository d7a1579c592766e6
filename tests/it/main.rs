//! The stories. Each starts stacks of its own and takes nothing for granted but HTTP.

mod image;
mod stack;
