//! What a look at a part of the stack finds.

/// The health of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    /// Nothing has changed.
    Alive,
    /// It answers for the first time since it was started or disappeared.
    Ready,
    /// It must be started again.
    Dead,
}
