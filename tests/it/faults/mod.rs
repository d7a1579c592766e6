//! Stories on stacks of their own, which are killed, told to go wrong, or set up otherwise.

mod codec_trap;
mod power_cut;
mod queue;
mod settings;
