//! Looks at the certificates' files every few seconds. Their content decides, not their times: tools that renew certificates
//! replace files, write them in place, or change what a link leads to.

use std::time::Duration;

use super::Terminator;

/// How long a changed file may go unnoticed.
const INTERVAL: Duration = Duration::from_secs(2);

impl Terminator {
    /// Looks at the files for as long as it is polled. Run it on the control plane.
    pub async fn watch(self) {
        loop {
            tokio::time::sleep(INTERVAL).await;
            let terminator = self.clone();
            // A look that panicked was logged as any panic is; the next one tries again.
            let _looked = tokio::task::spawn_blocking(move || terminator.look()).await;
        }
    }
}
