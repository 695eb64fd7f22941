//! The webhook's server: spoken to as no API server does, with certificates that change, and on its way out.

mod bodies;
mod certificates;
mod drain;
mod foreign;
mod slow;
mod support;
mod trust;
