//! The open sockets of one core, found by whose they are: a session that ends takes its sockets with it.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, VecDeque},
    rc::Rc,
    sync::Arc,
};

use seawall_core::principal::{Principal, Revoked};
use tokio::sync::Notify;

/// The open sockets of one core.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    open: Cell<usize>,
    by_session: RefCell<Index>,
    by_principal: RefCell<Index>,
    /// The latest revocations, each with when it was told: whoever was let in before may still be on the way to a socket.
    recent: RefCell<VecDeque<(u64, Revoked)>>,
    /// Whoever was let in before may be revoked: what was told then is not known one by one.
    unknown_before_us: Cell<u64>,
}

/// How many revocations are kept for requests that are on their way.
const RECENT: usize = 1_024;

type Index = BTreeMap<Arc<str>, Vec<Rc<Revocation>>>;

/// What an open socket waits on.
#[derive(Debug, Default)]
struct Revocation {
    revoked: Cell<bool>,
    told: Notify,
}

/// An open socket's place among the others; it leaves when dropped.
#[derive(Debug)]
pub(crate) struct Gate {
    sockets: Rc<Sockets>,
    principal: Option<Arc<Principal>>,
    revocation: Rc<Revocation>,
}

impl Sockets {
    /// Open sockets.
    pub(crate) fn open(&self) -> usize {
        self.open.get()
    }

    /// Takes in a socket of this principal, asked for at `begun_us` (monotonic microseconds). What was revoked since then is revoked here
    /// too: between a handshake and its answer an application may take its time.
    pub(crate) fn enter(self: &Rc<Self>, principal: Option<Arc<Principal>>, begun_us: u64) -> Gate {
        self.open.set(self.open.get() + 1);
        let revocation = Rc::new(Revocation::default());
        if let Some(principal) = &principal {
            if self.revoked_since(principal, begun_us) {
                revocation.tell();
            }
            let add = |index: &RefCell<Index>, name: &Arc<str>| {
                index.borrow_mut().entry(Arc::clone(name)).or_default().push(Rc::clone(&revocation));
            };
            add(&self.by_principal, &principal.id);
            // A key ends with its owner too.
            if let Some(owner) = &principal.owner {
                add(&self.by_principal, owner);
            }
            if let Some(session) = &principal.session {
                add(&self.by_session, session);
            }
        }
        Gate { sockets: Rc::clone(self), principal, revocation }
    }

    fn revoked_since(&self, principal: &Principal, begun_us: u64) -> bool {
        let recent = self.recent.borrow();
        let mut since = recent.iter().rev().take_while(|(told_us, _)| *told_us >= begun_us);
        self.unknown_before_us.get() > begun_us
            || since.any(|(_, revoked)| match revoked {
                Revoked::Session(session) => principal.session.as_ref() == Some(session),
                Revoked::Principal(id) => principal.id == *id || principal.owner.as_ref() == Some(id),
            })
    }

    /// Tells the sockets that what they were opened with holds no longer.
    pub(super) fn revoke(&self, revoked: &Revoked, now_us: u64) {
        let mut recent = self.recent.borrow_mut();
        if recent.len() == RECENT
            && let Some((told_us, _)) = recent.pop_front()
        {
            self.unknown_before_us.set(self.unknown_before_us.get().max(told_us.saturating_add(1)));
        }
        recent.push_back((now_us, revoked.clone()));
        drop(recent);
        let (index, name) = match revoked {
            Revoked::Session(session) => (&self.by_session, session),
            Revoked::Principal(id) => (&self.by_principal, id),
        };
        for revocation in index.borrow().get(name).into_iter().flatten() {
            revocation.tell();
        }
    }

    /// Tells every socket that was opened with anything that can be revoked.
    pub(super) fn revoke_all(&self, now_us: u64) {
        self.unknown_before_us.set(now_us.saturating_add(1));
        for revocation in self.by_principal.borrow().values().flatten() {
            revocation.tell();
        }
    }
}

impl Revocation {
    fn tell(&self) {
        self.revoked.set(true);
        self.told.notify_one();
    }
}

impl Gate {
    /// Whose socket it is.
    pub(crate) const fn principal(&self) -> Option<&Arc<Principal>> {
        self.principal.as_ref()
    }

