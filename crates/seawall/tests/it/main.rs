//! End-to-end tests: the real server on free ports, real sockets, real applications behind it.

mod smoke;
