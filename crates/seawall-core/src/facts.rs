//! What the guards found out about a request, as built-in targets are told it: identity never travels in headers inside the process.

use std::{net::IpAddr, sync::Arc};

use crate::{principal::Principal, request_id::RequestId};

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
}
