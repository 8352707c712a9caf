//! The way into a value, kept on the stack and written down only when something is wrong there.

use super::fault::shown;

/// One step, and those before it.
#[derive(Clone, Copy, Debug)]
pub(super) enum At<'a> {
    Root,
    Key(&'a Self, &'a str),
    Item(&'a Self, usize),
}

impl<'a> At<'a> {
    pub(super) const fn key(&'a self, key: &'a str) -> Self {
        Self::Key(self, key)
    }

    pub(super) const fn item(&'a self, index: usize) -> Self {
        Self::Item(self, index)
    }

    /// RFC 6901, long keys shortened.
    pub(super) fn pointer(&self) -> String {
        let mut steps = Vec::new();
        let mut here = self;
        loop {
            here = match here {
                Self::Root => break,
                Self::Key(before, key) => {
                    steps.push(format!("/{}", escaped(&shown(key))));
                    before
                }
                Self::Item(before, index) => {
                    steps.push(format!("/{index}"));
                    before
                }
            };
        }
        steps.reverse();
        steps.concat()
    }
}

/// A key as a JSON pointer spells it.
pub(super) fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
