//! Organisations and limits by who asks, over sockets.

use seawall_testkit::client::Request;
use serde_json::{Value, json};

use super::{CONFIGURATION, Place};

fn configuration() -> String {
    let limits = "limits = [\"3/min per user\"]";
    CONFIGURATION.replacen("[rate_limit]\nlimits = []", &format!("[rate_limit]\n{limits}"), 1)
        + "[identity.tiers.free]\nlimits = [\"2/min per user\"]\n\
           [identity.tiers.basic]\nlimits = []\n\
           [identity.tiers.pro]\nlimits = [\"100/min per user\", \"6/min per org\"]\n\
           [route.\"/staff/*\"]\naccess.require = \"organisation role admin\"\nrate_limit.limits = []\n\
           [route.\"/pro/*\"]\naccess.require = \"tier pro\"\nrate_limit.limits = []\n\
           [route.\"/watched-limit/*\"]\nrate_limit.mode = \"report\"\nrate_limit.limits = [\"1/min per user\"]\n"
}

impl Place {
    pub(super) async fn organisation(&self, name: &str, tier: &str, members: &[(&str, &str)]) -> String {
        let body = json!({ "name": name, "tier": tier });
        let added = self.operator("POST", "/api/organisations", Some(body)).await.expect_status(201).json();
        for (user, role) in members {
            self.member(name, user, Some(role)).await;
        }
        added["id"].as_str().unwrap().to_owned()
    }

    async fn member(&self, name: &str, user: &str, role: Option<&str>) {
        let body = json!({ "user": user, "role": role });
        let path = format!("/api/organisations/{name}/members");
        self.operator("POST", &path, Some(body)).await.expect_status(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_application_learns_for_whom_somebody_acts_and_routes_ask_for_it() {
    let place = Place::with(&configuration()).await;
    place.add("ann", &[]).await;
    let acme = place.organisation("acme", "pro", &[("ann", "admin")]).await;
    let other = place.organisation("other", "basic", &[("ann", "member")]).await;
    let session = place.sign_in("ann").await;
    let forged = Request::get("/staff/1").header("Cookie", &*session).header("X-Seawall-Organisation-Role", "forged");
    place.app.client().request(forged).await.expect_status(200);
    let seen = place.upstream.requests().pop().unwrap();
    for (name, told) in [
        ("x-seawall-organisation", &*acme),
        ("x-seawall-organisation-role", "admin"),
        ("x-seawall-organisation-tier", "pro"),
    ] {
        assert_eq!(seen.header(name), Some(told), "{seen:?}");
    }
    place.get("/pro/1", &session).await.expect_status(200);
    let listed = place.get("/_seawall/auth/organisations", &session).await.expect_status(200).json();
    let active: Vec<&Value> = listed["data"].as_array().unwrap().iter().map(|one| &one["active"]).collect();
    assert_eq!(active, [&json!(true), &json!(false)]);
    let act = |organisation: Value| Some(json!({ "organisation": organisation }));
    let path = "/_seawall/auth/organisation";
    place.ask("POST", path, &session, act(json!("nobody's"))).await.expect_problem(404, "invalid-input");
    let switched = place.ask("POST", path, &session, act(json!(other))).await.expect_status(200);
    place.get("/private/1", &session).await.expect_problem(401, "not-signed-in");
    let session = super::cookie(&switched);
    place.get("/pro/1", &session).await.expect_problem(403, "not-allowed");
    place.get("/staff/1", &session).await.expect_problem(403, "not-allowed");
    place.member("other", "ann", Some("admin")).await;
    place.get("/staff/1", &session).await.expect_status(200);
    let shown = place.get("/_seawall/auth/session", &session).await.expect_status(200).json();
    assert_eq!(shown["organisation"], json!({ "id": other, "role": "admin", "tier": "basic" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_is_limited_by_the_general_limits_or_by_the_tier_and_others_are_not() {
    let place = Place::with(&configuration()).await;
    for name in ["ann", "bob", "eve"] {
        place.add(name, &[]).await;
    }
    let (eves, strangers) = (place.sign_in("eve").await, String::new());
    let statuses = async |session: &str, count: usize| {
        let mut statuses = Vec::new();
        for _ in 0..count {
            statuses.push(place.get("/open", session).await.status);
        }
        statuses
    };
    assert_eq!(statuses(&eves, 4).await, [200, 200, 200, 429], "three for everybody");
    let again = place.sign_in("eve").await;
    assert_eq!(statuses(&again, 1).await, [429], "another session is the same person");
    assert_eq!(statuses(&strangers, 5).await, [200; 5], "nobody is not counted");
    let refused = place.get("/open", &eves).await;
    refused.expect_problem(429, "quota-exceeded");
    assert!(refused.header("ratelimit").unwrap().starts_with("\"3/min per user\";r=0;t="), "{refused:?}");
    assert_eq!(refused.header("ratelimit-policy"), Some("\"3/min per user\";q=3;w=60"));
    place.organisation("acme", "pro", &[("ann", "member"), ("bob", "member")]).await;
    let (anns, bobs) = (place.sign_in("ann").await, place.sign_in("bob").await);
    assert_eq!(statuses(&anns, 4).await, [200; 4], "the tier allows more");
    assert_eq!(statuses(&bobs, 3).await, [200, 200, 429], "six for all of them");
    place.operator("POST", "/api/organisations/acme/tier", Some(json!({ "tier": "free" }))).await.expect_status(200);
    assert_eq!(statuses(&anns, 1).await, [429], "the other tier holds from the next request, with what was counted");
    assert_eq!(statuses(&bobs, 1).await, [429]);
    place.add("dan", &[]).await;
    let dans = place.sign_in("dan").await;
    for _ in 0..2 {
        place.get("/watched-limit/1", &dans).await.expect_status(200);
    }
    let reported =
        place.app.metric("seawall_guard_decisions", &["principal_rate_limit", "/watched-limit/*", "reported"]);
    assert!((reported - 1.0).abs() < f64::EPSILON, "{reported}");
}
