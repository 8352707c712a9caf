//! The deadlines by themselves; that they end exchanges is tested over sockets.

use seawall_core::settings::Raw;

use super::*;
use crate::Guard;

#[test]
fn the_section_and_the_library_have_the_same_defaults() {
    let read = DeadlineGuard::read(&values()).unwrap();
    assert_eq!(read.needs().deadlines, Some(Deadlines::default()));
}

#[test]
fn a_total_is_unset_until_given() {
    let read = DeadlineGuard::read(&values().with("total", Raw::Text("2s".to_owned()))).unwrap();
    assert_eq!(read.needs().deadlines.unwrap().total, Some(std::time::Duration::from_secs(2)));
}
