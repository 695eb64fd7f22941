//! The rules of DNSRecords: what one wishes, which of several owns a host, what an answer says about the wish, and how a
//! zone is changed without touching what others wrote there.

mod answer;
mod claim;
mod judge;
mod schedule;
mod wish;
mod zone;

pub use answer::{Answer, Asked};
pub use claim::Claim;
pub use judge::{Provider, judge};
pub use schedule::next_check;
pub use wish::{BadWish, Data, Kind, Wish};
pub use zone::{AtHost, Before, Marker, Step, removal, zone_of};
