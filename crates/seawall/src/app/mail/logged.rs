//! Letters while an application is developed: logged, so that their links can be followed without a mail server.

use seawall_core::{
    mail::{Letter, Mailer, Unsent},
    reply::BoxFuture,
};

/// Logs letters. Nothing outside development does: a log with links opens accounts to whoever reads it.
#[derive(Debug)]
pub(super) struct Logged;

impl Mailer for Logged {
    fn send(&self, letter: Letter) -> BoxFuture<'static, Result<(), Unsent>> {
        tracing::warn!(
            to = letter.to,
            subject = letter.subject,
            "no mail server is named in [mail], so a letter is logged, in development alone: {}",
            letter.text.replace("\n\n", " | ").trim_end()
        );
        Box::pin(async { Ok(()) })
    }
}
