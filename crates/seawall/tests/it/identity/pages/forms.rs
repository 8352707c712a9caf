//! Forms: signing in, registering and out; who may post them; and that nothing that was typed becomes markup.

use super::{CONFIGURATION, PASSWORD, Place, bare_form, cookies, form, page};

#[tokio::test(flavor = "multi_thread")]
async fn a_form_signs_in_and_leads_on_and_another_signs_out() {
    let place = Place::with(CONFIGURATION).await;
    place.add("ann", &[]).await;
    let shown = place.get(&page("sign-in?next=/private/a"), "").await.expect_status(200);
    for (name, value) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "same-origin"),
        ("x-frame-options", "DENY"),
        ("content-type", "text/html; charset=utf-8"),
    ] {
        assert_eq!(shown.header(name), Some(value), "{name}");
    }
    let policy = shown.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self';"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe") && policy.ends_with("frame-ancestors 'none'"));
    let text = shown.text();
    assert!(text.contains("<html lang=\"en\">") && text.contains("<title>Sign in – Seawall</title>"), "{text}");
    assert!(
        text.contains("autocomplete=\"username webauthn\"") && text.contains("autocomplete=\"current-password\""),
        "{text}"
    );
    assert!(text.contains("<input type=\"hidden\" name=\"next\" value=\"/private/a\">"), "{text}");

    let wrong =
        place.post_form("sign-in", "", &[("name", "ann"), ("password", "guessed"), ("next", "/private/a")]).await;
    let text = wrong.expect_status(401).text();
    let why = "<a href=\"#name\">The name or the password is wrong, or this user may not sign in.</a>";
    assert!(text.contains("role=\"alert\"") && text.contains(why), "{text}");
    assert!(text.contains("aria-describedby=\"name-problem\" aria-invalid=\"true\""), "{text}");
    assert!(
        text.contains("value=\"ann\"") && text.contains("value=\"/private/a\"") && !text.contains("guessed"),
        "{text}"
    );

    let fields = [("name", "ann"), ("password", PASSWORD), ("next", "/private/a")];
    let answer = place.post_form("sign-in", "", &fields).await.expect_status(303);
    assert_eq!(answer.header("location"), Some("/private/a"));
    let session = cookies(&answer);
    place.get("/private/a", &session).await.expect_status(200);
    let account = place.get(&page("account"), &session).await.expect_status(200).text();
    assert!(account.contains("<dd>ann</dd>") && account.contains("aria-current=\"page\""), "{account}");

    place.get(&page("sign-out"), &session).await.expect_status(200);
    place.get("/private/a", &session).await.expect_status(200);
    let out = place.post_form("sign-out", &session, &[]).await.expect_status(303);
    assert_eq!(out.header("location"), Some("/_seawall/auth/pages/sign-in?done=signed-out"));
    assert_eq!(out.header("clear-site-data"), Some("\"cache\", \"storage\""));
    assert!(out.headers_named("set-cookie").iter().any(|cookie| cookie.starts_with("seawall=; Path=/; Max-Age=0")));
    place.get("/private/a", &session).await.expect_problem(401, "not-signed-in");
    let said = place.get(&page("sign-in?done=signed-out"), "").await.text();
    assert!(said.contains("<p class=\"done\" role=\"status\">You are signed out.</p>"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_is_shown_as_text() {
    let place = Place::with(CONFIGURATION).await;
    let evil = "<script>alert(1)</script>\"'>";
    let fields = [("name", evil), ("password", "wrong")];
    let text = place.post_form("sign-in", "", &fields).await.expect_status(401).text();
    assert!(
        text.matches("<script").count() == 1
            && text.contains("<script src=\"/_seawall/")
            && text.contains("value=\"&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&gt;\"")
    );
    let name = "<b>bold</b>";
    let registered =
        place.post_form("register", "", &[("name", name), ("password", PASSWORD)]).await.expect_status(303);
    let session = cookies(&registered);
    let account = place.get(&page("account"), &session).await.text();
    assert!(account.contains("<dd>&lt;b&gt;bold&lt;/b&gt;</dd>") && !account.contains("<b>"), "{account}");
    let agent = form("sign-in", "", &[("name", name), ("password", PASSWORD)]).header("User-Agent", "<img src=x>");
    place.app.client().request(agent).await.expect_status(303);
    let sessions = place.get(&page("account/sessions"), &session).await.text();
    assert!(sessions.contains("&lt;img src=x&gt;") && !sessions.contains("<img"), "{sessions}");
    let made = place.post_form("account/keys", &session, &[("label", "<i>label</i>")]).await.expect_status(200).text();
    assert!(made.contains("<code id=\"key\">sw"), "{made}");
    let keys = place.get(&page("account/keys"), &session).await.text();
    assert!(keys.contains("&lt;i&gt;label&lt;/i&gt;") && !keys.contains("<i>"), "{keys}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_this_sites_own_forms_are_taken() {
    let place = Place::with(CONFIGURATION).await;
    place.add("ann", &[]).await;
    let fields = [("name", "ann"), ("password", PASSWORD)];
    let client = place.app.client();
    let own = format!("http://{}", place.app.public());
    for (name, value) in [
        ("Sec-Fetch-Site", "cross-site"),
        ("Origin", "https://evil.example"),
        ("Origin", "null"),
        ("Sec-Fetch-Site", "same-site"),
        ("Sec-Fetch-Site", "none"),
    ] {
        let refused = client.request(bare_form("sign-in", "", &fields).header(name, value)).await;
        refused.expect_problem(403, "cross-site-refused");
    }
    client.request(bare_form("sign-in", "", &fields).header("Origin", own)).await.expect_status(303);

    // A browser that says nothing posts the token of its cookie.
    client.request(bare_form("sign-in", "", &fields)).await.expect_problem(403, "cross-site-refused");
    let shown = client.get(&page("sign-in")).await.expect_status(200);
    let cookie = cookies(&shown);
    let text = shown.text();
    let token = text.split_once("name=\"form_token\" value=\"").unwrap().1.split('"').next().unwrap().to_owned();
    let with = |token: &str| {
        let fields = [("name", "ann"), ("password", PASSWORD), ("form_token", token)];
        (bare_form("sign-in", &cookie, &fields), bare_form("sign-in", "", &fields))
    };
    let (both, without_cookie) = with(&token);
    client.request(without_cookie).await.expect_problem(403, "cross-site-refused");
    client.request(with("nonsense").0).await.expect_problem(403, "cross-site-refused");
    client.request(both).await.expect_status(303);
    assert!(shown.header("set-cookie").unwrap().ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{shown:?}");
    place.get("/open", &format!("{cookie}; theme=dark")).await.expect_status(200);
    let seen = place.upstream.requests().pop().unwrap();
    assert_eq!(seen.header("cookie"), Some("theme=dark"), "the application has no use for it");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_registers_is_signed_in_and_is_told_what_is_wrong_beside_the_field() {
    let place = Place::with(CONFIGURATION).await;
    let short =
        place.post_form("register", "", &[("name", "new"), ("password", "short")]).await.expect_status(422).text();
    assert!(
        short.contains("<p class=\"wrong\" id=\"password-problem\">") && short.contains("value=\"new\""),
        "{short}"
    );
    assert!(short.contains("aria-describedby=\"password-hint password-problem\""), "{short}");
    let fields = [("name", "new"), ("password", PASSWORD), ("next", "//evil.example")];
    let registered = place.post_form("register", "", &fields).await.expect_status(303);
    assert_eq!(registered.header("location"), Some("/_seawall/auth/pages/account"));
    place.get("/private/a", &cookies(&registered)).await.expect_status(200);
    place.post_form("register", "", &[("name", "NEW"), ("password", PASSWORD)]).await.expect_status(409);
    let closed = Place::with(&CONFIGURATION.replace("registration = \"open\"", "")).await;
    closed.get(&page("register"), "").await.expect_problem(404, "not-found");
    closed.post_form("register", "", &[("name", "x"), ("password", PASSWORD)]).await.expect_problem(404, "not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_are_counted_where_something_is_tried_and_looking_at_pages_is_not() {
    let configuration = CONFIGURATION.replace("sign_in_limits = []", "sign_in_limits = [\"2/min per ip\"]");
    let place = Place::with(&configuration).await;
    place.add("ann", &[]).await;
    for _ in 0..4 {
        place.get(&page("sign-in"), "").await.expect_status(200);
    }
    for _ in 0..2 {
        place.sign_in_on_page("ann").await;
    }
    let fields = [("name", "ann"), ("password", PASSWORD)];
    place.post_form("sign-in", "", &fields).await.expect_problem(429, "quota-exceeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_that_keep_tokens_sign_in_and_out_on_the_same_pages() {
    let place = Place::with(&CONFIGURATION.replace("enabled = true", "enabled = true\nbrowser = \"tokens\"")).await;
    place.add("ann", &[]).await;
    let kept = place.sign_in_on_page("ann").await;
    assert!(kept.contains("seawall_refresh="), "{kept}");
    place.get(&page("account"), &kept).await.expect_status(200);
    let changed = [("current", PASSWORD), ("new", "a rather different one")];
    let kept = cookies(&place.post_form("account/password", &kept, &changed).await.expect_status(303));
    place.get("/private/a", &kept).await.expect_status(200);
    let out = place.post_form("sign-out", &kept, &[]).await.expect_status(303);
    let taken = out.headers_named("set-cookie").iter().filter(|cookie| cookie.contains("=; Path=/; Max-Age=0")).count();
    assert_eq!(taken, 2, "{out:?}");
    place.get("/private/a", &kept).await.expect_problem(401, "not-signed-in");
}
