//! Every path of the upstream, really seen by the clients.

mod faults;
mod honest;
mod hyper_client;
mod interim;
mod keep_alive;
mod server;
mod timing;
mod upgrades;

use super::{Kind, Upstream};
use crate::client::RawClient;

async fn by_path() -> (Upstream, RawClient) {
    let upstream = Upstream::start(Kind::ByPath).await;
    let client = RawClient::connect(upstream.address).await;
    (upstream, client)
}
