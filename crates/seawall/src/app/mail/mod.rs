//! Mail as the application wires it: the server that takes letters, the outbox that hands them over, and what operators ask of both.
//!
//! The store's outbox is the only way of letters: a crash loses none, and a server that is away delays them.

mod config;
mod logged;
mod routes;
mod smtp;
mod url;

use std::{path::Path, sync::Arc};

use seawall_config::Config;
use seawall_core::{Environment, mail::Mailer};
use seawall_identity::mail::{Postman, TOPIC};
use seawall_store::outbox::Delivery;

pub use config::{MailSettings, SECTION};
pub(crate) use routes::{MailDesk, router};
pub(crate) use smtp::{MailStatus, Smtp};

use super::AppError;
use logged::Logged;

/// Letters of the outbox, taken by this postman.
pub(in crate::app) fn letters(postman: Postman) -> Delivery {
    Delivery { topic: TOPIC, handler: Arc::new(postman) }
}

/// Who sends letters here.
#[derive(Clone, Debug)]
pub(crate) enum Post {
    /// A server.
    Server(Box<Smtp>),
    /// Nobody: while an application is developed, letters are logged.
    Log,
    /// Nobody.
    Nobody,
}

impl Post {
    /// As configured; relative paths begin in `directory`.
    ///
    /// # Errors
    /// [`AppError::Mail`] when a certificate cannot be read; [`AppError::Setting`].
    pub(crate) fn read(config: &Config, directory: &Path) -> Result<Self, AppError> {
        let settings = MailSettings::read(config.values(&SECTION))?;
        match settings {
            Some(settings) => Ok(Self::Server(Box::new(Smtp::new(&settings, directory).map_err(AppError::Mail)?))),
            None if config.environment() == Environment::Development => Ok(Self::Log),
            None => Ok(Self::Nobody),
        }
    }

    /// Who takes letters, when anybody does.
    pub(crate) fn mailer(&self) -> Option<Arc<dyn Mailer>> {
        match self {
            Self::Server(smtp) => Some(Arc::new(Smtp::clone(smtp))),
            Self::Log => Some(Arc::new(Logged)),
            Self::Nobody => None,
        }
    }

    /// How the server is, when there is one.
    pub(crate) fn status(&self) -> Option<MailStatus> {
        match self {
            Self::Server(smtp) => Some(smtp.status().clone()),
            Self::Log | Self::Nobody => None,
        }
    }
}

/// Whether letters go anywhere, the log among that.
pub(crate) fn goes(config: &Config) -> Result<bool, AppError> {
    Ok(config.environment() == Environment::Development || MailSettings::read(config.values(&SECTION))?.is_some())
}
