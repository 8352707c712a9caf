//! Whether the time of a refusal tells who exists and how a password is kept, measured with the real clock. It takes a quarter of an
//! hour where nothing else runs, so it is ignored by default: `cargo xtask bench sign-in`.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement reads the time and prints what it found"
)]

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use seawall_core::{
    clock::{Clock, Now},
    facts::Facts,
    meter::NoMeter,
    settings::{Raw, Values},
};
use seawall_identity::{
    IdentitySettings, LEDGER, SECTION,
    attempts::AttemptsKey,
    people::{NewUser, People, PeopleParts, SignIn},
};
use seawall_store::{
    Cause, DatabaseUrl, Db, Options, StoreError, Surroundings, Tx, cache::Caches, messages::Messages, migration,
};

use crate::support::{PASSWORD, facts};

/// Of all kinds together.
const SAMPLES: usize = 2_000;

/// Refusals of each format before the first sample: the floor follows the last 128 verifications of each (`password/floor.rs`), and has
/// settled once it has seen as many.
const SETTLING: usize = 128;

const KINDS: [&str; 4] = ["argon2", "bcrypt", "nobody", "no one"];

/// Of a password that nobody tries.
const BCRYPT: &str = "$2b$12$GVtnnOhI8L2gJTq6bDI4CuMrhpJ9oNPQiEqHLHvLMkHSiIIZHlJ9q";

#[derive(Debug)]
struct SystemClock(Instant);

impl Clock for SystemClock {
    fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let us = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        Now { monotonic_us: us(self.0.elapsed()), unix_us: us(wall) }
    }
}

/// As many users of both kinds as there are samples of each, and refusals before: an attempt at each name, from a place of its own, is held up by no layer.
async fn people(directory: &std::path::Path) -> People {
    let clock = Arc::new(SystemClock(Instant::now()));
    let surroundings = Surroundings { clock: Arc::clone(&clock) as _, meter: &NoMeter };
    let url = DatabaseUrl::Sqlite(directory.join("store.db"));
    let db = Db::open(&url, &Options::default(), &surroundings).unwrap();
    migration::up(&db, &[&seawall_store::LEDGER, &LEDGER], |_| {}).await.unwrap();
    let caches = Caches::new(Messages::in_process(&NoMeter), Arc::clone(&clock) as _, Arc::new(NoMeter));
    let people = People::new(PeopleParts {
        db: db.clone(),
        caches: &caches,
        settings: IdentitySettings::read(&Values::defaults(&SECTION).with("enabled", Raw::Flag(true))).unwrap(),
        key: AttemptsKey::of(&"key".to_owned().into()),
        clock,
        meter: Arc::new(NoMeter),
    })
    .unwrap();
    let password = Some(PASSWORD.to_owned().into());
    let first = NewUser { name: "first".to_owned(), email: None, roles: Vec::new(), password };
    people.add(&Cause::operator(), first).await.unwrap();
    let fill = |tx: &mut Tx<'_>| {
        let (argon2,): (String,) = tx.one("SELECT password_hash FROM users", &[])?;
        for number in 0..SAMPLES.div_ceil(KINDS.len()) + SETTLING {
            for (kind, hash) in [(KINDS[0], &*argon2), (KINDS[1], BCRYPT)] {
                let (id, name) = (tx.fresh_id()?, format!("{kind} {number}"));
                tx.execute(
                    "INSERT INTO users (id, name, name_key, password_hash, created_at) VALUES ($1, $2, $2, $3, 0)",
                    &[&id, &name, &hash],
                )?;
            }
        }
        Ok(())
    };
    db.write::<_, StoreError>(&Cause::system("test"), fill).await.unwrap();
    people
}

/// How long a refusal takes, in milliseconds.
async fn refusal(people: &People, name: String, facts: &Facts) -> f64 {
    let asked = SignIn { name, password: "a wrong password".to_owned().into(), user_agent: None, device: None };
    let begun = Instant::now();
    assert!(people.sign_in(facts, asked).await.is_err());
    begun.elapsed().as_secs_f64() * 1e3
}

fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |place: usize| *sorted.get(place).unwrap();
    f64::midpoint(at(sorted.len() / 2), at((sorted.len() - 1) / 2))
}

/// How likely samples of one distribution are this far apart, by their ranks (Mann and Whitney's U, two-sided, normal approximation).
fn likelihood(one: &[f64], other: &[f64]) -> f64 {
    let mut all: Vec<(f64, bool)> =
        one.iter().map(|time| (*time, true)).chain(other.iter().map(|time| (*time, false))).collect();
    all.sort_by(|left, right| left.0.total_cmp(&right.0));
    let ranks: f64 = (1_u32..).zip(&all).filter(|(_, (_, first))| *first).map(|(rank, _)| f64::from(rank)).sum();
    let count = |samples: &[f64]| f64::from(u32::try_from(samples.len()).unwrap());
    let (m, n) = (count(one), count(other));
    let u = ranks - m * (m + 1.0) / 2.0;
    let z = (u - m * n / 2.0).abs() / (m * n * (m + n + 1.0) / 12.0).sqrt();
    2.0 * upper_tail(z)
}

/// The normal distribution above z (Abramowitz and Stegun 26.2.17).
fn upper_tail(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z);
    let series =
        t * (0.319_381_530 + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt() * series
}

#[test]
fn the_statistic_tells_what_differs_from_what_does_not() {
    let low: Vec<f64> = (0..100).map(|number| f64::from(number * 37 % 101)).collect();
    let alike: Vec<f64> = (0..100).map(|number| f64::from(number * 53 % 101) + 0.5).collect();
    let later: Vec<f64> = alike.iter().map(|time| time + 20.0).collect();
    assert!(likelihood(&low, &alike) > 0.5);
    assert!(likelihood(&low, &later) < 0.001);
    assert!((2.0 * upper_tail(1.959_964) - 0.05).abs() < 1e-4);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it takes a quarter of an hour and more: cargo xtask bench sign-in"]
async fn the_time_of_a_refusal_tells_neither_who_exists_nor_how_a_password_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let people = people(directory.path()).await;
    for number in 0..SETTLING {
        for (place, kind) in [KINDS[0], KINDS[1]].into_iter().enumerate() {
            let from = facts(&format!("10.{place}.{}.{}", number / 250, number % 250), None);
            refusal(&people, format!("{kind} {}", SAMPLES.div_ceil(KINDS.len()) + number), &from).await;
        }
    }
    let mut times: [Vec<f64>; KINDS.len()] = Default::default();
    for sample in 0..SAMPLES {
        // In turns that begin with another kind each.
        let (round, place) = (sample / KINDS.len(), sample % KINDS.len());
        let kind = (round + place) % KINDS.len();
        let from = facts(&format!("10.9.{}.{}", sample / 250, sample % 250), None);
        times[kind].push(refusal(&people, format!("{} {round}", KINDS[kind]), &from).await);
    }
    let mut found = Vec::new();
    // The last pair is of one kind: what it shows is chance.
    for (one, other) in [(0, 2), (1, 2), (0, 1), (3, 2)] {
        let (apart, p) = (median(&times[one]) - median(&times[other]), likelihood(&times[one], &times[other]));
        println!("{:<8} {:<8} medians {apart:+.2} ms apart   p = {p:.3}", KINDS[one], KINDS[other]);
        found.push(p);
    }
    assert!(found.iter().all(|p| *p > 0.01), "{found:?}");
}
