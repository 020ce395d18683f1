//! A transparent TLS door on which a client gets through to an origin without a firewall's help.
//!
//! Nothing redirects here, so the door's own address is taken for the original destination. It
//! is one of the host's outward addresses: on loopback the port would be this gateway's own.

use std::io::Write;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};

use super::Builder;

impl Builder {
    /// With such a door. `None` where the host has no outward address, after saying so loudly; in
    /// CI that is a failure.
    pub(crate) fn redirected(mut self) -> Option<Builder> {
        let Some(address) = outward() else {
            let in_ci = std::env::var("CI").is_ok_and(|value| value == "true");
            assert!(!in_ci, "no address but loopback: the transparent door can't be tested");
            let loud = b"\n*** SKIPPED: the transparent TLS door was NOT tested: no address but loopback\n";
            std::io::stderr().write_all(loud).unwrap();
            return None;
        };
        let free = TcpListener::bind((address, 0)).unwrap();
        self.redirected = Some(free.local_addr().unwrap());
        Some(self)
    }

    /// The policy, in which the door's port is one that pupils may name.
    pub(super) fn policy_text(&self) -> String {
        let Some(door) = self.redirected else { return self.policy.clone() };
        let pupils = "[groups.pupils]\n";
        self.policy.replace(pupils, &format!("{pupils}ports = [80, 443, {}]\n", door.port()))
    }
}

/// The address of the transparent TLS door, as the settings have it.
pub(super) fn address(redirected: Option<SocketAddr>) -> String {
    redirected.map_or_else(|| "127.0.0.1:0".to_owned(), |door| door.to_string())
}

/// What the settings say of the door's port: that the TLS origin is behind it, as behind 443.
pub(super) fn port(redirected: Option<SocketAddr>, tls: SocketAddr) -> String {
    redirected.map_or_else(String::new, |door| format!("{} = {}, ", door.port(), tls.port()))
}

/// No packet is sent.
fn outward() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").or_else(|_| socket.connect("203.0.113.1:9")).ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
}
