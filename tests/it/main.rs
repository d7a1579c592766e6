//! The stories. They know HTTP and nothing else; [`api`] is what clients and attackers do to a stack that they share,
//! [`faults`] what happens to stacks of their own, [`video`] what becomes of film
//! and sound, [`worker`] what a native worker and the edge say to each other.

#[cfg(test)]
mod api;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod log;
#[cfg(test)]
mod pictures;
#[cfg(test)]
mod stack;
#[cfg(test)]
mod video;
#[cfg(test)]
mod worker;
