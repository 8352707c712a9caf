//! Whether git would share a file with everybody who has the repository.

use std::{path::Path, process::Command};

/// Whether a file is tracked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tracked {
    /// It is.
    Yes,
    /// It is not, or there is no repository.
    No,
    /// There is no git to ask, or it does not say.
    Unknown,
}

/// Asks git about a file.
pub(super) fn tracks(file: &Path) -> Tracked {
    let (Some(directory), Some(name)) = (file.parent(), file.file_name()) else { return Tracked::No };
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let asked =
        Command::new("git").arg("-C").arg(directory).args(["ls-files", "--error-unmatch", "--"]).arg(name).output();
    match asked {
        Ok(output) if output.status.success() => Tracked::Yes,
        // 1 is "not tracked"; 128 is that git will not say, most often because the repository belongs to somebody else.
        Ok(output) if output.status.code() == Some(128) && !not_a_repository(&output.stderr) => Tracked::Unknown,
        Ok(_) => Tracked::No,
        Err(_) => Tracked::Unknown,
    }
}

fn not_a_repository(error: &[u8]) -> bool {
    String::from_utf8_lossy(error).contains("not a git repository")
}
