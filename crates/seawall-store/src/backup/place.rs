//! Where backups are kept: a directory, or a bucket of an object store.
//!
//! Nothing is ever written over: every name holds a time and a random part, and small objects are made with "only if it is not
//! there". Only retention deletes, so the credentials may lack that right where the place itself removes what is old.

use std::{
    fmt,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use object_store::{
    ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload, local::LocalFileSystem, path::Path,
    prefix::PrefixStore,
};
use tokio::sync::mpsc;

use super::{
    BackupError,
    blocking::blocking,
    local::{self, Unfinished},
};

/// Bytes of one part; object stores want at least 5 MiB.
pub(super) const PART_BYTES: usize = 8 << 20;

/// What one request may take. The client of an object store tries again by itself within it.
const REQUEST: Duration = Duration::from_secs(180);

/// What the variables of the object stores' clients begin with.
const CREDENTIALS: [&str; 3] = ["AWS_", "GOOGLE_", "AZURE_"];

/// A place for backups; cheap to clone.
#[derive(Clone)]
pub struct Place {
    store: Arc<dyn ObjectStore>,
    /// Where it is, when it is a directory.
    directory: Option<Arc<std::path::Path>>,
    url: Arc<str>,
}

/// What comes through a channel to be written as one object.
pub(super) enum Chunk {
    /// The next bytes.
    Bytes(Bytes),
    /// There are no more: the object is whole.
    End,
}

/// Whether a variable of the environment may hold what an object store's client wants.
#[must_use]
pub fn is_credential(variable: &str) -> bool {
    CREDENTIALS.iter().any(|begins| variable.starts_with(begins))
}

impl Place {
    /// Reads a place: a path, `file:///PATH`, `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX` or `az://CONTAINER/PREFIX`. `options` are
    /// those of the object store's client by name, such as `aws_access_key_id`; variables of the environment have the same names
    /// in capitals. A directory is made when it is missing.
    ///
    /// # Errors
    /// [`BackupError::PlaceUrl`].
    pub fn parse(url: &str, options: &[(String, String)]) -> Result<Self, BackupError> {
        let wrong = |reason: String| BackupError::PlaceUrl { url: url.to_owned(), reason };
        let (path, store) = match url.split_once("://") {
            None => directory(PathBuf::from(url)).map_err(wrong)?,
            Some(("file", path)) => directory(PathBuf::from(path)).map_err(wrong)?,
            Some((scheme, rest)) => {
                let (_, prefix) = rest.split_once('/').unwrap_or((rest, ""));
                let prefix = Path::parse(prefix.trim_matches('/')).map_err(|error| wrong(error.to_string()))?;
                let store = PrefixStore::new(bucket(scheme, url, options).map_err(wrong)?, prefix);
                (None, Arc::new(store) as Arc<dyn ObjectStore>)
            }
        };
        Ok(Self { store, directory: path.map(Into::into), url: url.into() })
    }

    /// As it was given.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether it is a directory of this machine, or one that looks like that.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.directory.is_some()
    }

    /// Writes a small object that is not there yet.
    pub(crate) async fn create(&self, name: &str, bytes: Bytes) -> Result<(), BackupError> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let at = path(name);
        let put = self.store.put_opts(&at, PutPayload::from(bytes), options);
        self.within(format!("writing {name}"), put).await.map(drop)
    }

    /// Writes what comes through a channel as one object. When the channel breaks off before [`Chunk::End`], nothing is kept.
    pub(super) async fn upload(&self, name: &str, chunks: &mut mpsc::Receiver<Chunk>) -> Result<(), BackupError> {
        let broken_off = || BackupError::Abandoned(format!("what was to become {name} broke off"));
        let first = match chunks.recv().await {
            Some(Chunk::Bytes(bytes)) => bytes,
            Some(Chunk::End) => return self.create(name, Bytes::new()).await,
            None => return Err(broken_off()),
        };
        let second = match chunks.recv().await {
            Some(Chunk::Bytes(bytes)) => bytes,
            Some(Chunk::End) => return self.create(name, first).await,
            None => return Err(broken_off()),
        };
        if let Some(directory) = &self.directory {
            let what = || format!("writing {name}");
            let mut object = self.in_time(what(), Unfinished::begin(directory, name)).await?;
            self.in_time(what(), object.write(first)).await?;
            self.in_time(what(), object.write(second)).await?;
            loop {
                match chunks.recv().await {
                    Some(Chunk::Bytes(bytes)) => self.in_time(what(), object.write(bytes)).await?,
                    Some(Chunk::End) => return self.in_time(what(), object.finish()).await,
                    None => return Err(broken_off()),
                }
            }
        }
        let at = path(name);
        let what = || format!("writing {name}");
        let mut upload = self.within(what(), self.store.put_multipart(&at)).await?;
        let mut next = Some(first);
        let mut following = Some(second);
        let ended = loop {
            let Some(bytes) = next.take() else { break Ok(()) };
            if let Err(error) = self.within(what(), upload.put_part(PutPayload::from(bytes))).await {
                break Err(error);
            }
            next = match following.take() {
                Some(bytes) => Some(bytes),
                None => match chunks.recv().await {
                    Some(Chunk::Bytes(bytes)) => Some(bytes),
                    Some(Chunk::End) => None,
                    None => break Err(broken_off()),
                },
            };
        };
        if let Err(error) = ended {
            if let Err(error) = self.within(what(), upload.abort()).await {
                tracing::warn!(
                    object = name,
                    error = error.chain(),
                    "the parts of a broken-off upload were not removed"
                );
            }
            return Err(error);
        }
        self.within(what(), upload.complete()).await.map(drop)
    }

    /// Reads an object piece by piece into a channel; stops early when nobody listens any more.
    pub(super) async fn download(&self, name: &str, pieces: mpsc::Sender<Bytes>) -> Result<(), BackupError> {
        let what = || format!("reading {name}");
        let found = self.within(what(), self.store.get(&path(name))).await.map_err(missing(name))?;
        let mut stream = found.into_stream();
        while let Some(piece) = self.within(what(), stream.try_next()).await? {
            if pieces.send(piece).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Reads a small object.
    pub(crate) async fn read(&self, name: &str) -> Result<Bytes, BackupError> {
        let what = || format!("reading {name}");
        let read = async { self.store.get(&path(name)).await?.bytes().await };
        self.within(what(), read).await.map_err(missing(name))
    }

    /// The names of all objects below a folder, in order.
    pub(crate) async fn list(&self, folder: &str) -> Result<Vec<String>, BackupError> {
        let found = path(folder);
        let listing = self.store.list(Some(&found)).map_ok(|meta| String::from(meta.location)).try_collect::<Vec<_>>();
        let mut names = self.within(format!("listing {folder}"), listing).await?;
        names.sort_unstable();
        Ok(names)
    }

    /// Removes what uploads that broke off have left in a folder before a time. Object stores do that by themselves, or by a rule.
    pub(super) async fn sweep(&self, folder: &str, before: SystemTime) -> Result<(), BackupError> {
        let Some(folder) = self.directory.as_ref().map(|directory| directory.join(folder)) else { return Ok(()) };
        blocking(move || local::sweep(&folder, before).map_err(BackupError::file(folder))).await
    }

    /// Deletes an object; that it is gone already is well.
    pub(super) async fn delete(&self, name: &str) -> Result<(), BackupError> {
        match self.within(format!("deleting {name}"), self.store.delete(&path(name))).await.map_err(missing(name)) {
            Err(BackupError::Missing { .. }) => Ok(()),
            other => other,
        }
    }
}

impl Place {
    /// Runs one request within its time.
    async fn within<T>(
        &self,
        what: String,
        request: impl Future<Output = Result<T, object_store::Error>>,
    ) -> Result<T, BackupError> {
        let (place, failed) = (&self.url, what.clone());
        let request = async { request.await.map_err(|source| fault(place, failed, source)) };
        self.in_time(what, request).await
    }

    /// Runs one step within the time of a request.
    async fn in_time<T>(
        &self,
        what: String,
        step: impl Future<Output = Result<T, BackupError>>,
    ) -> Result<T, BackupError> {
        let late = |_| Err(BackupError::TimedOut { place: Arc::clone(&self.url), what, limit_s: REQUEST.as_secs() });
        tokio::time::timeout(REQUEST, step).await.unwrap_or_else(late)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("url", &self.url).finish_non_exhaustive()
    }
}

/// What a failed request came to.
fn fault(place: &Arc<str>, what: String, source: object_store::Error) -> BackupError {
    let (place, source) = (Arc::clone(place), Box::new(source));
    match credentials(&place).filter(|_| refused(&source)) {
        Some(keys) => BackupError::Refused { place, what, keys, source },
        None => BackupError::Place { place, what, source },
    }
}

/// Whether the credentials are at fault. Without any, the client asks the machine's own service for some.
fn refused(error: &object_store::Error) -> bool {
    use object_store::Error;
    match error {
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => true,
        Error::Generic { source, .. } => {
            let text = chain(&**source);
            ["169.254.169.254", "metadata.google.internal"].iter().any(|service| text.contains(service))
        }
        _ => false,
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text.push_str(&format!(": {error}"));
        next = error.source();
    }
    text
}

/// The variables that hold the credentials for a place.
pub(super) fn credentials(url: &str) -> Option<&'static str> {
    match url.split_once("://")?.0 {
        "s3" => Some("AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION"),
        "gs" => Some("GOOGLE_SERVICE_ACCOUNT, the path of a service account's key file"),
        "az" => Some("AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY"),
        _ => None,
    }
}

