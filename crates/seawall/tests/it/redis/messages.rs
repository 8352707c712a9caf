//! Messages between processes: heard by all others and once, lost with a word about it.

use std::time::Duration;

use seawall_store::{
    counters::RedisUrl,
    messages::{Message, Messages, Subscription},
};
use seawall_testkit::RedisServer;
use tokio::time::timeout;

use super::PATIENT;

fn node(server: &RedisServer) -> Messages {
    Messages::over_redis(RedisUrl::parse(&server.url()).unwrap()).unwrap()
}

fn text(text: &str) -> Message {
    Message::Text(text.into())
}

/// The next message.
async fn heard(subscription: &mut Subscription) -> Message {
    timeout(PATIENT, subscription.next()).await.expect("a message")
}

/// The next text, after whatever was missed.
async fn heard_text(subscription: &mut Subscription) -> Message {
    loop {
        match heard(subscription).await {
            Message::Missed => {}
            message => return message,
        }
    }
}

/// Waits until what one publishes is heard by the other, as it is once both have connected.
async fn until_connected(one: &Messages, other: &mut Subscription) {
    let connected = async {
        loop {
            one.publish("topic", "hello");
            if timeout(Duration::from_millis(50), other.next()).await == Ok(text("hello")) {
                return;
            }
        }
    };
    timeout(PATIENT, connected).await.expect("both connect");
}

/// Reads on until this text.
async fn until(subscription: &mut Subscription, wanted: &str) {
    while heard(subscription).await != text(wanted) {}
}

#[tokio::test]
async fn within_a_process_all_listeners_of_a_topic_hear_a_message_once() {
    let messages = Messages::in_process();
    let (mut one, mut other, mut elsewhere) =
        (messages.subscribe("topic"), messages.subscribe("topic"), messages.subscribe("elsewhere"));
    messages.publish("topic", "a");
    messages.publish("topic", "b");
    messages.publish("elsewhere", "c");
    messages.publish("unheard", "d");
    for listener in [&mut one, &mut other] {
        assert_eq!([heard(listener).await, heard(listener).await], [text("a"), text("b")]);
    }
    assert_eq!(heard(&mut elsewhere).await, text("c"));
}

#[tokio::test]
async fn who_is_too_far_behind_is_told() {
    let messages = Messages::in_process();
    let mut slow = messages.subscribe("topic");
    (0..300).for_each(|number| messages.publish("topic", &number.to_string()));
    assert_eq!(heard(&mut slow).await, Message::Missed);
    assert_eq!(heard(&mut slow).await, text("44"));
}

#[tokio::test(flavor = "multi_thread")]
async fn over_redis_other_processes_hear_it_too_and_nobody_twice() {
    let server = RedisServer::start();
    let (one, other) = (node(&server), node(&server));
    let (mut here, mut there) = (one.subscribe("topic"), other.subscribe("topic"));
    until_connected(&one, &mut there).await;
    until_connected(&other, &mut here).await;
    for number in 0..50 {
        one.publish("topic", &format!("é {number}"));
    }
    one.publish("elsewhere", "not for this listener");
    until(&mut there, "é 0").await;
    until(&mut here, "é 0").await;
    for number in 1..50 {
        let wanted = text(&format!("é {number}"));
        assert_eq!([heard(&mut here).await, heard(&mut there).await], [wanted.clone(), wanted]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_messages_stay_in_the_process_and_others_are_told_when_it_is_back() {
    let server = RedisServer::start();
    let (one, other) = (node(&server), node(&server));
    let (mut here, mut there) = (one.subscribe("topic"), other.subscribe("topic"));
    until_connected(&one, &mut there).await;
    server.stop();
    one.publish("topic", "while it is away");
    until(&mut here, "while it is away").await;
    server.start_again();
    let missed = async { while heard(&mut there).await != Message::Missed {} };
    timeout(PATIENT, missed).await.expect("it says that something may be lost");
    until_connected(&one, &mut there).await;
    assert_eq!(heard_text(&mut here).await, text("hello"));
}
