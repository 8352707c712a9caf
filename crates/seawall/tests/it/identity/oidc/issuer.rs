//! An issuer on this machine: its keys, the tokens it gives, and what it was asked.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};

/// An issuer on this machine.
pub(crate) struct Issuer {
    pub(crate) url: String,
    shared: Arc<Mutex<Shared>>,
    pub(super) task: AbortHandle,
}

#[derive(Default)]
pub(crate) struct Shared {
    /// The names of its keys, and what they are made from.
    pub(super) keys: Vec<(String, u8)>,
    /// What the token endpoint gives next.
    token: String,
    /// What was posted there last.
    pub(crate) posted: HashMap<String, String>,
    pub(super) keys_read: usize,
    /// How often its configuration was asked for.
    pub(super) asked: usize,
    /// Whether it fails.
    pub(super) away: bool,
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn pair(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

impl Issuer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Mutex::new(Shared { keys: vec![("k1".to_owned(), 1)], ..Shared::default() }));
        let (served, own) = (Arc::clone(&shared), url.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, own.clone(), Arc::clone(&served)));
            }
        });
        Self { url, shared, task: task.abort_handle() }
    }

    /// A token of these claims, by the newest key.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        let (kid, seed) = self.shared.lock().unwrap().keys.last().cloned().unwrap();
        signed(&json!({ "alg": "EdDSA", "kid": kid }), claims, seed)
    }

    /// What it was asked, and what it answers.
    pub(crate) fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap()
    }

    pub(crate) fn gives(&self, token: String) {
        self.shared.lock().unwrap().token = token;
    }
}

pub(super) fn signed(header: &Value, claims: &Value, seed: u8) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", encode(header), encode(claims));
    let signature = pair(seed).sign(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
}

async fn serve(mut stream: TcpStream, own: String, shared: Arc<Mutex<Shared>>) {
    let mut bytes = Vec::new();
    let (head, body) = loop {
        let mut piece = [0; 4_096];
        let Ok(read @ 1..) = stream.read(&mut piece).await else { return };
        bytes.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        if body.len() >= length.unwrap_or(0) {
            break (head.to_owned(), body.to_owned());
        }
    };
    let answer = {
        let mut shared = shared.lock().unwrap();
        if head.contains("openid-configuration") {
            shared.asked += 1;
        }
        if shared.away {
            let _gone = stream.try_write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            return;
        }
        match head.split(' ').nth(1).unwrap() {
            "/.well-known/openid-configuration" => json!({
                "issuer": own,
                "authorization_endpoint": format!("{own}/authorize"),
                "token_endpoint": format!("{own}/token"),
                "jwks_uri": format!("{own}/keys"),
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
            }),
            "/keys" => {
                shared.keys_read += 1;
                let jwk = |(kid, seed): &(String, u8)| {
                    let x = URL_SAFE_NO_PAD.encode(pair(*seed).public_key().as_ref());
                    json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x, "alg": "EdDSA" })
                };
                json!({ "keys": shared.keys.iter().map(jwk).collect::<Vec<_>>() })
            }
            _ => {
                shared.posted = pairs(&body);
                json!({ "id_token": shared.token, "access_token": "unused", "token_type": "Bearer" })
            }
        }
        .to_string()
    };
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", answer.len());
    let _gone = stream.write_all((head + &answer).as_bytes()).await;
}

/// The pairs of a query or a form.
pub(super) fn pairs(text: &str) -> HashMap<String, String> {
    let decode = |text: &str| {
        let mut parts = text.split('%');
        let mut bytes = parts.next().unwrap().as_bytes().to_vec();
        for part in parts {
            bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
            bytes.extend_from_slice(&part.as_bytes()[2..]);
        }
        String::from_utf8(bytes).unwrap()
    };
    text.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (decode(name), decode(value))).collect()
}
