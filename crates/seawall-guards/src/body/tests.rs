//! The body guard by itself; its contract with the loop and the layer is in `tests/contract/`.

use seawall_core::settings::Raw;

use super::*;
use crate::Guard;

#[test]
fn the_limit_is_what_the_section_says() {
    assert_eq!(BodyGuard::read(&values()).unwrap().needs().body_limit, Some(10_000_000), "checklist WK-1");
    let small = values().with("max", Raw::Text("1 KiB".to_owned()));
    assert_eq!(BodyGuard::read(&small).unwrap().needs().body_limit, Some(1_024));
}
