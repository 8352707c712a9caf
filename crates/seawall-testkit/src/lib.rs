//! Helpers for Seawall's own tests; nothing here ships.
