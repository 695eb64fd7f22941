//! Two controllers, of which one works: handed over, taken over, and the late write of one that was paused.

mod handover;
mod late_write;
mod stage;
