//! Accounts elsewhere, as the store keeps them: linked and told, seen and taken away, refused and recorded.

use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use seawall_core::{
    fetch::{Ask, Fetch, FetchFault, Fetched},
    principal::Principal,
    reply::BoxFuture,
};
use seawall_identity::{
    IdentityError,
    oidc::IssuerSettings,
    people::{Came, External, SignInStep, SignedIn},
};
use seawall_store::{Cause, Lane, StoreError};
use serde_json::{Value, json};

use crate::{
    races::{Held, until_waiting},
    support::{Ground, Node, PASSWORD, facts, on_both},
};

const HERE: &str = "192.0.2.1";
const ISSUER: &str = "https://issuer.example";

fn pair() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[1; 32]).unwrap()
}

/// An issuer that is asked for its keys, and for tokens of whoever a code names: the code is the claims.
#[derive(Debug)]
struct Elsewhere;

impl Fetch for Elsewhere {
    fn fetch(&self, ask: Ask) -> BoxFuture<'static, Result<Fetched, FetchFault>> {
        let body = if ask.url.ends_with("/keys") {
            let x = URL_SAFE_NO_PAD.encode(pair().public_key().as_ref());
            json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "k1", "x": x, "alg": "EdDSA" }] })
        } else if ask.url.ends_with("/token") {
            let form = ask.form.unwrap();
            let code = form.expose().split('&').find_map(|pair| pair.strip_prefix("code=")).unwrap().to_owned();
            let claims = URL_SAFE_NO_PAD.decode(code).unwrap();
            json!({ "id_token": signed(&serde_json::from_slice(&claims).unwrap()) })
        } else {
            json!({
                "issuer": ISSUER,
                "authorization_endpoint": format!("{ISSUER}/authorize"),
                "token_endpoint": format!("{ISSUER}/token"),
                "jwks_uri": format!("{ISSUER}/keys"),
            })
        };
        Box::pin(async move { Ok(Fetched { status: 200, body: body.to_string().into_bytes() }) })
    }
}

pub(crate) fn signed(claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", encode(&json!({ "alg": "EdDSA", "kid": "k1" })), encode(claims));
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(pair().sign(message.as_bytes()).as_ref()))
}

pub(crate) fn claims(ground: &Ground, subject: &str, name: &str) -> Value {
    let now = ground.now_s();
    json!({ "iss": ISSUER, "sub": subject, "aud": "us", "iat": now, "exp": now + 300, "name": name })
}

/// A node that knows the issuer by two names: `open` makes users, `closed` makes none.
pub(crate) async fn node(ground: &Ground) -> Node {
    open_issuers(ground.people().await)
}

/// The same of a node that is there.
pub(crate) fn open_issuers(node: Node) -> Node {
    let issuer = |name: &str| IssuerSettings {
        name: name.to_owned(),
        issuer: ISSUER.to_owned(),
        client_id: "us".to_owned(),
        client_secret: None,
        scopes: vec!["openid".to_owned()],
        register: name == "open",
        roles: Vec::new(),
    };
    let fetch: Arc<dyn Fetch> = Arc::new(Elsewhere);
    node.people.open_issuers(vec![issuer("open"), issuer("closed")], &fetch);
    node
}

pub(crate) async fn come(node: &Node, name: &str, claims: &Value) -> Result<SignedIn, IdentityError> {
    let step = node.people.take_credential(&facts(HERE, None), name, &signed(claims), Came::default()).await?;
    match step {
        SignInStep::SignedIn(signed_in) => Ok(*signed_in),
        SignInStep::SecondFactor(_) => panic!("nobody here has one"),
    }
}

