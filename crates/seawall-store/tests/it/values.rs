//! Values, parameters and rows.

use seawall_store::{FromRow, Lane, Row, StoreError, Value, like};

use crate::support::{CAUSE, INSERT, Store, on_both};

async fn kinds(store: &Store) {
    store
        .table(
            "CREATE TABLE kinds (id INTEGER PRIMARY KEY, flag INTEGER, whole INTEGER, part REAL, words TEXT, raw BLOB) STRICT",
            "CREATE TABLE kinds (id BIGINT PRIMARY KEY, flag BOOLEAN, whole BIGINT, part DOUBLE PRECISION, words TEXT, raw BYTEA)",
        )
        .await;
}

#[derive(Clone, Debug, PartialEq)]
struct Kinds {
    flag: Option<bool>,
    whole: Option<i64>,
    part: Option<f64>,
    words: Option<String>,
    raw: Option<Vec<u8>>,
}

impl FromRow for Kinds {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            flag: row.get("flag")?,
            whole: row.get("whole")?,
            part: row.get("part")?,
            words: row.get("words")?,
            raw: row.get("raw")?,
        })
    }
}

#[tokio::test]
async fn every_kind_of_value_comes_back_as_it_went() {
    on_both(async |store| {
        kinds(store).await;
        let none = Kinds { flag: None, whole: None, part: None, words: None, raw: None };
        let of = |flag, whole, part, words: &str, raw: &[u8]| Kinds {
            flag: Some(flag),
            whole: Some(whole),
            part: Some(part),
            words: Some(words.to_owned()),
            raw: Some(raw.to_owned()),
        };
        let all = vec![
            none,
            of(false, i64::MIN, f64::MIN_POSITIVE, "", b""),
            of(true, i64::MAX, -0.1, "a'b\"\\\n\u{1F980}\u{1}", b"\0\xff'\\"),
        ];
        let sent = all.clone();
        let back: Vec<Kinds> = store
            .db
            .write(&CAUSE, move |tx| -> Result<_, StoreError> {
                for (id, row) in (0_i64..).zip(&sent) {
                    let Kinds { flag, whole, part, words, raw } = row;
                    tx.execute(
                        "INSERT INTO kinds (id, flag, whole, part, words, raw) VALUES ($1, $2, $3, $4, $5, $6)",
                        &[&id, flag, whole, part, words, raw],
                    )?;
                }
                tx.all("SELECT flag, whole, part, words, raw FROM kinds ORDER BY id", &[])
            })
            .await
            .unwrap();
        assert_eq!(back, all, "{}", store.name());
    })
    .await;
}

#[tokio::test]
async fn a_truth_value_and_a_number_stand_for_one_another() {
    on_both(async |store| {
        kinds(store).await;
        let row: (bool, i64, i64) = store
            .db
            .write(&CAUSE, |tx| -> Result<_, StoreError> {
                tx.execute("INSERT INTO kinds (id, flag, whole) VALUES ($1, $2, $3)", &[&1_i64, &1_i64, &true])?;
                tx.one("SELECT flag, whole, id FROM kinds WHERE flag", &[])
            })
            .await
            .unwrap();
        assert_eq!(row, (true, 1, 1), "{}", store.name());
    })
    .await;
}

#[tokio::test]
async fn text_with_a_zero_character_is_refused() {
    on_both(async |store| {
        store.things().await;
        let outcome = store.db.write(&CAUSE, |tx| tx.execute(INSERT, &[&"a\0b", &1_i64])).await;
        assert_eq!(outcome, Err(StoreError::Unstorable { parameter: 1 }), "{}", store.name());
    })
    .await;
}

#[tokio::test]
async fn parameters_are_taken_by_their_numbers() {
    on_both(async |store| {
        store.things().await;
        let sql = "INSERT INTO things (number, id) VALUES ($2, $1)";
        store.db.write(&CAUSE, move |tx| tx.execute(sql, &[&"a", &7_i64])).await.unwrap();
        assert_eq!(store.number("a").await, Some(7), "{}", store.name());
    })
    .await;
}

