//! Section `[outbound]`: the listener for the application's calls, and what all of them share. Its entries are in [`crate::external`].

use std::net::SocketAddr;

use seawall_core::settings::{
    BadSetting, Complaint, Field, Literal, Raw, Secret, Section, Setting, Shape, Situation, Size, Values, too_short,
};

use crate::external;

const LISTEN: Field<LocalAddress> = Field::new(
    "listen",
    Literal::Text("127.0.0.1:9091"),
    "Where the application sends its calls: an address of this machine only. It is opened when there is a service to call.",
)
.needs_restart();
const KEY: Field<Secret> = Field::new(
    "key",
    Literal::Unset,
    "The application's key, which every call shows. Unset, one is made at the first start and kept in `outbound.key` in the data directory; an application that Seawall starts finds it in `SEAWALL_KEY`.",
)
.needs_restart();
const LARGEST_CALL: Field<Size> = Field::new(
    "largest_call",
    Literal::Text("10mb"),
    "The largest body of a call. It is held until there is an answer, so that it can be tried again.",
)
.between("1kb", "256mb")
.needs_restart();
const MEMORY: Field<Size> = Field::new(
    "memory",
    Literal::Text("256mb"),
    "How much the bodies of all calls may hold at once; calls beyond are answered 503.",
)
.between("1mb", "64gb")
.needs_restart();

/// The section.
pub static SECTION: Section = Section::new(
    "outbound",
    "Calls of the application to other services. Each `[outbound.NAME]` is a service, called as `/out/NAME/…` of the outbound listener: Seawall adds its key, waits no longer than it should, tries again, and leaves it alone when it is down.",
    &[LISTEN.spec(), KEY.spec(), LARGEST_CALL.spec(), MEMORY.spec()],
)
.with_entries(external::FIELDS)
.with_demands(demands)
.with_entry_demands(external::demands);

/// An address that other machines cannot reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LocalAddress(SocketAddr);

impl Setting for LocalAddress {
    const SHAPE: Shape = Shape::Text("address", "127.0.0.1:9091");

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else {
            return Err(format!("expected an address as text, such as \"127.0.0.1:9091\", found {}", raw.kind()));
        };
        let address: SocketAddr =
            text.parse().map_err(|_| format!("\"{text}\" is not an address and port, such as \"127.0.0.1:9091\""))?;
        if address.ip().to_canonical().is_loopback() {
            return Ok(Self(address));
        }
        Err(format!(
            "\"{text}\" can be reached from other machines, and whoever reaches it with the key spends what the services cost; listen on 127.0.0.1"
        ))
    }
}

/// What all calls share.
#[derive(Clone, Debug)]
pub struct OutboundSettings {
    /// Where calls come in.
    pub listen: SocketAddr,
    /// The application's key, when configuration gives one.
    pub key: Option<Secret>,
    /// The largest body of a call.
    pub largest_call_bytes: usize,
    /// What the bodies of all calls may hold.
    pub memory_bytes: usize,
}

impl OutboundSettings {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values) -> Result<Self, BadSetting> {
        let bytes = |field| values.get(field).map(|size: Size| usize::try_from(size.bytes()).unwrap_or(usize::MAX));
        Ok(Self {
            listen: values.get(&LISTEN)?.0,
            key: values.find(&KEY)?,
            largest_call_bytes: bytes(&LARGEST_CALL)?,
            memory_bytes: bytes(&MEMORY)?,
        })
    }
}

fn demands(values: &Values, situation: &Situation) -> Vec<Complaint> {
    too_short(values, situation, "key", &KEY).into_iter().collect()
}
