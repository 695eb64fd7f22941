//! Every place where an image stands: one finder for request bytes and for trees.
