//! Messages between processes: heard by all others and once, lost with a word about it.

use seawall_core::meter::NoMeter;
use seawall_store::{
    counters::RedisUrl,
    messages::{Message, Messages, Status},
};

use crate::support::{
    CAUSE,
    nodes::{Between, PATIENT, heard, over_each, text, until, until_connected, until_so},
    open,
    redis::RedisServer,
    server::Server,
};

#[tokio::test]
async fn within_a_process_all_listeners_of_a_topic_hear_a_message_once() {
    let messages = Messages::in_process(&NoMeter);
    let (mut one, mut other, mut elsewhere) =
        (messages.subscribe("topic"), messages.subscribe("topic"), messages.subscribe("elsewhere"));
    messages.publish("topic", "a");
    messages.tell_others("topic", "for other processes");
    messages.publish("topic", "b");
    messages.publish("elsewhere", "c");
    messages.publish("unheard", "d");
    for listener in [&mut one, &mut other] {
        assert_eq!([heard(listener).await, heard(listener).await], [text("a"), text("b")]);
    }
    assert_eq!(heard(&mut elsewhere).await, text("c"));
    messages.missed();
    assert_eq!([heard(&mut one).await, heard(&mut elsewhere).await], [Message::Missed, Message::Missed]);
    assert_eq!(messages.status(), Status { connected: true, missed: 1, ..Status::default() });
    assert_eq!((messages.carrier(), messages.place()), (None, None));
}

