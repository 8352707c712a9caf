//! Work that waits for the disk, away from the threads that serve requests.

use super::BackupError;

/// Runs it on a thread of its own.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BackupError> + Send + 'static,
) -> Result<T, BackupError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| BackupError::Abandoned(error.to_string()))?
}
