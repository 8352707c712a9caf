//! Calls of the application to other services.

mod alerts;
mod answers;
mod attempts;
mod audited;
mod beginnings;
mod budgets;
mod caching;
mod calls;
mod counting;
mod embedding;
mod exposed;
mod failing;
mod faults;
mod keeping;
mod ledgers;
mod limits;
mod models;
mod overspending;
mod owned;
mod periods;
mod prices;
mod programs;
mod prompts;
mod responding;
mod rounds;
mod routes;
mod sdks;
mod shelving;
mod spent;
mod translating;
mod users;

pub(crate) use models::streamed;
use seawall_testkit::{
    app::{StartedApp, TestApp},
    llm::FakeLlm,
    upstream::{Kind, Upstream},
};

/// A Seawall whose application may call a service, named `api`, whose paths choose what it does.
async fn calling(settings: &str) -> (Upstream, StartedApp) {
    let api = Upstream::start(Kind::ByPath).await;
    let app = started(&api, settings).await;
    (api, app)
}

/// A Seawall whose application may call this service.
async fn started(api: &Upstream, settings: &str) -> StartedApp {
    TestApp::in_front_of("http://127.0.0.1:9").with_config(&configured(api, settings)).start().await
}

/// What is configured of a service at this address.
fn configured(api: &Upstream, settings: &str) -> String {
    format!("environment = \"development\"\n[outbound.api]\nurl = \"{}\"\n{settings}", api.url())
}

/// Language models, and a Seawall whose application may call them.
struct Models {
    fake: FakeLlm,
    app: StartedApp,
}

/// A Seawall whose application may call a fake of each dialect, with these settings for each provider.
async fn calling_models(settings: &str) -> Models {
    calling_models_by(settings, "").await
}

/// The same, with these routes.
async fn calling_models_by(settings: &str, routes: &str) -> Models {
    let fake = FakeLlm::start().await;
    let providers = ["openai", "anthropic", "gemini"].map(|kind| {
        let key = "sk-of-the-provider";
        format!("[llm.provider.{kind}]\nkind = \"{kind}\"\nurl = \"{}\"\nkey = \"{key}\"\n{settings}\n", fake.url())
    });
    let app = in_front_of_nothing(&format!("{}{routes}", providers.concat())).await;
    Models { fake, app }
}

/// A Seawall in front of no application.
async fn in_front_of_nothing(config: &str) -> StartedApp {
    let config = format!("environment = \"development\"\n{config}");
    TestApp::in_front_of("http://127.0.0.1:9").with_config(&config).start().await
}
