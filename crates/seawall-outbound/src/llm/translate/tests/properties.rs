//! Any conversation, written in a dialect and read again.

use proptest::{collection::vec, option, prelude::*};
use serde_json::{Number, Value};

use super::{ALL, read, write};
use crate::llm::{
    operation::Dialect,
    translate::{
        conversation::{Call, Choice, Conversation, Effort, Format, Image, Outcome, Part, Role, Sampling, Tool, Turn},
        live::WriteEvents,
        reply::{Delta, Finish, Head, Manner, Reply, Said, Why},
        responses::{self, Echo},
        schema,
        tree::Raw,
    },
    usage::Usage,
};

fn text() -> impl Strategy<Value = String> {
    // What begins like an object would be one to Gemini.
    "[a-z\"\\\\\n é日{]{0,11}[a-z]"
}

fn name() -> impl Strategy<Value = String> {
    "[a-z_]{1,9}"
}

fn object() -> impl Strategy<Value = Raw> {
    let member = ("[a-z]{1,4}", prop_oneof![Just("1.5".to_owned()), text().prop_map(|text| format!("{text:?}"))]);
    let written = |members: Vec<(String, String)>| {
        let text: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        Raw::object(&format!("{{{}}}", text.join(","))).unwrap_or_else(|| Raw::object("{}").unwrap())
    };
    vec(member, 0..3).prop_map(written)
}

fn content() -> impl Strategy<Value = Part> {
    let image = "[A-Za-z0-9]{4}".prop_map(|data| Image::Data { media_type: "image/png".to_owned(), data });
    prop_oneof![3 => text().prop_map(Part::Text), 1 => image.prop_map(Part::Image)]
}

/// A question, what the assistant said and called, and what its tools said.
fn round(number: usize) -> impl Strategy<Value = Vec<Turn>> {
    let calls = vec((name(), object(), text()), 0..3);
    (vec(content(), 1..3), text(), calls).prop_map(move |(asked, said, calls)| {
        let mut answered = vec![Part::Text(said)];
        let mut outcomes = Vec::new();
        for (n, (name, arguments, said)) in calls.into_iter().enumerate() {
            let id = format!("c{number}_{n}");
            answered.push(Part::Call(Call { id: id.clone(), name: name.clone(), arguments, signature: None }));
            outcomes.push(Part::Outcome(Outcome { id, name, said: vec![Part::Text(said)], failed: false }));
        }
        let mut turns = vec![Turn { role: Role::User, parts: asked }, Turn { role: Role::Assistant, parts: answered }];
        if !outcomes.is_empty() {
            turns.push(Turn { role: Role::User, parts: outcomes });
        }
        turns
    })
}

/// Rounds, one after the other; what was asked after tools spoke is in their turn.
fn turns() -> impl Strategy<Value = Vec<Turn>> {
    (round(0), round(1), round(2)).prop_map(|(one, two, three)| {
        let mut turns: Vec<Turn> = Vec::new();
        for turn in one.into_iter().chain(two).chain(three) {
            match turns.last_mut().filter(|last| last.role == turn.role) {
                Some(last) => last.parts.extend(turn.parts),
                None => turns.push(turn),
            }
        }
        turns
    })
}

fn number() -> impl Strategy<Value = Number> {
    (0_u32..=100).prop_map(|hundredths| Number::from_f64(f64::from(hundredths) / 100.0).unwrap())
}

fn tool() -> impl Strategy<Value = Tool> {
    (name(), option::of(text()), object()).prop_map(|(name, description, parameters)| Tool {
        name,
        description,
        parameters: Some(parameters),
        strict: None,
    })
}

fn conversation() -> impl Strategy<Value = Conversation> {
    let choice =
        prop_oneof![Just(Choice::Auto), Just(Choice::Never), Just(Choice::Always), name().prop_map(Choice::Named),];
    let effort = prop_oneof![Just(Effort::Low), Just(Effort::Medium), Just(Effort::High)];
    let format = prop_oneof![
        Just(Format::Text),
        object().prop_map(|schema| {
            let strict = Some(schema::closed(&schema));
            Format::Schema { name: Some("answer".to_owned()), description: None, schema, strict }
        }),
    ];
    let said = (vec(text(), 0..3), turns(), vec(tool(), 0..3), option::of(choice));
    let how = (option::of(number()), option::of(number()), 1_u64..9_999, vec(name(), 0..4), format, option::of(effort));
    (said, how).prop_map(|((system, turns, tools, choice), (temperature, top_p, most, stop, format, effort))| {
        let sampling = Sampling { temperature, top_p, ..Sampling::default() };
        Conversation {
            system,
            turns,
            tools,
            choice,
            sampling,
            most_output: Some(most),
            stop,
            format,
            effort,
            ..Conversation::default()
        }
    })
}

