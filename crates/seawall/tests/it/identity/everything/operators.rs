//! What operators do: organisations, imports, and everything they can change of a user.

use seawall_testkit::client::Request;
use serde_json::{Value, json};

use super::{ADMIN_KEY, Everything};
use crate::identity::PASSWORD;

/// `correct horse 7` by bcrypt with cost 4.
const BCRYPT: &str = "$2b$04$bATWMjH1HR4mv2hZudkBnOX1WqSgLgOR94.3GbzukrZc3Mg6OXi2.";
/// The same by argon2id, with little memory.
const ARGON2: &str = "$argon2id$v=19$m=64,t=2,p=1$c2l4dGVlbiBieXRlcyBvaw$CLzTan6gwrmk6KhHJOXU89RtHz4GxPEmga68p8GxtAg";
const PLAIN: &str = "kept in clear elsewhere";

impl Everything {
    pub(super) async fn organisations(&mut self) {
        let acme = self.operator("POST", "/api/organisations", json!({ "name": "acme" })).await;
        self.operator("POST", "/api/organisations/acme/tier", json!({ "tier": "pro" })).await;
        let member = json!({ "user": "Bartholomew", "role": "admin" });
        self.operator("POST", "/api/organisations/acme/members", member).await;
        let session = self.sign_in("Bartholomew", PASSWORD).await;
        let nobody = self.post("organisation", &session, json!({ "organisation": null })).await.expect_status(200);
        let session = self.welcomed(&nobody);
        let acting = self.post("organisation", &session, json!({ "organisation": acme["id"] })).await;
        self.welcomed(&acting.expect_status(200));
        self.operator("POST", "/api/organisations/acme/remove", Value::Null).await;
    }

    /// Users of another system come, one with a password in clear; a second run changes one of them.
    pub(super) async fn imports(&mut self) {
        self.issued("an imported password in clear", PLAIN);
        self.issued("a password of an imported hash", "correct horse 7");
        let row = |line: u32, name: &str, password: String| {
            json!({ "position": line.to_string(), "place": format!("line {line}"), "name": name, "email": null,
                    "password": password, "roles": null, "id": format!("old-{line}"), "disabled": null, "fault": null })
        };
        for (again, existing, imogens) in [(false, "skip", BCRYPT), (true, "update", ARGON2)] {
            let rows = json!([row(1, "Imogen", imogens.to_owned()), row(2, "Ivanhoe", format!("plain:{PLAIN}"))]);
            let begun = json!({ "fingerprint": "users", "source": "users.csv", "again": again });
            let begun = self.operator("POST", "/api/imports", begun).await;
            let path = format!("/api/imports/{}", begun["id"].as_str().unwrap());
            let options = json!({ "existing": existing, "roles": ["imported"] });
            let batch = json!({ "from": "", "to": "2", "options": options, "rows": rows });
            self.operator("POST", &format!("{path}/rows"), batch).await;
            self.operator("POST", &format!("{path}/finish"), Value::Null).await;
        }
        for (name, password) in [("Imogen", "correct horse 7"), ("Ivanhoe", PLAIN)] {
            self.sign_in(name, password).await;
        }
    }

    pub(super) async fn what_operators_change(&mut self) {
        let user = |what: &str| format!("/api/users/Evangeline{what}");
        self.operator("POST", &user("/disable"), Value::Null).await;
        self.operator("POST", &user("/enable"), Value::Null).await;
        self.operator("POST", &user("/roles"), json!({ "add": ["editor"] })).await;
        self.operator("POST", &user("/email"), json!({ "email": "eve@example.org" })).await;
        self.operator("POST", &user("/delete"), Value::Null).await;
        self.operator("POST", "/api/signing-keys/rotate", json!({ "at_once": true })).await;
        let wrong = self.issued("a wrong key of operators", "a-guessed-key-of-the-operators-here");
        for (key, status) in [(wrong.as_str(), 401), (ADMIN_KEY, 200)] {
            let asked = Request::get("/api/users").header("X-Admin-Key", key);
            self.place.app.admin_client().request(asked).await.expect_status(status);
        }
    }
}
