//! A bucket of each kind, made by hand at a server of this machine.

use std::{path::Path, sync::Arc};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use object_store::{ObjectStore, aws::AmazonS3Builder, azure::MicrosoftAzureBuilder, gcp::GoogleCloudStorageBuilder};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::server::Server;

/// The account and the key of every Azurite; its documentation has them.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A bucket called `backups`, and what the environment would say of it.
pub(super) struct Bucket {
    pub(super) url: &'static str,
    pub(super) options: Vec<(String, String)>,
    /// Another way to it, to spoil what is there.
    pub(super) client: Arc<dyn ObjectStore>,
    _server: Server,
}

fn options(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

impl Bucket {
    /// The same, with this variable changed.
    pub(super) fn but(&self, name: &str, value: &str) -> Vec<(String, String)> {
        let mut options = self.options.clone();
        options.iter_mut().find(|(known, _)| known == name).unwrap().1 = value.to_owned();
        options
    }

    /// At moto, which checks credentials when `strict`.
    pub(super) async fn s3(strict: bool) -> Option<Self> {
        let server = Server::moto(strict)?;
        let (id, secret) = if strict { user(server.port).await } else { ("test".to_owned(), "test".to_owned()) };
        asked(server.port, "PUT", "/backups", "", "").await;
        let endpoint = format!("http://127.0.0.1:{}", server.port);
        let options = options(&[
            ("AWS_ACCESS_KEY_ID", &id),
            ("AWS_SECRET_ACCESS_KEY", &secret),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ENDPOINT", &endpoint),
            ("AWS_ALLOW_HTTP", "true"),
        ]);
        let client = AmazonS3Builder::new()
            .with_url("s3://backups")
            .with_access_key_id(id)
            .with_secret_access_key(secret)
            .with_region("us-east-1")
            .with_endpoint(endpoint)
            .with_allow_http(true);
        Some(Self {
            url: "s3://backups/shop/prod",
            options,
            client: Arc::new(client.build().unwrap()),
            _server: server,
        })
    }

    /// Google's interface in XML is that of S3, so moto stands in for it; it neither checks credentials nor knows conditions.
    pub(super) async fn google() -> Option<Self> {
        let server = Server::moto(false)?;
        asked(server.port, "PUT", "/backups", "", "").await;
        let base = format!("http://127.0.0.1:{}", server.port);
        let options = options(&[("GOOGLE_BASE_URL", &base), ("GOOGLE_BEARER_TOKEN", "any")]);
        let client =
            GoogleCloudStorageBuilder::new().with_url("gs://backups").with_base_url(&base).with_bearer_token("any");
        Some(Self {
            url: "gs://backups/shop/prod",
            options,
            client: Arc::new(client.build().unwrap()),
            _server: server,
        })
    }

    /// At Azurite.
    pub(super) async fn azure(directory: &Path) -> Option<Self> {
        let server = Server::azurite(directory)?;
        container(server.port).await;
        let endpoint = format!("http://127.0.0.1:{}/{ACCOUNT}", server.port);
        let options = options(&[
            ("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT),
            ("AZURE_STORAGE_ACCOUNT_KEY", KEY),
            ("AZURE_ENDPOINT", &endpoint),
            ("AZURE_ALLOW_HTTP", "true"),
        ]);
        let client = MicrosoftAzureBuilder::new()
            .with_url("az://backups")
            .with_account(ACCOUNT)
            .with_access_key(KEY)
            .with_endpoint(endpoint)
            .with_allow_http(true);
        Some(Self {
            url: "az://backups/shop/prod",
            options,
            client: Arc::new(client.build().unwrap()),
            _server: server,
        })
    }
}

/// Makes a user who may do all; answers its credentials.
async fn user(port: u16) -> (String, String) {
    let scope = "authorization: AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=any\r\ncontent-type: application/x-www-form-urlencoded\r\n";
    let act = async |form: &str| asked(port, "POST", "/", scope, form).await;
    act("Action=CreateUser&Version=2010-05-08&UserName=keeper").await;
    let made = act("Action=CreateAccessKey&Version=2010-05-08&UserName=keeper").await;
    act("Action=PutUserPolicy&Version=2010-05-08&UserName=keeper&PolicyName=all&PolicyDocument=%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22s3%3A*%22%2C%22Resource%22%3A%22*%22%7D%5D%7D").await;
    let between = |name: &str| {
        let (_, rest) = made.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("no {name} in {made}"));
        rest.split('<').next().unwrap().to_owned()
    };
    (between("AccessKeyId"), between("SecretAccessKey"))
}

/// Makes the container, with a request signed as Azure's documentation says (Shared Key).
async fn container(port: u16) {
    let date = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let fields = format!("x-ms-date:{date}\nx-ms-version:2021-08-06\n");
    let text = format!("PUT{}{fields}/{ACCOUNT}/{ACCOUNT}/backups\nrestype:container", "\n".repeat(12));
    let key = hmac::Key::new(hmac::HMAC_SHA256, &BASE64.decode(KEY).unwrap());
    let signature = BASE64.encode(hmac::sign(&key, text.as_bytes()));
    let fields =
        format!("x-ms-date: {date}\r\nx-ms-version: 2021-08-06\r\nauthorization: SharedKey {ACCOUNT}:{signature}\r\n");
    asked(port, "PUT", &format!("/{ACCOUNT}/backups?restype=container"), &fields, "").await;
}

/// One request, which has to be answered with a 2xx; answers all of it.
async fn asked(port: u16, method: &str, path: &str, fields: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n{fields}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 2"), "{method} {path}: {answer}");
    answer
}
