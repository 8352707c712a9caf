//! The decision on which version a request is for.

use http::{
    HeaderValue, StatusCode,
    header::{ACCEPT, VARY},
};
use seawall_core::{
    meter::Meter,
    problem::{Fault, Problem, ProblemType, Severity},
    settings::{BadSetting, Values},
};

use super::{
    Callers, Reading, Who,
    config::{AFTER_SUNSET, AfterSunset, BELOW, BY, DEFAULT, REQUIRED},
    reading::{self, Named},
    version::Version,
};
use crate::{AnswerHead, Context, Guard, Head, Needs, Shared, Verdict};

/// The request names a version that there is not, or none at all.
pub static UNKNOWN: ProblemType = ProblemType {
    slug: "api-version-unknown",
    code: "API_VERSION_UNKNOWN",
    status: StatusCode::BAD_REQUEST,
    title: "There is no such version of this API",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Low,
    documentation: "The request names a version of the API that there is not, two at once, or none where one is asked for; the detail lists those \
        there are. With versions in the path the status is 404.\n\nFor the operator: `[versions]` says where a request names its version, \
        `[versions.NAME]` which there are.",
};

/// The version has ended.
pub static GONE: ProblemType = ProblemType {
    slug: "api-version-gone",
    code: "API_VERSION_GONE",
    status: StatusCode::GONE,
    title: "This version of the API has ended",
    retryable: false,
    fault: Fault::Client,
    severity: Severity::Medium,
    documentation: "The version of the API that the request is for has ended, on the day that its answers had told in `Sunset`. The detail says what to use \
        instead.\n\nFor the operator: the day is `sunset` of `[versions.NAME]`; `after_sunset = \"serve\"` in `[versions]` serves it on. \
        `/api/versions` of the admin interface tells who still asks for it.",
};

/// The most versions there can be.
const MOST: usize = 64;

/// Finds out which version a request is for.
#[derive(Debug)]
pub struct VersionsGuard {
    reading: Reading,
    below: Vec<String>,
    versions: Vec<Version>,
    default: Option<usize>,
    required: bool,
    after_sunset: AfterSunset,
    callers: Callers,
    vary: Option<HeaderValue>,
    known: String,
}

impl VersionsGuard {
    /// Reads the settings of the section and of each version; nothing when versions are the application's own business.
    ///
    /// # Errors
    /// [`BadSetting`] when versions are named that there are not.
    pub fn read(values: &Values, entries: &[(String, Values)], shared: &Shared) -> Result<Option<Self>, BadSetting> {
        let bad = |key, reason: &str| Err(BadSetting { key, reason: reason.to_owned() });
        let Some(reading) = values.find(&BY)? else {
            if entries.is_empty() {
                return Ok(None);
            }
            return bad(BY.key(), "there are versions, but not where a request names one; write `by = \"path\"`");
        };
        match entries.len() {
            0 => return bad(BY.key(), "there are no versions; write a table for each, such as `[versions.v1]`"),
            1..=MOST => {}
            _ => return bad(BY.key(), "there are more than 64 versions"),
        }
        let names = || entries.iter().map(|(name, _)| name.as_str());
        let below: Vec<_> = segments(&values.get(&BELOW)?);
        let address = |successor: &str| match names().find(|name| *name == successor) {
            Some(name) if reading == Reading::Path => Ok(Some(path_of(&below, name))),
            Some(_) => Ok(None),
            None if successor.contains('/') => Ok(Some(successor.to_owned())),
            None => Err(format!("\"{successor}\" is none of the versions, and no address")),
        };
        let meter: &dyn Meter = &*shared.meter;
        let versions = entries.iter().map(|(name, values)| Version::read(name, values, meter, address));
        let default = match values.find(&DEFAULT)? {
            Some(default) => match names().position(|name| name == default) {
                Some(place) => Some(place),
                None => return bad(DEFAULT.key(), "it is none of the versions"),
            },
            None => None,
        };
        Ok(Some(Self {
            vary: match &reading {
                Reading::Path => None,
                Reading::Header(name) => Some(HeaderValue::from_name(name.clone())),
                Reading::MediaType => Some(HeaderValue::from_name(ACCEPT)),
            },
            known: format!("There are these versions: {}.", names().collect::<Vec<_>>().join(", ")),
            versions: versions.collect::<Result<_, _>>()?,
            reading,
            below,
            default,
            required: values.get(&REQUIRED)?,
            after_sunset: values.get(&AFTER_SUNSET)?,
            callers: shared.callers.clone(),
        }))
    }

    /// The place of the version; nothing when the request names none and needs none.
    fn find(&self, head: &Head) -> Result<Option<usize>, Wrong> {
        let unnamed = || match self.default {
            Some(default) => Ok(Some(default)),
            None if self.required => Err(Wrong::Unnamed),
            None => Ok(None),
        };
        match self.reading.named(head, &self.below) {
            Named::Nothing => unnamed(),
            Named::Version(named) => {
                let place = self.versions.iter().position(|version| version.is_named(named));
                place.map(Some).ok_or(Wrong::Unlisted)
            }
            // A number alone is the application's: `/1` is no version.
            Named::Segment(named) => match self.versions.iter().position(|version| version.is_spelled(named)) {
                Some(place) => Ok(Some(place)),
                None if reading::looks_like_one(named) => Err(Wrong::Unlisted),
                None => unnamed(),
            },
            Named::Ambiguous => Err(Wrong::Twice),
        }
    }

    fn refusal(&self, wrong: Wrong) -> Problem {
        let what = match wrong {
            Wrong::Unlisted => "",
            Wrong::Unnamed => "The request names no version. ",
            Wrong::Twice => "The request names two versions. ",
        };
        let problem = Problem::new(&UNKNOWN).detail(format!("{what}{}", self.known));
        if self.reading == Reading::Path { problem.with_status(StatusCode::NOT_FOUND) } else { problem }
    }
}

/// What is wrong with how a request names its version.
#[derive(Clone, Copy, Debug)]
enum Wrong {
    /// There is no such version.
    Unlisted,
    /// It names none.
    Unnamed,
    /// It names two.
    Twice,
}

impl Guard for VersionsGuard {
    fn head(&self, head: &mut Head, context: &mut Context) -> Verdict {
        let place = match self.find(head) {
            Ok(place) => place,
            Err(wrong) => return Verdict::Refuse(Box::new(self.refusal(wrong))),
        };
        let Some(version) = place.and_then(|place| self.versions.get(place)) else { return Verdict::Pass };
        context.version = place;
        version.requests.increment();
        if version.ends {
            let who = match &context.principal {
                Some(principal) => Who::Principal(principal.id.clone()),
                None => Who::Address(context.client),
            };
            self.callers.note(&version.name, who, context.now);
        }
        if self.after_sunset == AfterSunset::Refuse && version.has_ended(context.now) {
            return Verdict::Refuse(Box::new(version.gone()));
        }
        Verdict::Pass
    }

    fn dress(&self, answer: &mut AnswerHead, context: &Context) {
        if let Some(version) = context.version.and_then(|place| self.versions.get(place)) {
            version.dress(answer);
        }
        if let Some(vary) = &self.vary {
            answer.headers.append(VARY, vary.clone());
        }
    }

    fn needs(&self) -> Needs {
        Needs { dresses: true, ..Needs::default() }
    }
}

fn segments(path: &str) -> Vec<String> {
    path.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect()
}

fn path_of(below: &[String], name: &str) -> String {
    let parts = below.iter().map(String::as_str).chain([name]);
    parts.fold(String::new(), |path, part| format!("{path}/{part}"))
}
