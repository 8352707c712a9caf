//! A small mail server for tests: takes letters, refuses them, says that it is busy, or says nothing.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};

/// The longest that a test waits for a letter.
const LIMIT: Duration = Duration::from_secs(20);

/// How it behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It takes letters.
    Takes,
    /// It refuses every address, for good.
    Refuses,
    /// It is busy, and says to come again.
    Busy,
    /// It accepts connections and says nothing.
    Stalls,
}

/// A letter that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Whom it is for.
    pub to: Vec<String>,
    /// Its head and its body as they came.
    pub raw: String,
}

/// The server; it ends when it is dropped.
#[derive(Debug)]
pub struct MailServer {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    task: AbortHandle,
}

#[derive(Debug)]
struct Shared {
    manner: Manner,
    letters: Vec<Taken>,
    connections: usize,
}

impl MailServer {
    /// Listens on a free port of this machine.
    pub async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it listens");
        let shared = Arc::new(Mutex::new(Shared { manner, letters: Vec::new(), connections: 0 }));
        let served = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                served.lock().expect("no test panics here").connections += 1;
                tokio::spawn(serve(stream, Arc::clone(&served)));
            }
        });
        Self { address, shared, task: task.abort_handle() }
    }

    /// As `url` of `[mail]` has it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// Behaves so from the next command on.
    pub fn behave(&self, manner: Manner) {
        self.shared.lock().expect("no test panics here").manner = manner;
    }

    /// The letters so far.
    #[must_use]
    pub fn letters(&self) -> Vec<Taken> {
        self.shared.lock().expect("no test panics here").letters.clone()
    }

    /// Waits until somebody has connected so often.
    pub async fn until_connections(&self, count: usize) {
        self.until(LIMIT, |shared| shared.connections >= count).await;
    }

    /// Waits for so many letters to have come, and answers them.
    pub async fn until_letters(&self, count: usize) -> Vec<Taken> {
        self.until_letters_within(count, LIMIT).await
    }

    /// The same, for letters that take longer on purpose.
    pub async fn until_letters_within(&self, count: usize, limit: Duration) -> Vec<Taken> {
        self.until(limit, |shared| shared.letters.len() >= count).await;
        self.letters()
    }

    async fn until(&self, limit: Duration, holds: impl Fn(&Shared) -> bool) {
        let wait = async {
            while !holds(&self.shared.lock().expect("no test panics here")) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(limit, wait).await.expect("the mail server hears of it in time");
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Taken {
    /// A field of the head.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let head = self.raw.split("\r\n\r\n").next()?;
        head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// All of it, with quoted-printable read.
    #[must_use]
    pub fn text(&self) -> String {
        let whole = self.raw.replace("=\r\n", "");
        let mut parts = whole.split('=');
        let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
        for part in parts {
            let decoded = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
            bytes.push(decoded.unwrap_or(b'='));
            bytes.extend_from_slice(&part.as_bytes()[if decoded.is_some() { 2 } else { 0 }..]);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The link in it, and the token at its end.
    #[must_use]
    pub fn link(&self) -> (String, String) {
        let text = self.text();
        let link = text.split_whitespace().find(|word| word.starts_with("http") && word.contains('#'));
        let (page, token) = link.and_then(|link| link.split_once('#')).expect("the letter has a link");
        (page.to_owned(), token.to_owned())
    }
}

async fn serve(stream: TcpStream, shared: Arc<Mutex<Shared>>) {
    let manner = || shared.lock().expect("no test panics here").manner;
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    if manner() == Manner::Stalls {
        // Until whoever connected leaves.
        while let Ok(Some(_)) = lines.next_line().await {}
        return;
    }
    let mut to = Vec::new();
    if write.write_all(b"220 mail.test\r\n").await.is_err() {
        return;
    }
    while let Ok(Some(line)) = lines.next_line().await {
        let command = line.to_ascii_uppercase();
        let answer = if command.starts_with("EHLO") {
            "250-mail.test\r\n250 8BITMIME\r\n"
        } else if command.starts_with("RCPT TO:") {
            match manner() {
                Manner::Refuses => "550 5.1.1 <somebody@example.org> is nobody here\r\n",
                Manner::Busy => "451 4.3.0 come again\r\n",
                Manner::Takes | Manner::Stalls => {
                    to.push(line["RCPT TO:".len()..].trim().trim_matches(['<', '>']).to_owned());
                    "250 ok\r\n"
                }
            }
        } else if command == "DATA" {
            let _gone = write.write_all(b"354 go on\r\n").await;
            let mut raw = String::new();
            while let Ok(Some(line)) = lines.next_line().await {
                if line == "." {
                    break;
                }
                raw.push_str(line.strip_prefix('.').unwrap_or(&line));
                raw.push_str("\r\n");
            }
            let letter = Taken { to: std::mem::take(&mut to), raw };
            shared.lock().expect("no test panics here").letters.push(letter);
            "250 taken\r\n"
        } else if command == "QUIT" {
            let _gone = write.write_all(b"221 bye\r\n").await;
            return;
        } else {
            "250 ok\r\n"
        };
        if write.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}
