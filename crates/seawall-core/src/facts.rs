//! What the guards found out about a request, as built-in targets are told it: identity never travels in headers inside the process.

use std::{net::IpAddr, sync::Arc};

use crate::{principal::Principal, reply::PortError, request_id::RequestId, settings::Secret};

/// The facts of one request.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The request's id.
    pub request_id: RequestId,
    /// The client's address.
    pub client: IpAddr,
    /// Whether the client's own connection is encrypted.
    pub secure: bool,
    /// Whether a page is wanted rather than JSON.
    pub wants_page: bool,
    /// Who it is from.
    pub principal: Option<Arc<Principal>>,
    /// Why it could not be found out whose the credential is that it came with.
    pub unproven: Option<PortError>,
    /// The refresh token that came in a cookie.
    pub refresh: Option<Secret>,
}
