//! Imports: what becomes of rows, on both engines.

use std::collections::BTreeMap;

use seawall_core::principal::{Revoked, Role};
use seawall_identity::{
    IdentityError,
    import::{Batch, BatchReport, Existing, ImportError, ImportOptions, ImportRow},
    password::Stored,
};
use seawall_store::{Cause, Lane, StoreError};

use crate::{
    fixtures,
    support::{Ground, Node, facts, on_both},
};

fn row(line: usize, name: &str, password: &str) -> ImportRow {
    ImportRow {
        position: format!("{line}:{line}"),
        place: format!("line {line}"),
        name: Some(name.to_owned()),
        email: None,
        password: Some(password.to_owned()),
        roles: None,
        id: Some(format!("old-{line}")),
        disabled: None,
        fault: None,
    }
}

fn batch(from: &str, to: &str, rows: Vec<ImportRow>) -> Batch {
    Batch { from: from.to_owned(), to: to.to_owned(), options: ImportOptions::default(), rows }
}

async fn begin(node: &Node, again: bool) -> seawall_identity::import::Progress {
    node.people.begin_import(&Cause::operator(), "source".to_owned(), "users.csv".to_owned(), again).await.unwrap()
}

async fn import(node: &Node, id: &str, batch: Batch) -> Result<BatchReport, ImportError> {
    node.people.import(&Cause::operator(), id.to_owned(), batch).await
}

