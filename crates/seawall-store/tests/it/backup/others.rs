//! Directories and PostgreSQL databases: the same pipeline, verification and restore.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::{PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use seawall_store::backup::{self, BackupError, Moment, Outcome, PostgresServer, Progress, Source};

use super::House;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_comes_back_as_it_was() {
    let house = House::new();
    let uploads = house.scratch.path().join("uploads");
    let deep = uploads.join("a".repeat(120)).join("b".repeat(120));
    fs::create_dir_all(&deep).unwrap();
    fs::write(uploads.join("one"), "one").unwrap();
    fs::write(deep.join("two"), vec![7; 300_000]).unwrap();
    fs::set_permissions(uploads.join("one"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink("one", uploads.join("link")).unwrap();
    let source = Source::Directory(uploads.clone());
    let manifest = backup::take(&house.vault, "uploads", &source, &Progress::silent()).await.unwrap();
    assert_eq!(manifest.rows.get("files"), Some(&2));
    assert_eq!(manifest.remarks, [""; 0]);
    let verified = backup::verify(&house.vault, "uploads", None, &Progress::silent()).await.unwrap();
    assert_eq!((verified.outcome, verified.reason), (Outcome::Ok, None));

    let into = house.scratch.path().join("again");
    backup::restore_directory(&house.vault, "uploads", &Moment::Newest, &into, &Progress::silent()).await.unwrap();
    assert_eq!(fs::read_to_string(into.join("link")).unwrap(), "one");
    assert_eq!(fs::read(into.join(deep.strip_prefix(&uploads).unwrap()).join("two")).unwrap(), vec![7; 300_000]);
    assert_eq!(fs::metadata(into.join("one")).unwrap().permissions().mode() & 0o777, 0o640);
    let wrong = backup::restore(&house.vault, "uploads", &Moment::Newest, &house.target(), &Progress::silent()).await;
    assert!(matches!(wrong, Err(BackupError::Unfit(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changes_while_it_is_read_is_said() {
    let house = House::new();
    let uploads = house.scratch.path().join("uploads");
    fs::create_dir_all(&uploads).unwrap();
    fs::write(uploads.join("log"), vec![1; 4_000_000]).unwrap();
    fs::write(uploads.join("still"), "still").unwrap();
    let log = uploads.join("log");
    let source = Source::Directory(uploads);
    // Told after each file, so the one that is read next grows meanwhile only by chance; this one grows all the time.
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stopped = std::sync::Arc::clone(&stop);
    let growing = std::thread::spawn(move || {
        use std::io::Write;
        let mut file = fs::OpenOptions::new().append(true).open(log).unwrap();
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
            file.write_all(&[2; 10]).unwrap();
        }
    });
    let manifest = backup::take(&house.vault, "uploads", &source, &Progress::silent()).await.unwrap();
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    growing.join().unwrap();
    assert_eq!(manifest.remarks, ["log changed while it was read"]);
    let verified = backup::verify(&house.vault, "uploads", None, &Progress::silent()).await.unwrap();
    assert_eq!(verified.outcome, Outcome::Ok);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_database_is_dumped_proven_and_restored() {
    let server = Server::start();
    let psql = |database: &str, sql: &str| {
        let url = server.url(database);
        let ran = Command::new("psql").args(["-XAtq", "-d", &url, "-c", sql]).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).unwrap().trim().to_owned()
    };
    psql("postgres", "CREATE DATABASE shop");
    psql("postgres", "CREATE DATABASE again");
    psql(
        "shop",
        "CREATE TABLE orders (id BIGINT PRIMARY KEY); INSERT INTO orders SELECT generate_series(1, 1000); CREATE TABLE \"odd'name\" (a INT)",
    );
    let mut house = House::new();
    let shop = PostgresServer::parse(&server.url("shop")).unwrap();
    let source = Source::Postgres(shop.clone());
    let manifest = backup::take(&house.vault, "shop", &source, &Progress::silent()).await.unwrap();
    assert_eq!(manifest.rows.get("public.orders"), Some(&1_000));
    assert_eq!(manifest.rows.get("public.odd'name"), Some(&0));

    let listed = backup::verify(&house.vault, "shop", None, &Progress::silent()).await.unwrap();
    assert!(listed.outcome == Outcome::Ok && listed.reason.unwrap().contains("not restored"));
    house.vault = house.vault.clone().with_scratch_server(shop);
    let restored = backup::verify(&house.vault, "shop", None, &Progress::silent()).await.unwrap();
    assert_eq!((restored.outcome, restored.reason), (Outcome::Ok, None));
    assert_eq!(psql("postgres", "SELECT count(*) FROM pg_database WHERE datname LIKE 'seawall%'"), "0");

    let again = PostgresServer::parse(&server.url("again")).unwrap();
    backup::restore_postgres(&house.vault, "shop", &Moment::Newest, &again, &Progress::silent()).await.unwrap();
    assert_eq!(psql("again", "SELECT sum(id) FROM orders"), "500500");

    let gone = PostgresServer::parse(&server.url("nowhere")).unwrap();
    let failed = backup::take(&house.vault, "gone", &Source::Postgres(gone), &Progress::silent()).await.unwrap_err();
    assert!(failed.chain().contains("nowhere"), "{}", failed.chain());
    assert!(house.vault.list("gone").await.unwrap().backups.is_empty());
}

/// A throw-away server on a Unix socket.
struct Server {
    directory: PathBuf,
    child: Child,
}

impl Server {
    fn start() -> Self {
        // The path of a socket may not be long.
        let directory = std::env::temp_dir().join(format!("swb-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        if let Some((user, group)) = other_user() {
            chown(&directory, Some(user), Some(group)).unwrap();
        }
        let data = directory.join("data");
        let made = program("initdb")
            .args(["--username=seawall", "--encoding=UTF8", "--auth=trust", "--no-sync", "-D"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let mut child = program("postgres")
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(&directory)
            .args(["-c", "listen_addresses=", "-c", "fsync=off"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let mut lines = log.lines();
        assert!(lines.any(|line| line.unwrap().contains("ready to accept connections")));
        // Reads on, so that the server never waits for its log.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self { directory, child }
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://seawall@/{database}?host={}", self.directory.display())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
        let _removed = fs::remove_dir_all(&self.directory);
    }
}

/// PostgreSQL refuses to run as root.
fn other_user() -> Option<(u32, u32)> {
    if !rustix::process::getuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let mut fields = users.lines().find_map(|line| line.strip_prefix("nobody:")).unwrap().split(':').skip(1);
    Some((fields.next().unwrap().parse().unwrap(), fields.next().unwrap().parse().unwrap()))
}

fn program(name: &str) -> Command {
    let told = Command::new("pg_config").arg("--bindir").output().expect("PostgreSQL is installed");
    let bin = String::from_utf8(told.stdout).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]);
    if let Some((user, group)) = other_user() {
        command.args(["--reuid", &user.to_string(), "--regid", &group.to_string(), "--clear-groups"]);
    }
    command.arg("--").arg(Path::new(bin.trim()).join(name)).env("LC_ALL", "C.UTF-8").current_dir("/");
    command
}
