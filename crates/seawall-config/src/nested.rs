//! A section inside another one's table, `[app.env]` in `[app]`: from the file, a variable and the command line, and
//! generated.

use seawall_core::settings::{Field, Literal, Raw, Section};
use serde_json::json;

use crate::{Config, Diagnostics, Inputs, Override, Schema, SourceText, Which, load, render, top};

const COMMAND: Field<String> = Field::new("command", Literal::Unset, "What is started.");
const NAMES: Field<Vec<String>> = Field::new("names", Literal::Texts(&[]), "What must be set.");
const TCP: Field<String> = Field::new("tcp", Literal::Unset, "An address to connect to.");

static TOP: Section =
    Section::new("", "Keys at the top.", &[top::ENVIRONMENT.spec(), top::MODE.spec(), top::PRESET.spec()]);
static APP: Section = Section::new("app", "The application.", &[COMMAND.spec()]).with_entries(&[TCP.spec()]);
static ENV: Section = Section::new("app.env", "Its variables.", &[NAMES.spec()]);

fn schema() -> Schema {
    Schema { sections: vec![&TOP, &APP, &ENV], ..Schema::default() }
}

fn file(text: &str) -> Inputs<'static> {
    Inputs { file: Some(SourceText::new("seawall.toml", text)), ..Inputs::default() }
}

fn names(config: &Config) -> Vec<String> {
    config.values(&ENV).get(&NAMES).unwrap()
}

fn mistakes(text: &str) -> String {
    let mut rendered = String::new();
    let diagnostics: Diagnostics = load(&schema(), file(text)).unwrap_err();
    diagnostics.render(&mut rendered, crate::Colour::Plain).unwrap();
    rendered
}

#[test]
fn it_is_read_however_the_file_writes_it() {
    for text in [
        "[app]\ncommand = \"x\"\n[app.env]\nnames = [\"A\"]\n",
        "[app.env]\nnames = \"A\"\n",
        "[app]\nenv = { names = [\"A\"] }\n",
        "app.env.names = [\"A\"]\n",
    ] {
        let config = load(&schema(), file(text)).unwrap();
        assert_eq!(names(&config), ["A"], "{text}");
        assert!(config.written(&ENV) && config.entries(&APP).is_empty(), "{text}");
    }
}

#[test]
fn entries_stand_beside_it() {
    let config = load(&schema(), file("[app.env]\nnames = \"A\"\n[app.other]\ntcp = \"x\"\n")).unwrap();
    assert_eq!((names(&config), config.entries(&APP).len()), (vec!["A".to_owned()], 1));
}

#[test]
fn variables_and_options_reach_it() {
    let variables = vec![("SEAWALL__APP__ENV__NAMES".to_owned(), "A, B".to_owned())];
    let config = load(&schema(), Inputs { variables, ..Inputs::default() }).unwrap();
    assert_eq!(names(&config), ["A", "B"]);
    let option = |section: &str, key: &str| Override {
        section: section.to_owned(),
        key: key.to_owned(),
        value: Raw::Text("C".to_owned()),
        name: "--set".to_owned(),
    };
    let config = load(&schema(), Inputs { overrides: vec![option("app.env", "names")], ..Inputs::default() }).unwrap();
    assert_eq!(names(&config), ["C"]);
}

#[test]
fn mistakes_in_it_and_around_it_are_told() {
    for (text, says) in [
        ("[app.env]\nname = \"A\"\n", "did you mean `names`?"),
        ("[app]\nenv = 3\n", "`env` is a section, but a value stands here"),
        ("[\"app.env\"]\nnames = \"A\"\n", "unknown section `app.env`"),
        ("[app]\nenw = 3\n", "did you mean `env`?"),
    ] {
        let said = mistakes(text).replace("\n  ", " ");
        assert!(said.contains(says), "{text} says\n{said}");
    }
}

#[test]
fn what_is_printed_loads_again_and_editors_know_it() {
    let text = "[app]\ncommand = \"x\"\n\n[app.env]\nnames = [\"A\"]\n";
    let config = load(&schema(), file(text)).unwrap();
    let printed = config.print(Which::Differences);
    assert!(printed.contains("\n[app.env]\nnames = [\"A\"]"), "{printed}");
    assert_eq!(names(&load(&schema(), file(&printed)).unwrap()), ["A"]);
    let schema = render::json_schema(&schema());
    assert_eq!(schema["properties"]["app"]["properties"]["env"]["properties"]["names"]["default"], json!([]));
    assert!(schema["properties"].get("app.env").is_none());
}
