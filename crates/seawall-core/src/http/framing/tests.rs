//! The checkers, fed with the same bytes in every way they may arrive.

mod corpus;
mod feeding;
mod generated;
mod request_bodies;
mod requests;
mod responses;
mod timing;
