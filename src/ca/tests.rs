//! What the authority signs, what it refuses, and what stays secret.

mod bench;
mod leaves;
