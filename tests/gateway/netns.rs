//! The transparent doors behind the project's own firewall rules, in network namespaces:
//! REDIRECT and TPROXY, IPv4 and IPv6, as the pupils' devices meet them.

mod inspect;
mod intercept;
mod rig;
