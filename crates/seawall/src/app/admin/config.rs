//! Section `[admin]`.

use std::net::SocketAddr;

use seawall_core::settings::{
    BadSetting, Complaint, Field, Literal, Raw, Secret, Section, Setting, Shape, Situation, Values, too_short,
};

/// An address of the admin listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct AdminAddress(SocketAddr);

impl Setting for AdminAddress {
    const SHAPE: Shape = Shape::Text("address", "127.0.0.1:9090");

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Text(text) = raw else {
            return Err(format!("expected an address as text, such as \"127.0.0.1:9090\", found {}", raw.kind()));
        };
        let address: SocketAddr =
            text.parse().map_err(|_| format!("\"{text}\" is not an address and port, such as \"127.0.0.1:9090\""))?;
        if address.ip().to_canonical().is_loopback() {
            return Ok(Self(address));
        }
        Err(format!(
            "\"{text}\" can be reached from other machines, which the admin interface refuses without TLS and a credential; \
             listen on 127.0.0.1 and reach it through a tunnel, such as ssh -L 9090:127.0.0.1:{}",
            address.port()
        ))
    }
}

const LISTEN: Field<AdminAddress> = Field::new(
    "listen",
    Literal::Text("127.0.0.1:9090"),
    "Where the admin interface listens: an address of this machine only.",
)
.needs_restart();
const TOKEN: Field<Secret> = Field::new(
    "token",
    Literal::Unset,
    "The token for everything but health and metrics. Unset, one is made at the first start and kept in `admin.token` in the data directory.",
)
.needs_restart();

const KEY: Field<Secret> = Field::new(
    "key",
    Literal::Unset,
    "A key for scripts of operators, sent as `X-Admin-Key` in the place of the token. Unset, there is none. After five wrong ones it is not heard for 15 minutes, while the token is.",
)
.needs_restart();

/// The section.
pub static SECTION: Section =
    Section::new("admin", "The admin interface.", &[LISTEN.spec(), TOKEN.spec(), KEY.spec()]).with_demands(demands);

/// How the admin interface behaves.
#[derive(Clone, Debug)]
pub struct AdminSettings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The token, when configuration gives one.
    pub token: Option<Secret>,
    /// The operators' key for scripts, when there is one.
    pub key: Option<Secret>,
}

impl AdminSettings {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`BadSetting`] when they are not checked settings of the section.
    pub fn read(values: &Values) -> Result<Self, BadSetting> {
        Ok(Self { listen: values.get(&LISTEN)?.0, token: values.find(&TOKEN)?, key: values.find(&KEY)? })
    }
}

fn demands(values: &Values, situation: &Situation) -> Vec<Complaint> {
    [("token", &TOKEN), ("key", &KEY)]
        .into_iter()
        .filter_map(|(what, field)| too_short(values, situation, what, field))
        .collect()
}
