//! The black-box stories. They know HTTP alone. [`api`]: clients and attackers on one shared stack;
//! [`faults`]: power cuts, injected faults and settings, each on its own stack; [`video`]: video and
//! audio through the native worker; [`worker`]: the protocol between native worker and edge.

#[cfg(test)]
mod api;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod images;
#[cfg(test)]
mod log;
#[cfg(test)]
mod readme;
#[cfg(test)]
mod schemathesis;
#[cfg(test)]
mod stack;
#[cfg(test)]
mod video;
#[cfg(test)]
mod worker;