/// As it comes back from a dialect that gives schemas no names, and signs calls.
fn as_read(dialect: Dialect, mut asked: Conversation) -> Conversation {
    if let Format::Schema { name, strict, .. } = &mut asked.format
        && dialect != Dialect::OpenAi
    {
        (*name, *strict) = (None, None);
    }
    for turn in asked.turns.iter_mut().filter(|_| dialect == Dialect::Gemini) {
        let first = turn.parts.iter_mut().find_map(|part| match part {
            Part::Call(call) => Some(call),
            _ => None,
        });
        if let Some(call) = first {
            call.signature = Some("skip_thought_signature_validator".to_owned());
        }
    }
    asked
}

fn said() -> impl Strategy<Value = Said> {
    let call = (name(), object()).prop_map(|(name, arguments)| {
        let id = format!("call_{name}");
        Said::Call(Call { id, name, arguments, signature: None })
    });
    prop_oneof![3 => text().prop_map(Said::Text), 1 => text().prop_map(Said::Thought), 2 => call]
}

fn reply() -> impl Strategy<Value = Reply> {
    let why = prop_oneof![Just(Why::Stop), Just(Why::Length), Just(Why::Calls), Just(Why::Filtered)];
    (vec(said(), 0..6), why, option::of(0_u64..9)).prop_map(|(said, why, output)| Reply {
        head: Head { id: "i".to_owned(), model: "m".to_owned() },
        said,
        finish: Finish::plain(why),
        usage: output.map(|output| Usage { output, ..Usage::default() }),
    })
}

/// What a stream tells of an answer, with arguments in two pieces.
fn deltas(reply: &Reply) -> Vec<Delta> {
    let mut deltas = vec![Delta::Head(reply.head.clone())];
    let mut calls = 0..;
    for said in &reply.said {
        match said.clone() {
            Said::Text(text) => deltas.push(Delta::Text(text)),
            Said::Thought(text) => deltas.push(Delta::Thought(text)),
            Said::Call(Call { id, name, arguments, signature }) => {
                let number = calls.next().unwrap();
                deltas.push(Delta::Call { number, id, name, signature });
                let (first, rest) = arguments.as_str().split_at(1);
                let pieces = [first, rest].map(|piece| Delta::Arguments { number, piece: piece.to_owned() });
                deltas.extend(pieces);
            }
        }
    }
    deltas.extend(reply.usage.map(Delta::Usage));
    deltas.push(Delta::Finish(reply.finish.clone()));
    deltas
}

proptest! {
    #[test]
    fn a_streamed_response_ends_with_what_it_would_be_as_a_whole(reply in reply()) {
        let (mut writer, mut out) = (responses::Writer::new(Manner::default(), Echo::default()), Vec::new());
        for delta in deltas(&reply) {
            prop_assert_eq!(writer.write(delta, &mut out), Ok(()));
        }
        prop_assert_eq!(writer.close(&mut out), Ok(()));
        let datas = out.iter().map(|event| event.split_once("data: ").unwrap().1);
        let events: Vec<Value> = datas.map(|data| serde_json::from_str(data).unwrap()).collect();
        let whole = responses::write_reply(&reply, &Manner::default(), &Echo::default()).text();
        let whole: Value = serde_json::from_str(&whole).unwrap();
        prop_assert_eq!(&events.last().unwrap()["response"], &whole);
        // Each item is told once, in the order in which the answer has them.
        let items: Vec<&Value> =
            events.iter().filter(|event| event["type"] == "response.output_item.done").map(|event| &event["item"]).collect();
        prop_assert_eq!(items, whole["output"].as_array().unwrap().iter().collect::<Vec<_>>());
    }

    #[test]
    fn st_8_whatever_is_asked_is_read_as_it_was_written(asked in conversation()) {
        for dialect in ALL {
            let written = write(dialect, &asked).unwrap();
            prop_assert_eq!(read(dialect, &written), Ok(as_read(dialect, asked.clone())), "{:?} {}", dialect, written);
        }
    }
}
