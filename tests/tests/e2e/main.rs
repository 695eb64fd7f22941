//! End-to-end tests: everything that needs a real API server, one module an area.

mod api;