fn missing(name: &str) -> impl FnOnce(BackupError) -> BackupError {
    move |error| match error {
        BackupError::Place { source, .. } if matches!(*source, object_store::Error::NotFound { .. }) => {
            BackupError::Missing { object: name.to_owned() }
        }
        other => other,
    }
}

/// Our own names hold only what every store takes.
fn path(name: &str) -> Path {
    Path::from(name)
}

fn directory(path: PathBuf) -> Result<(Option<PathBuf>, Arc<dyn ObjectStore>), String> {
    std::fs::create_dir_all(&path).map_err(|error| format!("the directory cannot be made: {error}"))?;
    let store = LocalFileSystem::new_with_prefix(&path).map_err(|error| error.to_string())?;
    Ok((Some(path), Arc::new(store.with_fsync(true))))
}

#[cfg(feature = "cloud")]
fn bucket(scheme: &str, url: &str, options: &[(String, String)]) -> Result<Arc<dyn ObjectStore>, String> {
    super::cloud::bucket(scheme, url, options)
}

#[cfg(not(feature = "cloud"))]
fn bucket(scheme: &str, _url: &str, _options: &[(String, String)]) -> Result<Arc<dyn ObjectStore>, String> {
    Err(format!("this build of Seawall knows directories only, not {scheme}://; use one with the feature `cloud`"))
}
