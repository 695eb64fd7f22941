//! What the installed webhook lets pass, refuses and adds, as a person with kubectl meets it.

mod corpus;
mod custom;
mod hosts;
mod images;
mod kinds;
mod labels;
mod manifests;
mod outage;
mod places;
mod requests;
mod stamps;
mod support;
