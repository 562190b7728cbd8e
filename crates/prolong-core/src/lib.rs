//! What a session may do: state, policy, decide(). Pure: no I/O, no clock, no randomness
