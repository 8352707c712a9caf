//! A policy: the prepared guards of one route, run in one loop. Mode, metric and log field are done here, once for all.

use std::sync::Arc;

use http::HeaderName;
use seawall_core::{
    Mode,
    meter::{Handle, Meter, Metric, MetricKind},
    reply::BoxFuture,
};

use super::{
    AnswerHead, Context, End, Guard, GuardEntry, Head, Needs, Settle, Stop, Verdict, Watch,
    phase::{Phase, Phases},
};
use crate::{
    conditional::Current,
    deadline::Deadlines,
    report::{Gauge, Reporter, Reports, SocketReport},
    retry::Retries,
    websocket::{SOCKET_CLOSED, SocketRules},
};

/// Decisions of guards other than to pass.
pub static DECISIONS: Metric = Metric {
    name: "seawall_guard_decisions",
    help: "Requests that a guard refused, answered, or would have refused in report-only mode.",
    kind: MetricKind::Counter,
    labels: &["guard", "route", "decision"],
};

/// So many fields are put on most answers, by all guards together.
const ROOM: usize = 14;

/// One guard of a policy.
#[derive(Clone, Debug)]
pub struct Step {
    pub(super) guard: Arc<dyn Guard>,
    name: &'static str,
    mode: Mode,
    refused: Handle,
    reported: Handle,
    answered: Handle,
    reporter: Option<Reporter>,
}

impl Step {
    /// A guard in a mode. A guard without report-only mode is always enforced.
    #[must_use]
    pub fn new(entry: &GuardEntry, guard: Arc<dyn Guard>, mode: Mode, route: &str, meter: &dyn Meter) -> Self {
        let mode = if entry.report_only == super::ReportOnly::Yes { mode } else { Mode::Enforce };
        // A series for every decision that this guard can come to in this mode, and for no other.
        let series = |decision, possible: bool| {
            if possible && !entry.problems.is_empty() {
                meter.series(&DECISIONS, &[entry.name, route, decision])
            } else {
                Handle::none()
            }
        };
        Self {
            guard,
            name: entry.name,
            mode,
            refused: series("refused", mode == Mode::Enforce),
            reported: series("reported", mode == Mode::Report),
            answered: series("answered", true),
            reporter: None,
        }
    }

    /// Remembers what it would have refused, when it only reports. `settings` is a fingerprint of the guard's settings.
    #[must_use]
    pub fn remembered_by(mut self, reports: &Reports, route: &str, settings: u64) -> Self {
        self.reporter = (self.mode == Mode::Report).then(|| reports.reporter(self.name, route, settings)).flatten();
        self
    }

    /// The guard's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What the policy does with a request the guard would refuse.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }
}

/// The guards of one route. Immutable; a reload replaces it whole, requests in flight keep theirs.
#[derive(Debug)]
pub struct Policy {
    route: Arc<str>,
    pub(super) steps: Box<[Step]>,
    /// How many of the steps run before the route is known.
    entry_steps: usize,
    body: Option<(u64, usize)>,
    /// Whether a guard wants to look at bodies as trees.
    pub(super) tree: bool,
    pub(super) phases: Phases,
    /// Whether a guard remembers what it would have refused.
    remembers: bool,
    deadlines: Deadlines,
    retries: Retries,
    /// What holds for the frames of a WebSocket, and the place of the guard that says so.
    sockets: Option<(Arc<SocketRules>, usize)>,
}

/// How far a request came.
pub enum Flow {
    /// Past all guards that were asked.
    Pass,
    /// No further.
    Stop(Stop),
    /// A guard waits: await the future, then [`Policy::settle`] with this place.
    Later(usize, BoxFuture<'static, Settle>),
}

impl std::fmt::Debug for Flow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Pass => f.write_str("Pass"),
            Self::Stop(stop) => stop.fmt(f),
            Self::Later(place, _) => write!(f, "Later({place})"),
        }
    }
}

impl Policy {
    /// A policy of these steps, of which the first `entry_steps` run before the route is known. Steps beyond the most a
    /// policy can hold are not accepted: nothing.
    #[must_use]
    pub fn new(route: Arc<str>, steps: Vec<Step>, entry_steps: usize) -> Option<Self> {
        (steps.len() <= Phase::MOST).then(|| Self::of(route, steps, entry_steps))
    }

