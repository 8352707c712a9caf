//! What is kept of a key, and how it is judged when the key comes again.

/// What happens to an attempt when nobody knows whether an earlier one was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// It is sent on: the application bears it twice, or tells by itself.
    Retry,
    /// It is refused, and its caller told.
    Conflict,
}

/// How an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Somebody has a lease for it.
    Begun {
        /// Whether that process lives, as far as anybody knows.
        holder_lives: bool,
        /// When the lease ends, in microseconds.
        until_us: i64,
    },
    /// It was sent on, and what came of it will never be known.
    Abandoned,
    /// It was answered.
    Completed,
}

/// What is kept of a key, as a store finds it. Times are microseconds of one clock, the store's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Whether it is kept for the same request.
    pub same_request: bool,
    /// How the attempt stands.
    pub standing: Standing,
    /// When it began.
    pub begun_at_us: i64,
    /// When it is forgotten.
    pub expires_at_us: i64,
}

/// What an attempt with a key that is known comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The key is forgotten: it begins anew.
    Forgotten,
    /// The outcome of an earlier attempt is unknown, and it is tried again.
    Again,
    /// The key was used for another request.
    Mismatch,
    /// Another attempt is being carried out, since so many microseconds.
    InFlight {
        /// How long it has been.
        for_us: u64,
    },
    /// Nobody knows whether an earlier attempt was carried out.
    Unknown,
    /// It was answered.
    Completed,
}

/// Judges what is kept of a key, at a time of the store's clock.
///
/// Invariant: whatever is in somebody's hands is neither forgotten nor begun again.
#[must_use]
pub const fn judge(found: &Found, unknown: Unknown, now_us: i64) -> Judgement {
    let in_hands = matches!(found.standing, Standing::Begun { holder_lives: true, until_us } if now_us < until_us);
    if !in_hands && found.expires_at_us <= now_us {
        return Judgement::Forgotten;
    }
    if !found.same_request {
        return Judgement::Mismatch;
    }
    match found.standing {
        Standing::Completed => Judgement::Completed,
        Standing::Begun { .. } if in_hands => {
            // A clock that was set back makes it young, not negative.
            let for_us = now_us.saturating_sub(found.begun_at_us);
            Judgement::InFlight { for_us: if for_us > 0 { for_us.cast_unsigned() } else { 0 } }
        }
        Standing::Begun { .. } | Standing::Abandoned => match unknown {
            Unknown::Retry => Judgement::Again,
            Unknown::Conflict => Judgement::Unknown,
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn standing() -> impl Strategy<Value = Standing> {
        prop_oneof![
            (any::<bool>(), 0_i64..100).prop_map(|(holder_lives, until_us)| Standing::Begun { holder_lives, until_us }),
            Just(Standing::Abandoned),
            Just(Standing::Completed),
        ]
    }

    fn found() -> impl Strategy<Value = Found> {
        (any::<bool>(), standing(), 0_i64..100, 0_i64..100).prop_map(
            |(same_request, standing, begun_at_us, expires_at_us)| Found {
                same_request,
                standing,
                begun_at_us,
                expires_at_us,
            },
        )
    }

    fn sent_on(judgement: Judgement) -> bool {
        matches!(judgement, Judgement::Forgotten | Judgement::Again)
    }

    proptest! {
        #[test]
        fn what_is_in_somebodys_hands_is_never_sent_on_again(found in found(), now in 0_i64..100) {
            if let Standing::Begun { holder_lives: true, until_us } = found.standing && now < until_us {
                for unknown in [Unknown::Retry, Unknown::Conflict] {
                    prop_assert!(!sent_on(judge(&found, unknown, now)));
                }
            }
        }

        #[test]
        fn what_may_have_been_carried_out_is_sent_on_only_where_the_route_says_so(found in found(), now in 0_i64..100) {
            let kept = found.expires_at_us > now;
            prop_assert!(!(kept && sent_on(judge(&found, Unknown::Conflict, now))));
            if kept && found.standing == Standing::Completed {
                prop_assert!(!sent_on(judge(&found, Unknown::Retry, now)), "what was answered is never sent on");
            }
        }

        #[test]
        fn another_request_learns_nothing_of_the_first(found in found(), now in 0_i64..100) {
            let other = Found { same_request: false, ..found };
            for unknown in [Unknown::Retry, Unknown::Conflict] {
                prop_assert!(matches!(judge(&other, unknown, now), Judgement::Mismatch | Judgement::Forgotten));
            }
        }

        #[test]
        fn the_routes_wish_matters_for_unknown_outcomes_alone(found in found(), now in 0_i64..100) {
            let (retry, conflict) = (judge(&found, Unknown::Retry, now), judge(&found, Unknown::Conflict, now));
            prop_assert!(retry == conflict || (retry, conflict) == (Judgement::Again, Judgement::Unknown));
        }
    }

    #[test]
    fn a_lease_whose_holder_died_or_that_ended_is_an_unknown_outcome() {
        let begun = |holder_lives, until_us| Found {
            same_request: true,
            standing: Standing::Begun { holder_lives, until_us },
            begun_at_us: 10,
            expires_at_us: 1_000,
        };
        assert_eq!(judge(&begun(true, 100), Unknown::Conflict, 60), Judgement::InFlight { for_us: 50 });
        assert_eq!(judge(&begun(true, 100), Unknown::Conflict, 5), Judgement::InFlight { for_us: 0 });
        assert_eq!(judge(&begun(true, 100), Unknown::Conflict, 100), Judgement::Unknown);
        assert_eq!(judge(&begun(false, 100), Unknown::Conflict, 60), Judgement::Unknown);
        assert_eq!(judge(&begun(false, 100), Unknown::Retry, 60), Judgement::Again);
        assert_eq!(judge(&begun(false, 100), Unknown::Retry, 1_000), Judgement::Forgotten);
    }
}
