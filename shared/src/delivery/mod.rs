//! The decision core: `decide(observed)` -> next action.
