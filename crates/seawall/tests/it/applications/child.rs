//! Programs that tests start: what they say is kept, waits are bounded, and they are ended by their id.

use std::{
    fmt,
    io::{BufRead, BufReader, Read},
    process::{self, Command, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// The longest that a test waits for a program to say or do something.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// How often a program that has closed its outputs is asked whether it has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// A program that runs; dropped, it is killed.
pub(crate) struct Child {
    command: String,
    process: process::Child,
    heard: Arc<Heard>,
}

/// What a program said, told to whoever waits for it.
#[derive(Default)]
struct Heard {
    said: Mutex<Said>,
    changed: Condvar,
}

#[derive(Clone, Default)]
struct Said {
    out: String,
    err: String,
    /// How many of the two have ended.
    ended: usize,
}

impl Child {
    /// Starts a program that reads nothing.
    pub(crate) fn start(mut command: Command) -> Self {
        let words = format!("{command:?}");
        let started = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut process = started.unwrap_or_else(|error| panic!("{words} cannot be started: {error}"));
        let heard = Arc::new(Heard::default());
        heard.listen(process.stdout.take().expect("it is piped"), |said, line| said.out.push_str(line));
        heard.listen(process.stderr.take().expect("it is piped"), |said, line| said.err.push_str(line));
        Self { command: words, process, heard }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Everything on its standard output so far.
    pub(crate) fn out(&self) -> String {
        self.heard.said().out.clone()
    }

    /// Everything on its standard error so far.
    pub(crate) fn err(&self) -> String {
        self.heard.said().err.clone()
    }

    /// Waits until `find` finds what it looks for in the standard output or the standard error.
    pub(crate) fn said<T>(&self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        let find = |said: &Said| find(&said.out).or_else(|| find(&said.err));
        let said = self.heard.until(|said| said.ended == 2 || find(said).is_some());
        find(&said).unwrap_or_else(|| panic!("it did not say {what}: {self}"))
    }

    /// Sends a signal by its name, such as `TERM`. The id is the program's own until it was waited for.
    pub(crate) fn signal(&self, name: &str) {
        // The shell's own command, because the program of this name is not on every machine.
        let mut kill = Command::new("sh");
        kill.args(["-c", "kill -s \"$0\" \"$1\""]).arg(name).arg(self.process.id().to_string());
        assert!(kill.status().is_ok_and(|sent| sent.success()), "{name} could not be sent: {self}");
    }

    /// Waits for its end; gives the exit code, nothing when a signal ended it.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        self.heard.until(|said| said.ended == 2);
        self.exited()
    }

    /// As [`Self::ended`], for one whose outputs another process has too.
    pub(crate) fn exited(&mut self) -> Option<i32> {
        for _ in 0..LIMIT.as_millis() / LOOK_AGAIN.as_millis() {
            if let Some(status) = self.process.try_wait().expect("a child can be waited for") {
                return status.code();
            }
            thread::park_timeout(LOOK_AGAIN);
        }
        panic!("it did not end: {self}")
    }
}

impl Heard {
    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until enough was said, or the limit is over.
    fn until(&self, enough: impl Fn(&Said) -> bool) -> Said {
        let waited = self.changed.wait_timeout_while(self.said(), LIMIT, |said| !enough(said));
        waited.unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    fn listen(self: &Arc<Self>, stream: impl Read + Send + 'static, keep: fn(&mut Said, &str)) {
        let heard = Arc::clone(self);
        thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while stream.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                keep(&mut heard.said(), &String::from_utf8_lossy(&line));
                heard.changed.notify_all();
                line.clear();
            }
            heard.said().ended += 1;
            heard.changed.notify_all();
        });
    }
}

impl fmt::Display for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Said { out, err, .. } = self.heard.said().clone();
        write!(f, "{}\nstdout:\n{out}\nstderr:\n{err}", self.command)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // One that has ended already has nothing left to end.
        let _ended = self.process.kill();
        let _reaped = self.process.wait();
    }
}
