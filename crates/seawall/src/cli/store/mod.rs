//! Commands that need Seawall's own store: they ask the running server, or open the store themselves when none runs.

mod access;
mod audit_log;
mod backup;
mod bar;
mod device;
mod identity;
mod import;
mod key;
mod mail;
mod migrate;
mod organisation;
mod relocate;
mod restore;
mod user;

use std::{io::Write, path::PathBuf};

use seawall_identity::IdentitySettings;

use self::access::{Access, Variables};
pub(super) use self::{
    audit_log::AuditLogCommand,
    backup::BackupCommand,
    device::DeviceCommand,
    identity::IdentityCommand,
    import::ImportCommand,
    key::{KeyCommand, visible},
    mail::MailCommand,
    migrate::MigrateCommand,
    organisation::OrganisationCommand,
    relocate::DbCommand,
    restore::RestoreOptions,
    user::UserCommand,
};
use super::{
    CliError, Next, Serve, World,
    arguments::{FileOption, StatusOptions},
    configuration,
    paint::Paint,
    status,
};
use crate::app::{AppError, mail::Post, store::StorePlace};

/// A command, and all it needs.
#[derive(Debug)]
pub struct Ask {
    wish: Wish,
    paint: Paint,
}

#[derive(Debug)]
enum Wish {
    Audit(AuditLogCommand, Access),
    Migrate(MigrateCommand, Access),
    Backup(BackupCommand, Access),
    /// With the directory where relative paths begin.
    Restore(RestoreOptions, Access, PathBuf),
    User(UserCommand, Access),
    Key(KeyCommand, Access),
    Device(DeviceCommand, Access),
    Organisation(OrganisationCommand, Access),
    Identity(IdentityCommand, Access),
    Mail(MailCommand, Access),
    /// With the directory where relative paths begin.
    Import(ImportCommand, Access, PathBuf),
    /// With the directory where relative paths begin.
    Db(DbCommand, PathBuf),
}

/// Prepares `seawall audit-log`.
pub(super) fn audit_log(command: AuditLogCommand, world: &World<'_>) -> Result<Next, CliError> {
    let access = access(command.file(), world)?;
    Ok(next(Wish::Audit(command, access), world))
}

/// Prepares `seawall migrate`.
pub(super) fn migrate(command: MigrateCommand, world: &World<'_>) -> Result<Next, CliError> {
    let access = access(command.file(), world)?;
    Ok(next(Wish::Migrate(command, access), world))
}

/// Prepares `seawall backup`.
pub(super) fn backup(command: BackupCommand, world: &World<'_>) -> Result<Next, CliError> {
    let access = access(command.file(), world)?;
    Ok(next(Wish::Backup(command, access), world))
}

/// Prepares `seawall restore`.
pub(super) fn restore(options: RestoreOptions, world: &World<'_>) -> Result<Next, CliError> {
    let access = access(options.file(), world)?;
    Ok(next(Wish::Restore(options, access, world.directory.clone()), world))
}

/// Prepares `seawall user`.
pub(super) fn user(mut command: UserCommand, world: &World<'_>) -> Result<Next, CliError> {
    let access = access(command.file(), world)?;
    command.read_password()?;
    Ok(next(Wish::User(command, access), world))
}

/// Prepares `seawall key`.
pub(super) fn key(command: KeyCommand, world: &World<'_>) -> Result<Next, CliError> {
    let access = access(command.file(), world)?;
    Ok(next(Wish::Key(command, access), world))
}

/// Prepares `seawall device`.
pub(super) fn device(command: DeviceCommand, world: &World<'_>) -> Result<Next, CliError> {
    let access = access(command.file(), world)?;
    Ok(next(Wish::Device(command, access), world))
}

/// Prepares `seawall organisation`.
pub(super) fn organisation(command: OrganisationCommand, world: &World<'_>) -> Result<Next, CliError> {
    let access = access(command.file(), world)?;
    Ok(next(Wish::Organisation(command, access), world))
}

/// Prepares `seawall identity`.
pub(super) fn identity(command: IdentityCommand, world: &World<'_>) -> Result<Next, CliError> {
    let access = access(command.file(), world)?;
    Ok(next(Wish::Identity(command, access), world))
}

/// Prepares `seawall import`.
pub(super) fn import(command: ImportCommand, world: &World<'_>) -> Result<Next, CliError> {
    let access = access(command.file(), world)?;
    Ok(next(Wish::Import(command, access, world.directory.clone()), world))
}

/// Prepares `seawall mail`.
pub(super) fn mail(command: MailCommand, world: &World<'_>) -> Result<Next, CliError> {
    let access = access(command.file(), world)?;
    Ok(next(Wish::Mail(command, access), world))
}

/// Prepares `seawall db`.
pub(super) fn db(command: DbCommand, world: &World<'_>) -> Next {
    next(Wish::Db(command, world.directory.clone()), world)
}

fn next(wish: Wish, world: &World<'_>) -> Next {
    let paint = Paint { colours: world.colours };
    Next::Serve(Box::new(Serve::Store(Box::new(Ask { wish, paint }))))
}

fn access(file: &FileOption, world: &World<'_>) -> Result<Access, CliError> {
    let options = StatusOptions { file: file.clone(), json: false };
    let loaded = configuration::read(file, Vec::new(), false, world)?;
    let place = StorePlace::read(&loaded.config, &loaded.directory).map_err(AppError::Setting)?;
    let identity =
        IdentitySettings::read(loaded.config.values(&seawall_identity::SECTION)).map_err(AppError::Setting)?;
    let identity = identity.with_environment(loaded.config.environment());
    let tiers = loaded.config.entries(&seawall_identity::organisations::SECTION);
    let identity = identity.with_tiers(tiers).map_err(AppError::Setting)?;
    let mail = Post::read(&loaded.config, &loaded.directory)?;
    Ok(Access::new(status::socket(&options, world)?, place, Variables(world.variables.clone()), identity, mail))
}

impl Ask {
    /// Carries it out; answers the exit code.
    ///
    /// # Errors
    /// [`CliError`].
    pub async fn run(&self, out: &mut dyn Write) -> Result<u8, CliError> {
        match &self.wish {
            Wish::Audit(command, access) => command.run(access, self.paint, out).await,
            Wish::Migrate(command, access) => command.run(access, self.paint, out).await,
            Wish::Backup(command, access) => command.run(access, self.paint, out).await,
            Wish::Restore(options, access, directory) => options.run(access, directory, self.paint, out).await,
            Wish::Key(command, access) => command.run(access, self.paint, out).await,
            Wish::Device(command, access) => command.run(access, self.paint, out).await,
            Wish::Organisation(command, access) => command.run(access, self.paint, out).await,
            Wish::User(command, access) => command.run(access, self.paint, out).await,
            Wish::Identity(command, access) => command.run(access, self.paint, out).await,
            Wish::Import(command, access, directory) => command.run(access, directory, self.paint, out).await,
            Wish::Mail(command, access) => command.run(access, out).await,
            Wish::Db(command, directory) => command.run(directory, self.paint, out).await,
        }
    }
}