    fn of(route: Arc<str>, steps: Vec<Step>, entry_steps: usize) -> Self {
        let needs = |step: &Step| -> Needs { step.guard.needs() };
        let body = steps.iter().enumerate().find_map(|(place, step)| Some((needs(step).body_limit?, place)));
        let phases = Phases::of(steps.iter().map(|step| &*step.guard));
        let tree = steps.iter().any(|step| needs(step).tree);
        let deadlines = steps.iter().find_map(|step| needs(step).deadlines).unwrap_or_default();
        let sockets = steps.iter().enumerate().find_map(|(place, step)| Some((needs(step).sockets?, place)));
        let retries = steps.iter().find_map(|step| needs(step).retries).unwrap_or_default();
        let remembers = steps.iter().any(|step| step.reporter.is_some());
        Self { route, steps: steps.into(), entry_steps, body, tree, phases, remembers, deadlines, retries, sockets }
    }

    /// A policy of one guard.
    #[must_use]
    pub fn single(route: Arc<str>, step: Step) -> Self {
        Self::of(route, vec![step], 0)
    }

    /// The route's pattern.
    #[must_use]
    pub const fn route(&self) -> &Arc<str> {
        &self.route
    }

    /// The steps, in order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The fields whose requests are carried on although their client leaves.
    pub fn carried_on(&self) -> impl Iterator<Item = HeaderName> + '_ {
        self.steps.iter().filter_map(|step| step.guard.needs().carried_on)
    }

    /// The time limits of an exchange.
    #[must_use]
    pub const fn deadlines(&self) -> &Deadlines {
        &self.deadlines
    }

    /// How a failed request may be sent to the upstream again.
    #[must_use]
    pub const fn retries(&self) -> &Retries {
        &self.retries
    }

    /// What holds for the frames of a WebSocket; nothing when nobody looks at them.
    #[must_use]
    pub fn sockets(&self) -> Option<&Arc<SocketRules>> {
        self.sockets.as_ref().map(|(rules, _)| rules)
    }

    /// Where a socket that this request opens is reported; nothing when its guard enforces, or is not remembered.
    #[must_use]
    pub fn socket_report(&self, context: &Context) -> Option<SocketReport> {
        let (_, place) = self.sockets.as_ref()?;
        self.steps.get(*place)?.reporter.as_ref().map(|reporter| SocketReport::new(reporter, &SOCKET_CLOSED, context))
    }

    /// Asks the guards that come before routing.
    pub fn enter(&self, head: &mut Head, context: &mut Context) -> Flow {
        self.run(0, self.entry_steps, head, context)
    }

    /// Asks the guards that come after routing.
    pub fn head(&self, head: &mut Head, context: &mut Context) -> Flow {
        if self.remembers {
            context.asked = Some(Box::new((head.method.clone(), head.uri.path_and_query().cloned())));
        }
        self.run(self.entry_steps, self.steps.len(), head, context)
    }

    /// Goes on after a wait: asks the guard at `place` again through what it said, then the rest.
    pub fn settle(&self, place: usize, settle: Settle, head: &mut Head, context: &mut Context) -> Flow {
        let verdict = settle(head, context);
        let last = if place < self.entry_steps { self.entry_steps } else { self.steps.len() };
        match self.judged(place, verdict, head, context) {
            Flow::Pass => self.run(place + 1, last, head, context),
            other => other,
        }
    }

    /// A watch for the body, when a guard wants it counted.
    #[must_use]
    pub fn watch(&self) -> Option<Watch> {
        let (limit, place) = self.body?;
        self.steps.get(place).map(|step| Watch::new(limit, step.mode))
    }

    /// What the guard says of a body that passed its limit.
    pub fn body_exceeded(&self, context: &mut Context) -> Option<Stop> {
        let (_, place) = self.body?;
        let stop = self.steps.get(place)?.guard.body(context)?;
        self.stop(place, stop, context)
    }

    /// Records a body that passed its limit while its guard only reports; one that was refused is recorded already.
    pub fn report_body(&self, context: &mut Context) {
        let Some((_, place)) = self.body else { return };
        let told = context.reported & (1 << place) != 0;
        if !told && self.steps.get(place).is_some_and(|step| step.mode == Mode::Report) {
            let _recorded = self.body_exceeded(context);
        }
    }

    /// Tells the guards what was found of the resource that the request changes.
    pub fn current(&self, current: &Current, context: &mut Context) -> Option<Stop> {
        self.steps.iter().enumerate().find_map(|(place, step)| {
            let stop = step.guard.current(current, context)?;
            self.stop(place, stop, context)
        })
    }

    /// Shows the target's answer to the guards, the last first; what one gives takes its place.
    pub fn answer(&self, answer: &mut AnswerHead, context: &mut Context) -> Option<Stop> {
        self.asked(self.phases.answering).rev().find_map(|(place, step)| {
            let stop = step.guard.answer(answer, context)?;
            self.stop(place, stop, context)
        })
    }

    /// Dresses an answer, whoever gave it.
    pub fn dress(&self, answer: &mut AnswerHead, context: &Context) {
        // Room is made once, not each time that the map is full.
        answer.headers.reserve(ROOM);
        for (_, step) in self.asked(self.phases.dressing).rev() {
            match step.mode {
                Mode::Report => step.guard.dress_reporting(answer, context),
                Mode::Enforce | Mode::Off => step.guard.dress(answer, context),
            }
        }
    }

    /// Tells the guards that passed the request that it is over.
    pub fn finish(&self, end: &End, context: &Context) {
        for (place, step) in self.asked(self.phases.finishing.among(context.admitted | context.entered)) {
            if context.admitted & (1 << place) != 0 {
                step.guard.released();
            } else {
                step.guard.finish(end, context);
            }
        }
    }

    /// The names of the guards that would have refused.
    pub fn reported<'a>(&'a self, context: &'a Context) -> impl Iterator<Item = &'static str> + 'a {
        self.steps
            .iter()
            .enumerate()
            .filter(|(place, _)| context.reported & (1 << place) != 0)
            .map(|(_, step)| step.name)
    }

    fn run(&self, first: usize, last: usize, head: &mut Head, context: &mut Context) -> Flow {
        for (place, step) in self.steps.iter().enumerate().take(last).skip(first) {
            match (step.guard.head(head, context), &step.reporter) {
                // As most guards say of most requests.
                (Verdict::Pass, None) => context.entered |= 1 << place,
                (verdict, _) => match self.judged(place, verdict, head, context) {
                    Flow::Pass => {}
                    other => return other,
                },
            }
        }
        Flow::Pass
    }

    /// The guards that are asked in a phase, with their places.
    pub(super) fn asked(&self, phase: Phase) -> impl DoubleEndedIterator<Item = (usize, &Step)> {
        phase.into_iter().filter_map(|place| Some((place, self.steps.get(place)?)))
    }

    /// One verdict on a head, seen through the step's mode, and remembered when that is to report.
    fn judged(&self, place: usize, verdict: Verdict, head: &Head, context: &mut Context) -> Flow {
        let flow = self.judge(place, verdict, context);
        if let (Some(Step { guard, reporter: Some(reporter), .. }), Flow::Pass) = (self.steps.get(place), &flow) {
            reporter.saw();
            let refused = context.reported & (1 << place) != 0;
            guard.measure(Some(head), &Gauge { reporter, context, refused });
        }
        flow
    }

    /// One verdict, seen through the step's mode.
    pub(super) fn judge(&self, place: usize, verdict: Verdict, context: &mut Context) -> Flow {
        let stop = match verdict {
            Verdict::Pass => None,
            Verdict::Refuse(problem) => self.stop(place, Stop::Refused(problem), context),
            Verdict::Answer(answer) => self.stop(place, Stop::Answered(answer), context),
            Verdict::Later(wait) => return Flow::Later(place, wait),
        };
        match stop {
            Some(stop) => Flow::Stop(stop),
            None => {
                context.entered |= 1 << place;
                Flow::Pass
            }
        }
    }

    /// Counts a stop, and lets it pass when the guard only reports. Of one request that is told once: a guard that enforces refuses it
    /// once. An answer that a guard would give before the application is asked is the application's to give; one that it gives in
    /// place of the application's stands, because it is what the application left out.
    pub(super) fn stop(&self, place: usize, stop: Stop, context: &mut Context) -> Option<Stop> {
        let step = self.steps.get(place)?;
        let (bit, asked_before) = (1 << place, context.entered & (1 << place) != 0);
        match &stop {
            Stop::Refused(problem) if step.mode == Mode::Report => {
                if context.reported & bit != 0 {
                    return None;
                }
                step.reported.increment();
                context.reported |= bit;
                if !asked_before {
                    context.admitted |= bit;
                    step.guard.admitted();
                }
                if let Some(reporter) = &step.reporter {
                    reporter.refused(problem, context);
                    if asked_before {
                        step.guard.measure(None, &Gauge { reporter, context, refused: true });
                    }
                }
                return None;
            }
            Stop::Answered(_) if step.mode == Mode::Report && !asked_before => {
                context.admitted |= bit;
                step.guard.admitted();
                return None;
            }
            Stop::Refused(_) => step.refused.increment(),
            Stop::Answered(_) => step.answered.increment(),
        }
        context.stopped_by = Some(step.name);
        Some(stop)
    }
}