/// Links the account of a subject to whoever signed in.
pub(crate) async fn link(
    ground: &Ground,
    node: &Node,
    whose: &Arc<Principal>,
    subject: &str,
) -> Result<(), IdentityError> {
    let (location, flow) = node.people.to_link(whose, "closed", "/").await?;
    let asked = |name: &str| location.split(['?', '&']).find_map(|pair| pair.strip_prefix(name)).unwrap().to_owned();
    let mut claims = claims(ground, subject, "Ann");
    claims.as_object_mut().unwrap().insert("nonce".to_owned(), asked("nonce=").into());
    let code = URL_SAFE_NO_PAD.encode(claims.to_string());
    let returned = [("state".to_owned(), asked("state=")), ("code".to_owned(), code)];
    let own = facts(HERE, Some(Arc::clone(whose)));
    let (external, _) = node.people.from_issuer(&own, "closed", &flow, &returned, Came::default()).await?;
    assert!(matches!(external, External::Linked));
    Ok(())
}

async fn number(ground: &Ground, sql: &'static str) -> i64 {
    let read = ground.db.read::<_, StoreError>(Lane::Interactive, move |tx| tx.one::<(i64,)>(sql, &[]));
    read.await.unwrap().0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_linked_account_is_told_seen_and_taken_away() {
    on_both(async |ground| {
        let node = node(ground).await;
        let user = node.add("ann", &[]).await;
        node.people.set_email(&Cause::operator(), user.id.clone(), Some("ann@example.org")).await.unwrap();
        let ann = node.whose(node.sign_in("ann").await.token.expose()).await.unwrap();
        for subject in ["s1", "s2", "s2"] {
            link(ground, &node, &ann, subject).await.unwrap();
        }
        let told = "SELECT COUNT(*) FROM outbox WHERE payload LIKE '%account_linked%'";
        assert_eq!(number(ground, told).await, 2, "whoever owns the address hears of each");
        let links = node.people.links(&user.id).await.unwrap();
        let shown: Vec<_> = links.iter().map(|link| (link.name.as_deref(), &*link.issuer, &*link.subject)).collect();
        assert_eq!(shown, [(Some("open"), ISSUER, "s1"), (Some("open"), ISSUER, "s2")]);
        assert_eq!(come(&node, "closed", &claims(ground, "s1", "Ann")).await.unwrap().user.id, user.id);

        let own = facts(HERE, Some(Arc::clone(&ann)));
        node.people.unlink(&own, &ann, &links[0].id).await.unwrap();
        let refused = come(&node, "closed", &claims(ground, "s1", "Ann again")).await;
        assert!(matches!(refused, Err(IdentityError::NotLinked)), "{refused:?}");
        let again = node.people.unlink(&own, &ann, &links[0].id).await;
        assert!(matches!(again, Err(IdentityError::NoLink(_))), "{again:?}");
        ground.clock.advance(std::time::Duration::from_secs(301));
        let stale = node.people.unlink(&own, &ann, &links[1].id).await;
        assert!(matches!(stale, Err(IdentityError::ConfirmFirst)), "{stale:?}");

        let cause = Cause::operator();
        let unknown = node.people.remove_links(&cause, "ann", Some("0".repeat(16))).await;
        assert!(matches!(unknown, Err(IdentityError::NoLink(_))), "{unknown:?}");
        assert_eq!(node.people.remove_links(&cause, "ann", Some(links[1].id.clone())).await.unwrap(), 1);
        assert_eq!(node.people.links(&user.id).await.unwrap(), []);
        let unlinked = ground.audited("user.unlinked").await;
        assert_eq!(unlinked.len(), 2);
        assert!(unlinked.iter().all(|told| told.0 == user.id && told.2.as_ref().unwrap().contains(ISSUER)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_way_of_signing_in_stays_and_a_reset_drops_what_was_linked() {
    on_both(async |ground| {
        let node = node(ground).await;
        let made = come(&node, "open", &claims(ground, "s1", "Ann")).await.unwrap();
        let ann = node.whose(made.token.expose()).await.unwrap();
        let links = node.people.links(&made.user.id).await.unwrap();
        let own = facts(HERE, Some(Arc::clone(&ann)));
        let last = node.people.unlink(&own, &ann, &links[0].id).await;
        assert!(matches!(last, Err(IdentityError::LastWayIn)), "{last:?}");
        link(ground, &node, &ann, "s2").await.unwrap();
        node.people.unlink(&own, &ann, &links[0].id).await.unwrap();

        let offer = node.people.offer_reset(&Cause::operator(), made.user.id.clone()).await.unwrap();
        come(&node, "closed", &claims(ground, "s2", "Ann")).await.expect("an offer alone changes nothing");
        let password = PASSWORD.to_owned().into();
        node.people.reset(&facts(HERE, None), offer.token.expose(), password).await.unwrap();
        assert_eq!(node.people.links(&made.user.id).await.unwrap(), []);
        let refused = come(&node, "closed", &claims(ground, "s2", "Ann again")).await;
        assert!(matches!(refused, Err(IdentityError::NotLinked)), "{refused:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_sign_in_with_an_account_elsewhere_is_recorded_once() {
    on_both(async |ground| {
        let node = node(ground).await;
        let refusals = async || {
            let told = ground.audited("user.sign_in").await.into_iter().filter(|told| told.1 == "refused");
            told.map(|told| (told.0, told.3.unwrap())).collect::<Vec<_>>()
        };
        let unlinked = come(&node, "closed", &claims(ground, "s1", "Ann")).await;
        assert!(matches!(unlinked, Err(IdentityError::NotLinked)), "{unlinked:?}");
        let told = refusals().await;
        assert_eq!(told.len(), 1);
        assert_eq!((&*told[0].0, &*told[0].1), ("closed", r#"{"why":"no user is linked to this account"}"#));

        let strange = json!({ "iss": ISSUER, "sub": "s1", "aud": "them", "iat": 1, "exp": 2 });
        assert!(matches!(come(&node, "open", &strange).await, Err(IdentityError::IssuerRefused(_))));
        let good = claims(ground, "s1", "Ann B");
        let made = come(&node, "open", &good).await.unwrap();
        assert!(matches!(come(&node, "open", &good).await, Err(IdentityError::IssuerRefused(_))), "it serves once");
        assert_eq!(refusals().await.len(), 3);

        node.people.set_disabled(&Cause::operator(), made.user.id.clone(), true).await.unwrap();
        let kept_out = come(&node, "open", &claims(ground, "s1", "Ann again")).await;
        assert!(matches!(kept_out, Err(IdentityError::SignInRefused { .. })), "{kept_out:?}");
        let told = refusals().await;
        assert_eq!((told.len(), &told[3].0), (4, &made.user.id));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_come_for_the_first_time_at_once_are_one_user() {
    on_both(async |ground| {
        let node = node(ground).await;
        let come_as = |name: &str| {
            let (people, token) = (node.people.clone(), signed(&claims(ground, "s1", name)));
            tokio::spawn(
                async move { people.take_credential(&facts(HERE, None), "open", &token, Came::default()).await },
            )
        };
        let (one, other) = if ground.shared() {
            // Both have found that nobody has the account, and made a user, before either links it.
            let lock = "LOCK TABLE external_identities IN SHARE MODE";
            let held = Held::after(ground, move |tx| tx.execute(lock, &[]).map(drop)).await;
            let both = (come_as("Ann"), come_as("Ann B"));
            until_waiting(ground, 2).await;
            held.commit().await;
            both
        } else {
            (come_as("Ann"), come_as("Ann B"))
        };
        let mut ids = Vec::new();
        for step in [one.await.unwrap().unwrap(), other.await.unwrap().unwrap()] {
            let SignInStep::SignedIn(signed_in) = step else { panic!("nobody here has a second factor") };
            ids.push(signed_in.user.id);
        }
        assert_eq!(ids[0], ids[1]);
        assert_eq!(number(ground, "SELECT COUNT(*) FROM users").await, 1, "nobody without an account is left behind");
    })
    .await;
}
