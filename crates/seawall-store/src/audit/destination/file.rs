//! Checkpoints in a file, one line of JSON each.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use super::{Checkpoint, DeliveryFault, Held};

/// The end of the file that is looked at before anything is appended: longer than any line, and some hundred lines.
const TAIL_BYTES: u64 = 64 * 1024;

/// Appends a checkpoint, unless it is among the last ones.
pub(super) async fn append(path: &Path, checkpoint: &Checkpoint) -> Result<(), DeliveryFault> {
    let (at, line) = (path.to_owned(), checkpoint.to_json());
    blocking(path, move || append_line(&at, &line)).await
}

/// All checkpoints in the file; none when there is no file.
pub(super) async fn read(path: &Path) -> Result<Held, DeliveryFault> {
    let at = path.to_owned();
    let text = blocking(path, move || match std::fs::read_to_string(&at) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        read => read,
    });
    let text = text.await?;
    let lines = text.lines().filter(|line| !line.is_empty());
    let (good, bad): (Vec<_>, Vec<_>) = lines.map(Checkpoint::from_json).partition(Option::is_some);
    Ok(Held { checkpoints: good.into_iter().flatten().collect(), unreadable: bad.len() })
}

async fn blocking<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, DeliveryFault> {
    let done = tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)));
    done.map_err(|source| DeliveryFault::File { path: path.to_owned(), source })
}

fn append_line(path: &Path, line: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(path)?;
    let (tail, whole) = tail(&mut file)?;
    if tail.lines().any(|there| there == line) {
        // A crash between the file and the note that it was delivered.
        return Ok(());
    }
    // A crash or a full disk may have left half a line, to which nothing must be appended.
    file.set_len(whole)?;
    file.seek(SeekFrom::Start(whole))?;
    file.write_all(format!("{line}\n").as_bytes())?;
    file.sync_data()
}

/// The last whole lines, and where they end.
fn tail(file: &mut File) -> io::Result<(String, u64)> {
    let from = file.metadata()?.len().saturating_sub(TAIL_BYTES);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |place| place + 1);
    bytes.truncate(whole);
    Ok((String::from_utf8_lossy(&bytes).into_owned(), from + whole as u64))
}
