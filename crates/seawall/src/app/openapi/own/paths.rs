//! Each of Seawall's own paths: who is let in, what is sent, and what is answered.

use super::{Gives, Own, Takes, Who};

pub(super) const fn own(method: &'static str, path: &'static str, summary: &'static str) -> Own {
    Own { method, path, summary, who: Who::Everybody, takes: Takes::Nothing, query: &[], gives: &[], refuses: &[] }
}

impl Own {
    pub(super) const fn let_in(self, who: Who) -> Self {
        Self { who, ..self }
    }

    pub(super) const fn taking(self, takes: Takes) -> Self {
        Self { takes, ..self }
    }

    pub(super) const fn giving(self, gives: &'static [(u16, Gives)]) -> Self {
        Self { gives, ..self }
    }

    const fn asked(self, query: &'static [(&'static str, &'static str)]) -> Self {
        Self { query, ..self }
    }

    pub(super) const fn refusing(self, refuses: &'static [u16]) -> Self {
        Self { refuses, ..self }
    }
}

/// All of them, in the order of their paths.
pub(in crate::app::openapi) static OWN: [Own; 70] = [
    own("get", "auth/app-sessions", "Lists sessions that browsers began for devices")
        .let_in(Who::Known)
        .giving(&[(200, Gives::Json("AppSessions"))]),
    own("post", "auth/app-sessions", "Begins a session that a device can join")
        .let_in(Who::Known)
        .taking(Takes::Json("Name"))
        .giving(&[(201, Gives::Json("AppSession"))]),
    own("post", "auth/app-sessions/join", "Joins a session with its token")
        .let_in(Who::Known)
        .taking(Takes::Json("LinkToken"))
        .giving(&[(200, Gives::Json("AppSession"))]),
    own("delete", "auth/app-sessions/{id}", "Ends a session of a device")
        .let_in(Who::Known)
        .giving(&[(204, Gives::Nothing)])
        .refusing(&[404]),
    own("get", "auth/app-sessions/{id}", "Tells of a session that a device can join")
        .let_in(Who::Known)
        .giving(&[(200, Gives::Json("AppSession"))])
        .refusing(&[404]),
    own("post", "auth/app-sessions/{id}/token", "Makes a token to join a session with")
        .let_in(Who::Known)
        .giving(&[(201, Gives::Json("JoinToken"))])
        .refusing(&[404]),
    own("post", "auth/confirm", "Shows the password once more, for what wants a fresh proof")
        .let_in(Who::People)
        .taking(Takes::Json("PasswordOrCode"))
        .giving(&[(200, Gives::Welcome("SignedIn"))])
        .refusing(&[409]),
    own("get", "auth/csrf-token", "Gives the token that forms of a page send")
        .let_in(Who::People)
        .giving(&[(200, Gives::Json("PageToken"))]),
    own("get", "auth/devices", "Lists the paired devices").let_in(Who::People).giving(&[(200, Gives::Json("Devices"))]),
    own("post", "auth/devices/approve", "Pairs the device that shows a code")
        .let_in(Who::People)
        .taking(Takes::Json("Code"))
        .giving(&[(200, Gives::Json("DevicePlace"))]),
    own("post", "auth/devices/code", "Gives a device a code to be paired with")
        .taking(Takes::Json("Name"))
        .giving(&[(200, Gives::Json("PairingCode"))])
        .refusing(&[429]),
    own("post", "auth/devices/look", "Tells which device shows a code")
        .let_in(Who::People)
        .taking(Takes::Json("Code"))
        .giving(&[(200, Gives::Json("DevicePlace"))]),
    own("post", "auth/devices/token", "Gives a paired device its credential")
        .taking(Takes::Json("DeviceCode"))
        .giving(&[(201, Gives::Json("PairedDevice"))]),
    own("delete", "auth/devices/{id}", "Unpairs a device")
        .let_in(Who::People)
        .giving(&[(204, Gives::Nothing)])
        .refusing(&[404]),
    own("post", "auth/devices/{id}/name", "Names a device")
        .let_in(Who::People)
        .taking(Takes::Json("Name"))
        .giving(&[(200, Gives::Json("Device"))])
        .refusing(&[404]),
    own("get", "auth/email", "Tells the address and whether it is confirmed")
        .let_in(Who::People)
        .giving(&[(200, Gives::Json("Email"))]),
    own("post", "auth/email", "Sends a letter to confirm an address")
        .let_in(Who::People)
        .taking(Takes::Json("Address"))
        .giving(&[(202, Gives::Json("Accepted"))])
        .refusing(&[429, 501]),
    own("get", "auth/email/verify", "Page behind the link that confirms an address").giving(&[(200, Gives::Page)]),
    own("post", "auth/email/verify", "Confirms an address")
        .taking(Takes::Json("LinkToken"))
        .giving(&[(204, Gives::Nothing)]),
    own("get", "auth/factors", "Lists the second factors").let_in(Who::People).giving(&[(200, Gives::Json("Factors"))]),
    own("post", "auth/factors/recovery-codes", "Makes new recovery codes")
        .let_in(Who::People)
        .giving(&[(201, Gives::Json("RecoveryCodes"))])
        .refusing(&[409]),
    own("delete", "auth/factors/totp", "Removes the authenticator")
        .let_in(Who::People)
        .giving(&[(204, Gives::Nothing)])
        .refusing(&[409]),
    own("post", "auth/factors/totp", "Begins to add an authenticator")
        .let_in(Who::People)
        .giving(&[(201, Gives::Json("TotpEnrolment"))])
        .refusing(&[409]),
    own("post", "auth/factors/totp/confirm", "Adds the authenticator that shows a code")
        .let_in(Who::People)
        .taking(Takes::Json("FirstCode"))
        .giving(&[(200, Gives::Welcome("SignedInWithCodes"))])
        .refusing(&[409]),
    own("post", "auth/first", "Makes the first user, with the code from the log")
        .taking(Takes::Json("FirstUser"))
        .giving(&[(201, Gives::Json("Made"))])
        .refusing(&[409, 422]),
    own("post", "auth/forgot", "Sends a letter to set a new password")
        .taking(Takes::Json("NameOrEmail"))
        .giving(&[(202, Gives::Json("Accepted"))])
        .refusing(&[429, 501]),
    own("get", "auth/forward", "Tells another proxy who a request is from")
        .let_in(Who::Known)
        .giving(&[(200, Gives::Nothing), (302, Gives::Elsewhere)])
        .asked(&[("require", "array"), ("redirect", "string")])
        .refusing(&[400]),
    own("get", "auth/forward/envoy", "The same, for Envoy").let_in(Who::Known).giving(&[(200, Gives::Nothing)]),
    own("get", "auth/forward/envoy/{*path}", "The same, for Envoy and a path")
        .let_in(Who::Known)
        .giving(&[(200, Gives::Nothing)]),
    own("get", "auth/jwks.json", "The keys that tokens are signed with").giving(&[(200, Gives::Json("Jwks"))]),
    own("get", "auth/keys", "Lists the API keys").let_in(Who::People).giving(&[(200, Gives::Json("Keys"))]),
    own("post", "auth/keys", "Makes an API key")
        .let_in(Who::People)
        .taking(Takes::Json("NewKey"))
        .giving(&[(201, Gives::Json("MadeKey"))])
        .refusing(&[404]),
    own("delete", "auth/keys/{id}", "Revokes an API key")
        .let_in(Who::People)
        .giving(&[(204, Gives::Nothing)])
        .refusing(&[404]),
    own("post", "auth/keys/{id}/rotate", "Gives an API key a new secret")
        .let_in(Who::People)
        .taking(Takes::Json("Rotation"))
        .giving(&[(201, Gives::Json("MadeKey"))])
        .refusing(&[404, 409]),
    own("get", "auth/links", "Lists accounts elsewhere that sign in")
        .let_in(Who::People)
        .giving(&[(200, Gives::Json("Links"))]),
    own("delete", "auth/links/{id}", "Unlinks an account elsewhere")
        .let_in(Who::People)
        .giving(&[(204, Gives::Nothing)])
        .refusing(&[404, 409]),
    own("get", "auth/oidc/{name}", "Sends the browser to sign in elsewhere")
        .giving(&[(303, Gives::Elsewhere)])
        .asked(&[("return_to", "string")])
        .refusing(&[400, 403, 404]),
    own("get", "auth/oidc/{name}/callback", "Where the browser comes back to")
        .giving(&[(202, Gives::Json("SecondFactorNext")), (303, Gives::Elsewhere)])
        .refusing(&[400, 401, 403, 404, 409]),
    own("post", "auth/oidc/{name}/credential", "Signs in with an ID token")
        .taking(Takes::Form("IdToken"))
        .giving(&[(202, Gives::Json("SecondFactorNext")), (303, Gives::Elsewhere)])
        .refusing(&[401, 404]),
    own("post", "auth/oidc/{name}/link", "Begins to link an account elsewhere")
        .let_in(Who::People)
        .taking(Takes::Json("Onward"))
        .giving(&[(200, Gives::Json("Location"))])
        .refusing(&[404]),
    own("post", "auth/organisation", "Acts for another organisation")
        .let_in(Who::People)
        .taking(Takes::Json("Acting"))
        .giving(&[(200, Gives::Welcome("SignedIn"))])
        .refusing(&[404]),
    own("get", "auth/organisations", "Lists the organisations")
        .let_in(Who::People)
        .giving(&[(200, Gives::Json("Organisations"))]),
    own("get", "auth/passkeys", "Lists the passkeys")
        .let_in(Who::People)
        .giving(&[(200, Gives::Json("Passkeys"))])
        .refusing(&[404]),
    own("post", "auth/passkeys/confirm", "Shows a passkey once more")
        .let_in(Who::People)
        .taking(Takes::Json("Credential"))
        .giving(&[(200, Gives::Welcome("SignedIn"))])
        .refusing(&[404, 409]),
    own("post", "auth/passkeys/confirm/options", "Begins to show a passkey once more")
        .let_in(Who::People)
        .taking(Takes::Json("Nothing"))
        .giving(&[(200, Gives::Json("RequestOptions"))])
        .refusing(&[404, 409]),
    own("post", "auth/passkeys/register", "Adds a passkey")
        .let_in(Who::People)
        .taking(Takes::Json("NewPasskey"))
        .giving(&[(201, Gives::Welcome("PasskeyAdded"))])
        .refusing(&[404, 409, 422]),
    own("post", "auth/passkeys/register/options", "Begins to add a passkey")
        .let_in(Who::People)
        .taking(Takes::Json("Nothing"))
        .giving(&[(200, Gives::Json("CreationOptions"))])
        .refusing(&[404, 409]),
    own("post", "auth/passkeys/second", "Shows a passkey as second factor")
        .taking(Takes::Json("TicketAndCredential"))
        .giving(&[(200, Gives::Welcome("SignedIn"))])
        .refusing(&[401, 404]),
    own("post", "auth/passkeys/second/options", "Begins to show a passkey as second factor")
        .taking(Takes::Json("Ticket"))
        .giving(&[(200, Gives::Json("RequestOptions"))])
        .refusing(&[401, 404, 409]),
    own("post", "auth/passkeys/sign-in", "Signs in with a passkey")
        .taking(Takes::Json("Credential"))
        .giving(&[(200, Gives::Welcome("SignedIn"))])
        .refusing(&[401, 404]),
    own("post", "auth/passkeys/sign-in/options", "Begins to sign in with a passkey")
        .taking(Takes::Json("MaybeName"))
        .giving(&[(200, Gives::Json("RequestOptions"))])
        .refusing(&[404]),
    own("delete", "auth/passkeys/{id}", "Removes a passkey")
        .let_in(Who::People)
        .giving(&[(204, Gives::Nothing)])
        .refusing(&[404, 409]),
    own("post", "auth/passkeys/{id}/name", "Names a passkey")
        .let_in(Who::People)
        .taking(Takes::Json("PasskeyName"))
        .giving(&[(200, Gives::Json("Passkey"))])
        .refusing(&[404]),
    own("post", "auth/password", "Changes the password")
        .let_in(Who::People)
        .taking(Takes::Json("NewPassword"))
        .giving(&[(200, Gives::Welcome("SignedIn"))])
        .refusing(&[422]),
    own("post", "auth/refresh", "Refreshes tokens, or the session of a browser that keeps tokens")
        .taking(Takes::MaybeJson("RefreshToken"))
        .giving(&[(200, Gives::Json("Tokens")), (204, Gives::Nothing)])
        .refusing(&[401]),
    own("post", "auth/register", "Makes an account")
        .taking(Takes::Json("Credentials"))
        .giving(&[(201, Gives::Welcome("SignedIn"))])
        .refusing(&[404, 409, 422]),
    own("get", "auth/reset", "Page behind the link that sets a new password").giving(&[(200, Gives::Page)]),
    own("post", "auth/reset", "Sets a new password")
        .taking(Takes::Json("TokenAndPassword"))
        .giving(&[(204, Gives::Nothing)])
        .refusing(&[422]),
    own("get", "auth/session", "Tells who is signed in").let_in(Who::People).giving(&[(200, Gives::Json("Principal"))]),
    own("delete", "auth/sessions", "Ends all other sessions")
        .let_in(Who::People)
        .giving(&[(200, Gives::Json("Ended"))]),
    own("get", "auth/sessions", "Lists the sessions").let_in(Who::People).giving(&[(200, Gives::Json("Sessions"))]),
    own("delete", "auth/sessions/{id}", "Ends a session")
        .let_in(Who::People)
        .giving(&[(204, Gives::Nothing)])
        .refusing(&[404]),
    own("post", "auth/sign-in", "Signs in with a password")
        .taking(Takes::Json("Credentials"))
        .giving(&[(200, Gives::Welcome("SignedIn")), (202, Gives::Json("SecondFactorNext"))])
        .refusing(&[401]),
    own("post", "auth/sign-in/second", "Shows a second factor")
        .taking(Takes::Json("TicketAndCode"))
        .giving(&[(200, Gives::Welcome("SignedIn"))])
        .refusing(&[401]),
    own("post", "auth/sign-out", "Signs out").giving(&[(204, Gives::Nothing)]),
    own("post", "auth/token", "Gives tokens for a name and its password")
        .taking(Takes::Json("TokenRequest"))
        .giving(&[(200, Gives::Json("Tokens")), (202, Gives::Json("SecondFactorNext"))])
        .refusing(&[401]),
    own("get", "health/live", "Whether the process runs").giving(&[(200, Gives::Json("Health"))]),
    own("get", "health/ready", "Whether requests are served")
        .giving(&[(200, Gives::Json("Health")), (503, Gives::Json("Health"))]),
    own("get", "openapi.json", "This document").giving(&[(200, Gives::AnyJson)]).refusing(&[404]),
    own("get", "problems/{slug}", "The page behind a problem").giving(&[(200, Gives::Text)]).refusing(&[404]),
];
