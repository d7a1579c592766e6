//! Stories on stacks of their own: killed, with injected faults, or with other settings.

mod codec_trap;
mod power_cut;
mod queue;
mod settings;