#[tokio::test]
async fn a_wrong_number_of_parameters_is_an_error() {
    on_both(async |store| {
        store.things().await;
        for many in [0, 1, 3] {
            let outcome = store
                .db
                .write(&CAUSE, move |tx| {
                    let parameters: [&dyn seawall_store::ToValue; 3] = [&"a", &1_i64, &2_i64];
                    tx.execute(INSERT, &parameters[..many])
                })
                .await;
            let Err(StoreError::Statement(message)) = outcome else { panic!("{}: {outcome:?}", store.name()) };
            assert!(message.contains(&format!("{many} were given")), "{message}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_parameter_that_is_left_out_is_an_error() {
    on_both(async |store| {
        store.things().await;
        let sql = "UPDATE things SET number = $2";
        let outcome = store.db.write(&CAUSE, move |tx| tx.execute(sql, &[&1_i64, &1_i64])).await;
        assert!(matches!(outcome, Err(StoreError::Statement(_))), "{}: {outcome:?}", store.name());
    })
    .await;
}

#[tokio::test]
async fn rows_say_which_column_is_wrong() {
    on_both(async |store| {
        store.things().await;
        store.add("a", 7).await.unwrap();
        let read = async |sql: &'static str| -> Result<(), StoreError> {
            store.db.read(Lane::Interactive, move |tx| tx.each(sql, &[], |row| row.get::<i64>("id").map(drop))).await
        };
        let wrong = |found| Err(StoreError::Column { column: "id".to_owned(), found, expected: "a whole number" });
        assert_eq!(read("SELECT number AS id FROM things").await, Ok(()));
        assert_eq!(read("SELECT id, number FROM things").await, wrong("text"));
        assert_eq!(read("SELECT CAST(NULL AS BIGINT) AS id FROM things").await, wrong("NULL"));
        let missing = StoreError::Column { column: "id".to_owned(), found: "no such column", expected: "a column" };
        assert_eq!(read("SELECT number FROM things").await, Err(missing));
        let one: Result<(i64,), StoreError> =
            store.db.read(Lane::Interactive, |tx| tx.one("SELECT number FROM things WHERE id = $1", &[&"b"])).await;
        assert_eq!(one, Err(StoreError::NoRow));
    })
    .await;
}

#[tokio::test]
async fn rows_are_shown_with_names_and_values() {
    on_both(async |store| {
        store.things().await;
        store.add("a", 7).await.unwrap();
        let seen = store
            .db
            .read(Lane::Background, |tx| -> Result<_, StoreError> {
                let mut seen = Vec::new();
                tx.each("SELECT id, number, NULL AS missing FROM things", &[], |row| {
                    assert_eq!((row.width(), row.name(1), row.name(3)), (3, Some("number"), None));
                    assert_eq!(row.value(1)?, Value::Integer(7));
                    assert_eq!(row.value(2)?, Value::Null);
                    assert!(row.value(3).is_err());
                    seen.push(row.at::<String>(0)?);
                    Ok(())
                })?;
                Ok(seen)
            })
            .await;
        assert_eq!(seen, Ok(vec!["a".to_owned()]), "{}", store.name());
    })
    .await;
}

#[tokio::test]
async fn more_rows_than_come_at_once_keep_their_order() {
    on_both(async |store| {
        let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i FROM n ORDER BY i";
        let rows: Vec<(i64,)> =
            store.db.read(Lane::Interactive, move |tx| tx.all::<(i64,)>(sql, &[])).await.unwrap();
        assert!(rows.iter().map(|&(i,)| i).eq(1..=20_000), "{}", store.name());
    })
    .await;
}

#[tokio::test]
async fn returning_and_on_conflict_work() {
    on_both(async |store| {
        store.things().await;
        let sql = "INSERT INTO things (id, number) VALUES ($1, $2)
            ON CONFLICT (id) DO UPDATE SET number = things.number + excluded.number RETURNING number";
        for expected in [3, 6] {
            let number: (i64,) = store.db.write(&CAUSE, move |tx| tx.one(sql, &[&"a", &3_i64])).await.unwrap();
            assert_eq!(number, (expected,), "{}", store.name());
        }
        let ignored = "INSERT INTO things (id, number) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        let changed = store.db.write(&CAUSE, move |tx| tx.execute(ignored, &[&"a", &9_i64])).await;
        assert_eq!(changed, Ok::<_, StoreError>(0));
        // Rows that nobody looks at are a mistake.
        let outcome = store.db.write(&CAUSE, move |tx| tx.execute(sql, &[&"a", &3_i64])).await;
        assert!(matches!(outcome, Err(StoreError::Statement(_))), "{outcome:?}");
    })
    .await;
}

#[tokio::test]
async fn errors_are_of_the_same_kinds() {
    on_both(async |store| {
        store.things().await;
        store.add("a", 1).await.unwrap();
        let twice = store.add("a", 2).await;
        assert!(matches!(twice, Err(StoreError::Conflict(_))), "{}: {twice:?}", store.name());
        let negative = store.add("b", -4_242).await;
        assert!(matches!(&negative, Err(StoreError::Refused(why)) if !why.contains("4242")), "{negative:?}");
        let nothing = store.db.write(&CAUSE, |tx| tx.execute(INSERT, &[&None::<String>, &1_i64])).await;
        assert!(matches!(nothing, Err(StoreError::Refused(_))), "{}: {nothing:?}", store.name());
        let unknown = store.db.write(&CAUSE, |tx| tx.execute("DELETE FROM nowhere", &[])).await;
        assert!(matches!(unknown, Err(StoreError::Statement(_))), "{}: {unknown:?}", store.name());
        assert_eq!(store.ids().await, ["a"]);
    })
    .await;
}

#[tokio::test]
async fn patterns_find_what_stands_there() {
    on_both(async |store| {
        store.things().await;
        for id in ["50%_\\A", "50%_\\B", "50xyA", "X50%_\\ab"] {
            store.add(id, 1).await.unwrap();
        }
        let find = async |pattern: String| -> Vec<String> {
            let sql = "SELECT id FROM things WHERE lower(id) LIKE $1 ESCAPE '\\' ORDER BY id";
            let rows: Result<Vec<(String,)>, StoreError> =
                store.db.read(Lane::Interactive, move |tx| tx.all(sql, &[&pattern])).await;
            rows.unwrap().into_iter().map(|(id,)| id).collect()
        };
        assert_eq!(find(like::containing("%_\\a")).await, ["50%_\\A", "X50%_\\ab"], "{}", store.name());
        assert_eq!(find(like::beginning("50%")).await, ["50%_\\A", "50%_\\B"], "{}", store.name());
    })
    .await;
}