    /// Ends when what the socket was opened with holds no longer.
    pub(crate) async fn revoked(&self) {
        while !self.revocation.revoked.get() {
            self.revocation.told.notified().await;
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.sockets.open.set(self.sockets.open.get().saturating_sub(1));
        let Some(principal) = &self.principal else { return };
        let remove = |index: &RefCell<Index>, name: &Arc<str>| {
            let mut index = index.borrow_mut();
            if let Some(sockets) = index.get_mut(name) {
                sockets.retain(|other| !Rc::ptr_eq(other, &self.revocation));
                if sockets.is_empty() {
                    index.remove(name);
                }
            }
        };
        remove(&self.sockets.by_principal, &principal.id);
        if let Some(owner) = &principal.owner {
            remove(&self.sockets.by_principal, owner);
        }
        if let Some(session) = &principal.session {
            remove(&self.sockets.by_session, session);
        }
    }
}

#[cfg(test)]
mod tests {
    use seawall_core::principal::SessionFacts;

    use super::*;

    fn principal(id: &str, session: Option<&str>) -> Option<Arc<Principal>> {
        let facts =
            SessionFacts { id: "".into(), authenticated_at_unix_us: 0, expires_at_unix_us: None, second_factor: false };
        let principal = Principal::user(id, id, &[], facts).unwrap();
        Some(Arc::new(Principal { session: session.map(Into::into), ..principal }))
    }

    #[test]
    fn a_revocation_reaches_the_sockets_it_means_and_no_other() {
        let sockets = Rc::new(Sockets::default());
        let gates = [
            sockets.enter(principal("ann", Some("1")), 0),
            sockets.enter(principal("ann", Some("2")), 0),
            sockets.enter(principal("bob", None), 0),
            sockets.enter(None, 0),
        ];
        let told = || gates.each_ref().map(|gate| gate.revocation.revoked.get());
        sockets.revoke(&Revoked::Session("2".into()), 0);
        assert_eq!(told(), [false, true, false, false]);
        sockets.revoke(&Revoked::Principal("ann".into()), 0);
        assert_eq!(told(), [true, true, false, false]);
        sockets.revoke(&Revoked::Session("bob".into()), 0);
        assert_eq!(told(), [true, true, false, false]);
        sockets.revoke_all(0);
        assert_eq!(told(), [true, true, true, false]);
    }

    #[test]
    fn a_key_ends_alone_or_with_its_owner() {
        let sockets = Rc::new(Sockets::default());
        let key = |id: &str| {
            let owned =
                |principal: Arc<Principal>| Arc::new(Principal { owner: Some("ann".into()), ..(*principal).clone() });
            sockets.enter(principal(id, None).map(owned), 0)
        };
        let gates = [key("k1"), key("k2"), sockets.enter(principal("bob", None), 0)];
        let told = || gates.each_ref().map(|gate| gate.revocation.revoked.get());
        sockets.revoke(&Revoked::Principal("k1".into()), 0);
        assert_eq!(told(), [true, false, false]);
        sockets.revoke(&Revoked::Principal("ann".into()), 0);
        assert_eq!(told(), [true, true, false]);
        drop(gates);
        assert_eq!(sockets.by_principal.borrow().len(), 0);
    }

    #[test]
    fn what_is_revoked_while_a_handshake_is_on_its_way_never_opens() {
        let sockets = Rc::new(Sockets::default());
        let key =
            || principal("k1", None).map(|key| Arc::new(Principal { owner: Some("ann".into()), ..(*key).clone() }));
        let told = |principal, begun_us| sockets.enter(principal, begun_us).revocation.revoked.get();
        sockets.revoke(&Revoked::Session("1".into()), 100);
        sockets.revoke(&Revoked::Principal("ann".into()), 200);
        assert!(told(principal("bob", Some("1")), 100) && !told(principal("bob", Some("1")), 101));
        assert!(told(key(), 150) && told(principal("ann", None), 200) && !told(key(), 201));
        assert!(!told(principal("bob", None), 0) && !told(None, 0));
        (0..RECENT as u64).for_each(|at| sockets.revoke(&Revoked::Session("2".into()), 300 + at));
        assert!(told(principal("bob", None), 200), "one of what was told then is forgotten");
        assert!(!told(principal("bob", None), 201) && !told(None, 0));
        sockets.revoke_all(5_000);
        assert!(told(principal("bob", None), 5_000) && !told(principal("bob", None), 5_001));
    }

    #[test]
    fn what_is_closed_is_forgotten() {
        let sockets = Rc::new(Sockets::default());
        let (first, second) =
            (sockets.enter(principal("ann", Some("1")), 0), sockets.enter(principal("ann", Some("1")), 0));
        drop(first);
        assert_eq!((sockets.open(), sockets.by_session.borrow().len()), (1, 1));
        drop(second);
        assert_eq!((sockets.open(), sockets.by_session.borrow().len(), sockets.by_principal.borrow().len()), (0, 0, 0));
    }
}