async fn texts(ground: &Ground, sql: &'static str) -> Vec<String> {
    let rows: Vec<(String,)> =
        ground.db.read::<_, StoreError>(Lane::Interactive, move |tx| tx.all(sql, &[])).await.unwrap();
    rows.into_iter().map(|(text,)| text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn st_1_users_of_every_format_are_imported_and_sign_in_with_the_passwords_they_had() {
    on_both(async |ground| {
        let node = ground.people().await;
        let mut each: BTreeMap<&str, fixtures::Fixture> = BTreeMap::new();
        for fixture in fixtures::all().into_iter().filter(|fixture| !fixture.password.is_empty()) {
            each.entry(fixture.format).or_insert(fixture);
        }
        assert!(each.len() > 30, "{}", each.len());
        let rows = each.values().enumerate().map(|(line, fixture)| row(line, fixture.format, fixture.stored)).collect();
        let begun = begin(&node, false).await;
        let report = import(&node, &begun.id, batch("", "end", rows)).await.unwrap();
        assert_eq!((report.added, report.rejected.len()), (each.len() as u64, 0));
        assert_eq!(report.formats.iter().map(|count| count.rows).sum::<u64>(), report.added);
        node.people.finish_import(&Cause::operator(), begun.id).await.unwrap();
        for text in texts(ground, "SELECT password_hash FROM users").await {
            assert!(!Stored::parse(&text).unwrap().fast(), "plaintext and fast hashes are not kept");
        }
        for fixture in each.values() {
            let refused = node.try_sign_in(fixture.format, "another password", "192.0.2.7").await;
            assert!(refused.is_err(), "{fixture:?}");
            let signed_in = node.try_sign_in(fixture.format, fixture.password, "192.0.2.1").await;
            assert!(signed_in.is_ok(), "{fixture:?}: {signed_in:?}");
        }
        for text in texts(ground, "SELECT password_hash FROM users").await {
            assert!(text.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "not upgraded at sign-in: {text}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_and_where_the_import_is_are_one_transaction() {
    const BCRYPT: &str = "$2b$04$GVtnnOhI8L2gJTq6bDI4CuMrhpJ9oNPQiEqHLHvLMkHSiIIZHlJ9q";
    on_both(async |ground| {
        let node = ground.people().await;
        let begun = begin(&node, false).await;
        let first = || batch("", "1", vec![row(1, "ann", BCRYPT)]);
        import(&node, &begun.id, first()).await.unwrap();
        // The answer was lost, and the same batch comes again.
        assert!(matches!(import(&node, &begun.id, first()).await, Err(ImportError::Moved)));
        assert_eq!(begin(&node, false).await.position, "1");
        let rest = batch(
            "1",
            "2",
            vec![row(2, "ANN", BCRYPT), row(1, "eve", BCRYPT), row(4, "bob", "nonsense"), row(5, "cid", "!")],
        );
        let report = import(&node, &begun.id, rest).await.unwrap();
        let rejected: Vec<(&str, &str)> =
            report.rejected.iter().map(|one| (one.place.as_str(), one.field.as_str())).collect();
        assert_eq!(rejected, [("line 4", "password"), ("line 2", "name"), ("line 1", "id")]);
        assert_eq!((report.added, report.without_password), (1, 1));
        let sum = node.people.finish_import(&Cause::operator(), begun.id.clone()).await.unwrap();
        assert_eq!((sum.seen, sum.added, sum.rejected), (5, 2, 3));
        assert_eq!(node.people.import_rejects(begun.id.clone(), 1, 10).await.unwrap(), report.rejected[1..]);
        assert_eq!(node.people.import_rejects(begun.id.clone(), 4, 10).await.unwrap(), [], "there are no more");
        let unknown = node.people.import_rejects("unknown".to_owned(), 0, 10).await;
        assert!(matches!(unknown, Err(ImportError::NoImport(_))), "{unknown:?}");
        let ids = node.people.foreign_ids(Default::default(), 10).await.unwrap();
        assert_eq!(ids.iter().map(|one| one.foreign_id.as_str()).collect::<Vec<_>>(), ["old-1", "old-5"]);
        let audited = texts(ground, "SELECT after FROM audit_log WHERE action = 'import.batch' ORDER BY id").await;
        assert!(audited.len() == 2 && ids.iter().all(|one| audited.concat().contains(&one.user)), "{audited:?}");
        let everything = texts(ground, "SELECT reason FROM import_rejects").await.concat() + &audited.concat();
        assert!(!everything.contains("nonsense") && !everything.contains(BCRYPT));

        // Begun anew, nothing is doubled, and what there is may be brought up to date.
        assert_eq!(begin(&node, true).await.position, "");
        let report = import(&node, &begun.id, first()).await.unwrap();
        assert_eq!((report.added, report.skipped), (0, 1));
        let mut changed = row(1, "ann", BCRYPT);
        changed.roles = Some(vec!["admin".to_owned()]);
        let options = ImportOptions { existing: Existing::Update, ..ImportOptions::default() };
        begin(&node, true).await;
        let report = import(&node, &begun.id, Batch { options, ..batch("", "1", vec![changed]) }).await.unwrap();
        assert_eq!(report.updated, 1);
        assert_eq!(node.people.find("ann").await.unwrap().roles, [Role::parse("admin").unwrap()]);
        assert_eq!(texts(ground, "SELECT name FROM users ORDER BY name").await, ["ann", "cid"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_writes_nothing() {
    on_both(async |ground| {
        let node = ground.people().await;
        let rows = vec![row(1, "ann", "plain:correct horse 7"), row(2, "", "plain:x")];
        let report = node.people.try_import(batch("", "2", rows)).await.unwrap();
        assert_eq!((report.added, report.rejected.len(), report.formats[0].wrapped), (1, 1, 1));
        assert!(node.people.list(None, 1).await.unwrap().is_empty());
        assert!(texts(ground, "SELECT id FROM imports").await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_import_changes_means_what_it_means_elsewhere() {
    const BCRYPT: &str = "$2b$04$GVtnnOhI8L2gJTq6bDI4CuMrhpJ9oNPQiEqHLHvLMkHSiIIZHlJ9q";
    on_both(async |ground| {
        let node = ground.people().await;
        let ann = node.add("ann", &["admin"]).await;
        let begun = begin(&node, false).await;
        let update = async |change: &dyn Fn(&mut ImportRow)| {
            begin(&node, true).await;
            let mut ann = ImportRow { password: None, ..row(1, "ann", "") };
            change(&mut ann);
            let options = ImportOptions { existing: Existing::Update, ..ImportOptions::default() };
            let report = import(&node, &begun.id, Batch { options, ..batch("", "1", vec![ann]) }).await.unwrap();
            assert_eq!(report.updated, 1);
        };
        let told = || node.heard().iter().filter(|one| **one == Revoked::Principal(ann.id.as_str().into())).count();
        let holds =
            async |token: &str| node.people.reset(&facts("192.0.2.1", None), token, "short".to_owned().into()).await;
        let offer = async || node.people.offer_reset(&Cause::operator(), "ann".to_owned()).await.unwrap();
        let refused = |outcome: Result<(), IdentityError>| matches!(outcome, Err(IdentityError::ResetRefused));

        let (signed_in, given) = (node.sign_in("ann").await, offer().await);
        update(&|row| row.roles = Some(Vec::new())).await;
        assert_eq!(told(), 1, "a role is lost, and open sockets close");
        assert!(node.whose(signed_in.token.expose()).await.unwrap().roles.is_empty());
        assert!(!refused(holds(given.token.expose()).await), "the link is still good");
        update(&|row| row.email = Some("ann@example.org".to_owned())).await;
        assert!(refused(holds(given.token.expose()).await), "another address voids links");
        assert!(node.whose(signed_in.token.expose()).await.is_some());

        let given = offer().await;
        update(&|row| row.password = Some(BCRYPT.to_owned())).await;
        assert_eq!(node.whose(signed_in.token.expose()).await, None, "another hash ends sessions");
        assert!(refused(holds(given.token.expose()).await));
        let given = offer().await;
        update(&|row| row.password = Some(BCRYPT.to_owned())).await;
        assert!(!refused(holds(given.token.expose()).await), "the same hash again is no change");
    })
    .await;
}