#[tokio::test]
async fn who_is_too_far_behind_is_told() {
    let messages = Messages::in_process(&NoMeter);
    let mut slow = messages.subscribe("topic");
    (0..300).for_each(|number| messages.publish("topic", &number.to_string()));
    assert_eq!(heard(&mut slow).await, Message::Missed);
    assert_eq!(heard(&mut slow).await, text("44"));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_processes_hear_it_too_and_nobody_twice() {
    over_each(async |between| {
        let (one, other) = (between.node(), between.node());
        let (mut here, mut there) = (one.subscribe("topic"), other.subscribe("topic"));
        until_connected(&one, &mut there).await;
        until_connected(&other, &mut here).await;
        // Behind all that was said to find that out.
        other.publish("topic", "connected");
        until(&mut here, &text("connected")).await;
        for number in 0..50 {
            one.publish("topic", &format!("é {number}"));
        }
        one.publish("elsewhere", "not for this listener");
        until(&mut there, &text("é 0")).await;
        until(&mut here, &text("é 0")).await;
        for number in 1..50 {
            let wanted = text(&format!("é {number}"));
            assert_eq!([heard(&mut here).await, heard(&mut there).await], [wanted.clone(), wanted]);
        }
        one.tell_others("topic", "for others");
        one.publish("topic", "the end");
        assert_eq!(heard(&mut here).await, text("the end"));
        assert_eq!([heard(&mut there).await, heard(&mut there).await], [text("for others"), text("the end")]);
        until_so("what was sent is counted", || one.status().sent >= 53).await;
        assert!(other.status().heard >= 52 && other.status().connected, "{:?}", other.status());
        assert_eq!(one.carrier(), Some(between.name()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_ends_in_peace_has_told_all() {
    over_each(async |between| {
        let (one, other) = (between.node(), between.node());
        let mut there = other.subscribe("topic");
        until_connected(&one, &mut there).await;
        (0..200).for_each(|number| one.publish("topic", &number.to_string()));
        assert!(one.flush(PATIENT).await);
        drop(one);
        until(&mut there, &text("0")).await;
        for number in 1..200 {
            assert_eq!(heard(&mut there).await, text(&number.to_string()));
        }
        between.stop();
        until_so("it is told to be away", || !other.status().connected).await;
        assert!(!other.flush(PATIENT).await, "there is no way, and nothing is waited for");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_server_messages_stay_in_the_process_and_others_are_told_when_it_is_back() {
    over_each(async |between| {
        let (one, other) = (between.node(), between.node());
        let (mut here, mut there) = (one.subscribe("topic"), other.subscribe("topic"));
        until_connected(&one, &mut there).await;
        between.stop();
        one.publish("topic", "while it is away");
        until(&mut here, &text("while it is away")).await;
        until_so("it is told to be away", || !one.status().connected && one.status().fault.is_some()).await;
        between.start_again();
        until(&mut there, &Message::Missed).await;
        until_connected(&one, &mut there).await;
        until(&mut here, &text("hello")).await;
        assert!(one.status().connected && one.status().fault.is_none(), "{:?}", one.status());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_nothing_is_given_up_and_publishing_waits_for_nobody() {
    over_each(async |between| {
        let (one, other) = (between.node(), between.node());
        let mut there = other.subscribe("topic");
        until_connected(&one, &mut there).await;
        let asleep = between.freeze();
        // More than may wait to be carried.
        (0..2_000).for_each(|number| one.publish("topic", &number.to_string()));
        until_so("the silence is noticed", || !one.status().connected).await;
        assert!(one.status().lost > 0, "{:?}", one.status());
        drop(asleep);
        until(&mut there, &Message::Missed).await;
        until_connected(&one, &mut there).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rights_that_the_guide_names_are_enough_and_none_can_be_spared() {
    let guide = include_str!("../../../../docs/guide/several-nodes.md");
    let (_, rest) = guide.split_once("`ACL SETUSER seawall").expect("the guide says what a user needs");
    let rights = rest.split_once('`').unwrap().0.split_whitespace().collect::<Vec<_>>().join(" ");
    let server = RedisServer::start();
    let url = RedisUrl::parse(&format!("{}?user=seawall&pass=PASSWORD", server.url())).unwrap();
    for spared in ["&seawall:message:*", "+psubscribe", "+publish"] {
        let fewer = rights.replace(spared, "");
        assert_ne!(fewer, rights, "the guide names {spared}");
        assert_eq!(server.command(&format!("ACL SETUSER seawall reset {fewer}")), "+OK");
        let messages = Messages::over_redis(url.clone(), &NoMeter).unwrap();
        let refused = || messages.status().fault.is_some_and(|fault| fault.contains("refuses what Seawall needs"));
        until_so(&format!("without {spared} it is refused"), refused).await;
    }
    assert_eq!(server.command(&format!("ACL SETUSER seawall reset {rights}")), "+OK");
    let [one, other] = [0, 1].map(|_| Messages::over_redis(url.clone(), &NoMeter).unwrap());
    until_connected(&one, &mut other.subscribe("topic")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_postgresql_cannot_carry_is_missed_by_its_listeners_alone() {
    let between = Between::Postgres(Server::start());
    let (one, other) = (between.node(), between.node());
    let (mut there, mut elsewhere) = (other.subscribe("topic"), other.subscribe("elsewhere"));
    until_connected(&one, &mut there).await;
    one.publish("topic", "one more");
    until(&mut there, &text("one more")).await;
    let longest = "x".repeat(7_900);
    for (sent, wanted) in [
        (longest.clone(), text(&longest)),
        ("x".repeat(7_999), Message::Missed),
        ("é".repeat(100_000), Message::Missed),
        ("a\0b".to_owned(), Message::Missed),
        (String::new(), text("")),
    ] {
        one.publish("topic", &sent);
        assert_eq!(heard(&mut there).await, wanted, "{} bytes", sent.len());
    }
    one.publish("elsewhere", "here");
    loop {
        match heard(&mut elsewhere).await {
            // Of when it connected.
            Message::Missed => assert_eq!(other.status().missed, 4, "three of the topic and the first"),
            message => break assert_eq!(message, text("here")),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_notices_are_passed_over() {
    let server = Server::start();
    let url = seawall_store::DatabaseUrl::parse(&server.url()).unwrap();
    let between = Between::Postgres(server);
    let (one, other) = (between.node(), between.node());
    let mut there = other.subscribe("topic");
    until_connected(&one, &mut there).await;
    one.publish("topic", "before");
    until(&mut there, &text("before")).await;
    let db = open(&url, &seawall_store::Options::default()).unwrap();
    for foreign in ["", "topic", "topic short", "nowhere 0123456789abcdefx", "!strange 0123456789abcdef"] {
        let sent: Result<(), seawall_store::StoreError> = db
            .write(&CAUSE, move |tx| tx.each("SELECT pg_notify('seawall_messages', $1)", &[&foreign], |_| Ok(())))
            .await;
        sent.unwrap();
    }
    one.publish("topic", "after");
    assert_eq!(heard(&mut there).await, text("after"));
}
