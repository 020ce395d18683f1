//! The one way out: a permitted host becomes addresses once, and one of those is dialled.
//!
//! **Invariant:** nothing is dialled without a [`Permit`]; the address judged is the address
//! dialled, and it is never this gateway's own door.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::{Resolver, TokioResolver};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::model::{Host, Name};
use crate::policy::Permit;
use crate::settings::Hosts;

/// How long a name may take to resolve, in all.
const RESOLVE: Duration = Duration::from_secs(8);
/// How long one address is tried before the next, while others are left.
const NEXT_ADDRESS: Duration = Duration::from_secs(3);

/// How to get out.
pub struct Upstream {
    resolver: TokioResolver,
    hosts: Hosts,
    ports: BTreeMap<u16, u16>,
    own_ports: Vec<u16>,
    connect_timeout: Duration,
}

/// What an [`Upstream`] is made of; the settings say it.
#[derive(Clone, Debug, Default)]
pub struct Ways {
    /// Name servers; none: the system's.
    pub servers: Vec<SocketAddr>,
    /// Fixed addresses of a name, or of all below one (`*.suffix`).
    pub hosts: Hosts,
    /// Ports that are dialled in another's stead; for tests.
    pub ports: BTreeMap<u16, u16>,
    /// The ports on which this gateway listens.
    pub own_ports: Vec<u16>,
    /// How long a connection may take, in all.
    pub connect_timeout: Duration,
}

/// Why a name came to no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The name does not exist, or has no address.
    #[error("the site's name was not found")]
    NotFound,
    /// No name server answered in time.
    #[error("no name server answered")]
    NoAnswer,
}

/// Why no address could be dialled.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The address is one of this gateway's own doors.
    #[error("the address is this gateway's own")]
    Own,
    /// No address took the connection in time.
    #[error("the site did not answer in time")]
    TimedOut,
    /// The last address's answer.
    #[error("the site could not be reached: {0}")]
    Refused(io::ErrorKind),
}

/// Names can't be resolved with these settings.
#[derive(Debug, thiserror::Error)]
#[error("can't set up name resolution: {0}")]
pub struct ResolverError(String);

impl Upstream {
    /// Prepares the way out.
    ///
    /// # Errors
    /// [`ResolverError`] when the system's own settings can't be read.
    pub fn new(ways: Ways) -> Result<Upstream, ResolverError> {
        let resolver = resolver(&ways.servers).map_err(|fault| ResolverError(fault.to_string()))?;
        Ok(Upstream {
            resolver,
            hosts: ways.hosts,
            ports: ways.ports,
            own_ports: ways.own_ports,
            connect_timeout: ways.connect_timeout,
        })
    }

    /// The addresses of a host; asked once per access.
    pub(super) async fn resolve(&self, host: &Host) -> Result<Vec<IpAddr>, NameError> {
        match host {
            Host::Address(address) => Ok(vec![*address]),
            Host::Name(name) => match self.hosts.addresses(name) {
                Some(addresses) => Ok(addresses.to_vec()),
                None => self.look_up(name).await,
            },
        }
    }

    /// Dials the first of `addresses` that answers, in order, within the connect timeout.
    pub(super) async fn dial(&self, permit: &Permit, addresses: &[IpAddr]) -> Result<TcpStream, DialError> {
        let port = self.ports.get(&permit.port()).copied().unwrap_or(permit.port());
        let deadline = Instant::now() + self.connect_timeout;
        let mut fault = DialError::TimedOut;
        for (tried, address) in addresses.iter().enumerate() {
            if self.is_own_door(*address, port) {
                return Err(DialError::Own);
            }
            let last = tried + 1 == addresses.len();
            let until = if last { deadline } else { deadline.min(Instant::now() + NEXT_ADDRESS) };
            match tokio::time::timeout_at(until, TcpStream::connect((*address, port))).await {
                Ok(Ok(stream)) => {
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Ok(Err(refusal)) => fault = DialError::Refused(refusal.kind()),
                Err(_) => fault = DialError::TimedOut,
            }
        }
        Err(fault)
    }

    /// How long an origin may take over a handshake.
    pub(super) fn patience(&self) -> Duration {
        self.connect_timeout
    }

    async fn look_up(&self, name: &Name) -> Result<Vec<IpAddr>, NameError> {
        let fully_qualified = format!("{name}.");
        match tokio::time::timeout(RESOLVE, self.resolver.lookup_ip(fully_qualified)).await {
            Ok(Ok(found)) => {
                let mut addresses: Vec<IpAddr> = found.iter().map(|address| address.to_canonical()).collect();
                // IPv4 first: the family that a school's line is sure to have.
                addresses.sort_by_key(IpAddr::is_ipv6);
                if addresses.is_empty() { Err(NameError::NotFound) } else { Ok(addresses) }
            }
            Ok(Err(fault)) if fault.is_nx_domain() || fault.is_no_records_found() => Err(NameError::NotFound),
            Ok(Err(_)) | Err(_) => Err(NameError::NoAnswer),
        }
    }

    /// The last look before a connection leaves: own ports on any of this host's addresses,
    /// also those that no setting names.
    fn is_own_door(&self, address: IpAddr, port: u16) -> bool {
        self.own_ports.contains(&port) && is_local(address)
    }
}

/// Whether the system would take packets for `address` itself. No packet is sent.
fn is_local(address: IpAddr) -> bool {
    let any: SocketAddr = if address.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
    let Ok(socket) = UdpSocket::bind(any) else { return true };
    match socket.connect((address, 9)) {
        Ok(()) => socket.local_addr().is_ok_and(|local| local.ip() == address || address.is_loopback()),
        Err(_) => false,
    }
}

fn resolver(servers: &[SocketAddr]) -> Result<TokioResolver, hickory_resolver::net::NetError> {
    let mut builder = if servers.is_empty() {
        Resolver::builder_tokio()?
    } else {
        let servers = servers.iter().map(|server| {
            let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
            connections.iter_mut().for_each(|connection| connection.port = server.port());
            NameServerConfig::new(server.ip(), true, connections)
        });
        let config = ResolverConfig::from_name_servers(servers.collect());
        Resolver::builder_with_config(config, TokioRuntimeProvider::default())
    };
    let options: &mut ResolverOpts = builder.options_mut();
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    options.timeout = Duration::from_secs(2);
    options.attempts = 2;
    options.cache_size = 8192;
    options.positive_max_ttl = Some(Duration::from_secs(600));
    options.negative_max_ttl = Some(Duration::from_secs(10));
    builder.build()
}
