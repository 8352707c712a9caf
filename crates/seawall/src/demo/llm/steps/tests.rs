//! What goes wrong, and where.

use super::*;

fn behaviour(model: &str) -> Behaviour {
    Behaviour::parse(model).unwrap()
}

fn frames() -> Vec<Frame> {
    let frame = |name: &str| Frame::raw(format!("{{{name}}}"));
    vec![frame("start"), frame("a").token(), frame("b").token(), frame("end")]
}

/// Steps in words.
fn streamed(model: &str) -> String {
    let steps = stream(&behaviour(model), frames(), Frame::raw("{error}".to_owned())).steps;
    words(&steps)
}

fn words(steps: &[Step]) -> String {
    let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    let words = steps.iter().map(|step| match step {
        Step::Send(bytes) => text(bytes),
        Step::Wait(duration) => format!("wait-{}", duration.as_millis()),
        Step::Fill(..) => "fill".to_owned(),
        Step::FillForever(bytes) => format!("{}-forever", text(bytes)),
        Step::Stay => "stay".to_owned(),
        Step::Cut => "cut".to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn each_trouble_has_its_place_in_a_stream() {
    assert_eq!(streamed("fake"), "{start} {a} {b} {end}");
    assert_eq!(streamed("fake-latency-9-drip-5"), "wait-9 {start} wait-5 {a} wait-5 {b} {end}");
    assert_eq!(streamed("fake-stall"), "{start} {a} stay");
    assert_eq!(streamed("fake-cut"), "{start} {a} cut");
    assert_eq!(streamed("fake-malformed"), "{start} {a} {b {b} {end}");
    assert_eq!(streamed("fake-error-frame"), "{start} {a} {error}");
    assert_eq!(streamed("fake-oversized"), "{start} {a}-forever");
    assert_eq!(streamed("fake-cut-first"), "{start} cut");
    assert_eq!(streamed("fake-first-stall"), "{start} stay");
    assert_eq!(streamed("fake-error-frame-first"), "{start} {error}");
}

#[test]
fn each_trouble_has_its_place_in_a_whole_answer() {
    let whole = |model: &str| whole(&behaviour(model), "{\"a\":1}", 3);
    assert_eq!(words(&whole("fake").steps), "{\"a\":1}");
    assert_eq!(words(&whole("fake-latency-9-drip-5").steps), "wait-24 {\"a\":1}");
    assert_eq!(words(&whole("fake-malformed").steps), "{\"a\":1");
    for (model, end) in [("fake-stall", "stay"), ("fake-cut", "cut")] {
        let steps = whole(model);
        assert_eq!(words(&steps.steps), format!("{{\"a {end}"));
        assert_eq!(steps.length, Some(7), "the head promises the whole");
    }
}

#[test]
fn what_is_oversized_is_as_long_as_its_head_says() {
    for body in ["{\"text\":\"«filled»\"}", "{\"a\":1}"] {
        let steps = whole(&behaviour("fake-oversized"), body, 3);
        let sent: usize = steps
            .steps
            .iter()
            .map(|step| match step {
                Step::Send(bytes) => bytes.len(),
                Step::Fill(bytes, times) => bytes.len() * times,
                _ => 0,
            })
            .sum();
        assert_eq!(steps.length, Some(sent));
        assert!(sent >= OVERSIZED_BYTES, "{sent}");
    }
}
