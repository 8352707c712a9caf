//! The engine that holds the data.

use std::sync::Arc;

use crate::{
    DatabaseUrl, OpenError, Options, backup::Capturing, lanes::Lanes, loose::Loose, postgres::Postgres, sqlite::Sqlite,
    watch::Watch,
};

/// Either of them, open.
#[derive(Debug)]
pub(crate) enum Engine {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Engine {
    /// Opens the database and starts the threads that serve the lanes.
    pub(crate) fn open(
        url: &DatabaseUrl,
        options: &Options,
        capturing: Option<Capturing>,
        lanes: &Lanes,
        loose: &Arc<Loose>,
        watch: &Arc<Watch>,
    ) -> Result<Self, OpenError> {
        match url {
            DatabaseUrl::Sqlite(path) => {
                Sqlite::open(path, options.readers, capturing, lanes, loose, watch).map(Self::Sqlite)
            }
            DatabaseUrl::Postgres(url) => Postgres::open(url, options, lanes, loose, watch).map(Self::Postgres),
        }
    }

    /// Waits until the threads have ended; the lanes have to be closed.
    pub(crate) fn join(self) {
        match self {
            Self::Sqlite(sqlite) => sqlite.join(),
            Self::Postgres(mut postgres) => postgres.join(),
        }
    }
}
