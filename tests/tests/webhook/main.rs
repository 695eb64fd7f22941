//! The webhook's server, spoken to as no API server does: malformed, oversized and unfinished requests.

mod bodies;
mod slow;
mod support;
