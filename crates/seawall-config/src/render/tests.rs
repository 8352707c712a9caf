//! Tests of this module.

use insta::assert_snapshot;
use serde_json::json;

use super::*;
use crate::{
    Inputs, Schema, SourceText, Which, load,
    testing::{self, BODY, HEALTH, SESSIONS, TOP},
};

fn small() -> Schema {
    Schema { sections: vec![&TOP, &BODY, &SESSIONS, &HEALTH], ..testing::schema() }
}

fn loaded(text: &str) -> crate::Config {
    let file = Some(SourceText::new("seawall.toml", text));
    load(&testing::schema(), Inputs { file, ..Inputs::default() })
        .unwrap_or_else(|problems| panic!("{text}\n{problems}"))
}

#[test]
fn the_example_file() {
    assert_snapshot!(example(&small()), @r#"
    # Every setting with its default. Remove the # before a key to change it; what stays commented out
    # keeps its default. Any key can also be set by an environment variable, SEAWALL__SECTION__KEY, or
    # SEAWALL__KEY for the keys at the top.

    # Where the application runs. Production refuses to start without explicit origins and strong
    # secrets.
    # One of "development", "staging", "production". Needs a restart.
    #environment = "development"

    # How strictly all guards act: enforce refuses a bad request, report lets it through and records it,
    # off does not look. A section and a route may say otherwise for themselves.
    # One of "enforce", "report", "off". Reloadable.
    #mode = "enforce"

    # A set of values to start from; whatever the file says wins over it.
    # "api": A JSON API.
    # "uploads": Large bodies.
    #preset = "api"


    # Size of bodies.
    # A route may differ.
    [body]

    # The guard's own mode.
    # One of "enforce", "report", "off". Not set by default. Reloadable.
    #mode = "enforce"

    # Largest request body.
    # Size, between 1 KB and 1 GB. Reloadable.
    #max = "10 MB"


    # Signing in.
    [sessions]

    # Signs sessions.
    # Secret. Not set by default. Needs a restart. Better kept in a file of its own, named by
    # token_file.
    #token = "…"
    #token_file = "/run/secrets/token"


    # What must be up.
    [health]

    # How often to look.
    # Duration. Reloadable.
    #every = "10s"

    # Named entries; choose any name.
    #[health.NAME]

    # An address to connect to.
    # Text. Not set by default. Reloadable.
    #tcp = ""

    # Signs sessions.
    # Secret. Not set by default. Needs a restart. Better kept in a file of its own, named by
    # token_file.
    #token = "…"
    #token_file = "/run/secrets/token"


    # Routes: a method and a path, where {name} stands for one segment and a final * for everything
    # below. A route may change its mode and these sections: body.
    #[route."POST /api/login"]
    #mode = "report"
    #body.mode = "enforce"
    "#);
}

#[test]
fn the_example_loads_to_the_defaults() {
    let text = example(&testing::schema());
    assert_eq!(loaded(&text).print(Which::All), loaded("").print(Which::All));
    assert!(text.lines().all(|line| line.chars().count() <= 100));
}

#[test]
fn each_key_of_the_example_loads_when_its_mark_is_removed() {
    let text = example(&testing::schema());
    let key = |line: &str| line.starts_with('#') && !line.starts_with("# ");
    let keys: Vec<&str> = text.lines().filter(|line| key(line)).collect();
    assert!(keys.len() > 15);
    // Entries, routes and secrets need more than one line.
    let alone = |line: &&str| line.contains(" = ") && !line.contains("token") && !line.contains('.');
    for chosen in keys.iter().filter(|line| alone(line)) {
        let only: Vec<&str> = text
            .lines()
            .take_while(|line| !line.starts_with("#["))
            .map(|line| if line == *chosen { line.trim_start_matches('#') } else { line })
            .collect();
        loaded(&only.join("\n"));
    }
}

#[test]
fn the_reference() {
    assert_snapshot!(reference(&small()), @r#"
    # Configuration reference

    Later layers win: defaults, the preset, the file, `.env`, environment variables (`SEAWALL__SECTION__KEY`, or
    `SEAWALL__KEY` for keys at the top), the command line. A secret `x` can be kept in a file of its own with `x_file`.

    ## Keys at the top

    Keys at the top.

    | Key | Value | Default | Between | Change | What it does |
    |---|---|---|---|---|---|
    | `environment` | "development", "staging", "production" | `"development"` |  | restart | Where the application runs. Production refuses to start without explicit origins and strong secrets. |
    | `mode` | "enforce", "report", "off" | `"enforce"` |  | reload | How strictly all guards act: enforce refuses a bad request, report lets it through and records it, off does not look. A section and a route may say otherwise for themselves. |
    | `preset` | text | not set |  | reload | A set of values to start from; whatever the file says wins over it. |

    ## `[body]`

    Size of bodies.

    A route may differ.

    | Key | Value | Default | Between | Change | What it does |
    |---|---|---|---|---|---|
    | `mode` | "enforce", "report", "off" | not set |  | reload | The guard's own mode. |
    | `max` | size | `"10 MB"` | 1 KB and 1 GB | reload | Largest request body. |

    ## `[sessions]`

    Signing in.

    | Key | Value | Default | Between | Change | What it does |
    |---|---|---|---|---|---|
    | `token` or `token_file` | secret | not set |  | restart | Signs sessions. |

    ## `[health]`

    What must be up.

    | Key | Value | Default | Between | Change | What it does |
    |---|---|---|---|---|---|
    | `every` | duration | `"10s"` |  | reload | How often to look. |

    ### `[health.NAME]`

    Named entries of `[health]`.

    | Key | Value | Default | Between | Change | What it does |
    |---|---|---|---|---|---|
    | `tcp` | text | not set |  | reload | An address to connect to. |
    | `token` or `token_file` | secret | not set |  | restart | Signs sessions. |

    ## `[route."METHOD /path"]`

    A route's table is named by its methods (divided by `|`; none means any) and its path, in which `{name}` stands for one segment and a final `*` for everything below. It may hold `mode` for the whole route, and these sections: `body`.

    ## Presets

    ### `api`

    A JSON API.

    ```toml
    [body]
    max = "1 MB"
    [rate_limit]
    limits = "60/min per ip"
    [route."POST /login"]
    rate_limit.limits = ["5/15min per ip"]
    ```

    ### `uploads`

    Large bodies.

    ```toml
    [body]
    max = "1 GB"
    ```

    ## Variables with names of their own

    | Variable | Stands for |
    |---|---|
    | `LOG_LEVEL` | `level` in `[log]` |
    "#);
}

#[test]
fn the_json_schema_knows_every_key_and_no_other() {
    let schema = json_schema(&small());
    assert_eq!(schema["additionalProperties"], false);
    let properties = &schema["properties"];
    assert_eq!(properties["environment"]["enum"], json!(["development", "staging", "production"]));
    assert_eq!(properties["preset"]["enum"], json!(["api", "uploads"]));
    assert_eq!(
        properties["body"]["properties"]["max"],
        json!({
            "type": "string", "examples": ["10 MB"], "default": "10 MB",
            "description": "Largest request body. Between 1 KB and 1 GB.",
        })
    );
    assert_eq!(properties["sessions"]["properties"]["token_file"]["type"], "string");
    let entries = properties["health"]["patternProperties"].as_object().unwrap();
    let (pattern, entry) = entries.iter().next().unwrap();
    assert_eq!(pattern, "^(?!(?:every)$)[A-Za-z0-9_-]{1,64}$");
    assert_eq!(entry["properties"]["tcp"]["type"], "string");
    let routes = properties["route"]["patternProperties"].as_object().unwrap();
    let keys: Vec<_> = routes.values().next().unwrap()["properties"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["body", "mode"]);
}
