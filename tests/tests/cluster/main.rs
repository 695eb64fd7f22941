//! The test cluster itself: it starts, it is what it says, and it leaves nothing behind.

mod fake_nodes;
mod kubeop;
mod life;
