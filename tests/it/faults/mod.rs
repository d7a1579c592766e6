//! Stories on stacks of their own, which are killed or told to go wrong.

mod codec_trap;
mod power_cut;
mod queue;
