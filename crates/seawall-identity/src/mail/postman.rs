//! Carries out errands: makes the letter in a transaction, and hands it to whoever sends.

use std::sync::Arc;

use seawall_core::{
    mail::{Letter, Mailer, Unsent},
    reply::BoxFuture,
};
use seawall_store::{
    Actor, Cause,
    outbox::{Handler, Message, Undelivered},
};

use super::Errand;
use crate::{IdentityError, people::People};

/// Takes what the outbox has under [`super::TOPIC`].
#[derive(Clone, Debug)]
pub struct Postman {
    people: People,
    mailer: Arc<dyn Mailer>,
}

impl Postman {
    /// One who works for these people.
    pub fn new(people: People, mailer: Arc<dyn Mailer>) -> Self {
        Self { people, mailer }
    }

    async fn carry_out(self, message: Message) -> Result<(), Undelivered> {
        let unfit = |_| Undelivered::Never("it is no errand that this version knows".to_owned());
        let errand: Errand = serde_json::from_str(&message.payload).map_err(unfit)?;
        let cause = Cause {
            actor: Actor::System("mail"),
            address: None,
            request_id: message.request_id.as_deref().map(Into::into),
        };
        let letter = match errand {
            Errand::Forgotten { typed } => {
                return self.people.look_for_forgetful(cause, &typed).await.map_err(|error| later(&error));
            }
            Errand::Reset { user } => self.people.reset_letter(cause, &message.id, user).await,
            Errand::Verify { user } => self.people.verify_letter(cause, &message.id, user).await,
            Errand::Notice { user, what, at, address, agent, to } => {
                let told = Told { what, at, address, agent, to };
                self.people.notice_letter(&message.id, user, told).await
            }
        };
        match letter.map_err(|error| later(&error))? {
            Some(letter) => self.send(letter).await,
            // The user has gone, or has no address any more.
            None => Ok(()),
        }
    }

    async fn send(&self, letter: Letter) -> Result<(), Undelivered> {
        self.mailer.send(letter).await.map_err(|unsent| match unsent {
            Unsent::Later(why) => Undelivered::Later(why),
            Unsent::Never(why) => Undelivered::Never(why),
        })
    }
}

/// What a notice tells.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) what: super::Notice,
    pub(crate) at: i64,
    pub(crate) address: Option<String>,
    pub(crate) agent: Option<String>,
    pub(crate) to: Option<String>,
}

impl Handler for Postman {
    fn deliver(&self, message: Message) -> BoxFuture<'static, Result<(), Undelivered>> {
        Box::pin(self.clone().carry_out(message))
    }
}

fn later(error: &IdentityError) -> Undelivered {
    let why = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
    Undelivered::Later(format!("{error}{why}"))
}
