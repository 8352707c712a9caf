//! The addresses behind a server's name: looked up when first needed, then again and again by the control plane, so that
//! connecting waits for no name service and follows it all the same.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// What a name stood for when it was last looked up.
#[derive(Debug)]
pub(super) struct Names {
    host: String,
    port: u16,
    /// An address was written instead of a name, so there is nothing to look up.
    fixed: Option<SocketAddr>,
    known: Mutex<Option<Arc<[SocketAddr]>>>,
    /// Held while looking up, so that many who need the first answer ask once.
    asking: tokio::sync::Mutex<()>,
    turn: AtomicUsize,
}

impl Names {
    pub(super) fn new(host: &str, port: u16) -> Self {
        let fixed = host.parse::<IpAddr>().ok().map(|address| SocketAddr::new(address, port));
        Self {
            host: host.to_owned(),
            port,
            fixed,
            known: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
            turn: AtomicUsize::new(0),
        }
    }

    /// The addresses to try, in order. Of several addresses of one family each comes first in its turn.
    pub(super) async fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        if let Some(fixed) = self.fixed {
            return Ok(vec![fixed]);
        }
        let known = match self.known() {
            Some(known) => known,
            None => self.first_answer().await?,
        };
        let mut addresses = known.to_vec();
        let family = addresses
            .first()
            .map_or(0, |first| addresses.iter().take_while(|address| address.is_ipv4() == first.is_ipv4()).count());
        if let Some(same) = addresses.get_mut(..family).filter(|same| same.len() > 1) {
            same.rotate_left(self.turn.fetch_add(1, Ordering::Relaxed) % family);
        }
        Ok(addresses)
    }

    /// Looks the name up again. When that fails, what was known stays.
    pub(super) async fn refresh(&self) {
        if self.fixed.is_some() || self.known().is_none() {
            return;
        }
        let _asking = self.asking.lock().await;
        match self.ask().await {
            Ok(addresses) => self.learn(addresses),
            Err(error) => {
                tracing::warn!(server.name = self.host.as_str(), error = %error, "a server's name could not be looked up; the addresses known stay in use");
            }
        }
    }

    async fn first_answer(&self) -> io::Result<Arc<[SocketAddr]>> {
        let _asking = self.asking.lock().await;
        if let Some(known) = self.known() {
            return Ok(known);
        }
        let addresses = self.ask().await?;
        self.learn(Arc::clone(&addresses));
        Ok(addresses)
    }

    async fn ask(&self) -> io::Result<Arc<[SocketAddr]>> {
        let addresses: Arc<[SocketAddr]> = tokio::net::lookup_host((self.host.as_str(), self.port)).await?.collect();
        if addresses.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, format!("the name {} has no address", self.host)));
        }
        Ok(addresses)
    }

    fn known(&self) -> Option<Arc<[SocketAddr]>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn learn(&self, addresses: Arc<[SocketAddr]>) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(addresses);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_needs_no_look_up() {
        let names = Names::new("::1", 80);
        assert_eq!(names.addresses().await.unwrap(), vec!["[::1]:80".parse().unwrap()]);
        assert!(names.known().is_none());
    }

    #[tokio::test]
    async fn addresses_of_one_family_take_turns_and_the_other_family_comes_last() {
        let names = Names::new("app.test", 80);
        let all: Vec<SocketAddr> = ["10.0.0.1:80", "10.0.0.2:80", "[::1]:80"].map(|text| text.parse().unwrap()).into();
        names.learn(all.clone().into());
        assert_eq!(names.addresses().await.unwrap(), all);
        assert_eq!(names.addresses().await.unwrap(), vec![all[1], all[0], all[2]]);
    }

    /// Addresses that no look-up of `localhost` gives.
    fn stale() -> Arc<[SocketAddr]> {
        ["10.0.0.1:80", "10.0.0.2:80"].map(|text| text.parse().unwrap()).into()
    }

    #[tokio::test]
    async fn a_name_that_moved_is_followed_by_the_next_look_up() {
        let names = Names::new("localhost", 80);
        names.refresh().await;
        assert!(names.known().is_none(), "nobody has needed it yet");
        names.learn(stale());
        assert_eq!(names.addresses().await.unwrap().len(), 2, "what is known is not looked up for each connection");
        names.refresh().await;
        let now = names.addresses().await.unwrap();
        assert!(!now.is_empty() && now.iter().all(|address| address.ip().is_loopback()), "{now:?}");
    }

    #[tokio::test]
    async fn a_look_up_that_fails_leaves_what_was_known() {
        // No name service is asked for a label of 64 characters: 63 are the most (RFC 1035 section 2.3.4).
        let names = Names::new(&"a".repeat(64), 80);
        assert!(names.addresses().await.is_err(), "the first look-up needs an answer");
        names.learn(stale());
        names.refresh().await;
        assert_eq!(names.known(), Some(stale()));
    }
}
