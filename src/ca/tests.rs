//! What the authority signs, what it refuses, and what stays secret.

mod authority;
mod bench;
mod given;
mod hosts;
mod leaves;
mod origins;
mod secrets;
