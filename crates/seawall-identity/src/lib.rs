//! Identity: who uses an application, and how they prove it.
//!
//! | module | what it holds |
//! |---|---|
//! | [`password`] | hashes in every format that applications left behind, a bounded pool that computes them, equal times for all answers, and what makes a good password |

#![warn(missing_docs)]

pub mod password;
