//! Twelve bad evenings: something that is delivered does not work, and whoever looks at the App is tired. Its
//! message names the cause within 5 s, and the command in it works when it is pasted into a shell.

mod admission;
mod by_hand;
mod claims;
mod creation;
mod others_webhook;
mod pods;
mod support;
