//! The command line as people meet it: the real binary, in a directory of its own, with nothing of the machine's environment.

mod backing;
pub(crate) mod binary;
mod checking;
mod demonstration;
pub(crate) mod encrypting;
mod exit_codes;
mod explaining;
mod helping;
mod importing;
mod keeping;
mod models;
mod operating;
mod people;
mod production;
mod serving;
mod terminals;
