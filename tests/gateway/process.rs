//! The real program as an operator meets it: under load, killed, stopped, reloaded, misconfigured.

mod acts;
mod ca;
mod changes;
mod crash;
mod disk;
mod faults;
mod imports;
mod load;
mod lookups;
mod manager;
mod reads;
mod reload;
mod stop;
