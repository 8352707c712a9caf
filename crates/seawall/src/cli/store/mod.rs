//! Commands that need Seawall's own store: they ask the running server, or open the store themselves when none runs.

mod access;
mod audit_log;
mod migrate;

use std::io::Write;

use self::access::Access;
pub(super) use self::{audit_log::AuditLogCommand, migrate::MigrateCommand};
use super::{
    CliError, Next, Serve, World,
    arguments::{FileOption, StatusOptions},
    configuration,
    paint::Paint,
    status,
};
use crate::app::{AppError, store::StorePlace};

/// A command, and all it needs.
#[derive(Debug)]
pub struct Ask {
    wish: Wish,
    access: Access,
    paint: Paint,
}

#[derive(Debug)]
enum Wish {
    Audit(AuditLogCommand),
    Migrate(MigrateCommand),
}

/// Prepares `seawall audit-log`.
pub(super) fn audit_log(command: AuditLogCommand, world: &World<'_>) -> Result<Next, CliError> {
    let access = access(command.file(), world)?;
    next(Wish::Audit(command), access, world)
}

/// Prepares `seawall migrate`.
pub(super) fn migrate(command: MigrateCommand, world: &World<'_>) -> Result<Next, CliError> {
    let access = access(command.file(), world)?;
    next(Wish::Migrate(command), access, world)
}

fn next(wish: Wish, access: Access, world: &World<'_>) -> Result<Next, CliError> {
    let paint = Paint { colours: world.colours };
    Ok(Next::Serve(Box::new(Serve::Store(Box::new(Ask { wish, access, paint })))))
}

fn access(file: &FileOption, world: &World<'_>) -> Result<Access, CliError> {
    let options = StatusOptions { file: file.clone(), json: false };
    let loaded = configuration::read(file, Vec::new(), false, world)?;
    let place = StorePlace::read(&loaded.config, &loaded.directory).map_err(AppError::Setting)?;
    Ok(Access::new(status::socket(&options, world)?, place))
}

impl Ask {
    /// Carries it out; answers the exit code.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn run(&self, out: &mut dyn Write) -> Result<u8, CliError> {
        match &self.wish {
            Wish::Audit(command) => command.run(&self.access, self.paint, out).await,
            Wish::Migrate(command) => command.run(&self.access, self.paint, out).await,
        }
    }
}
