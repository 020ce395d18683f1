//! The connection to a collector.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::model::Host;
use crate::settings::{Syslog, Transport};
use crate::shipping::ShippingError;

/// How long a connection may take to stand, TLS included.
const PATIENCE: Duration = Duration::from_secs(10);
/// For how long the other kernel may leave unacknowledged what was sent before ours gives the
/// connection up; less than [`crate::shipping::sink::KEEP`].
pub(super) const UNACKNOWLEDGED: Duration = Duration::from_secs(15);
/// How long a connection may be silent before the other side is asked whether it is there.
const SILENCE: Duration = Duration::from_secs(10);

/// A connection.
pub(super) type Link = Box<dyn Duplex>;

/// Both ways at once.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// Connects to one collector.
pub(super) struct Dialler {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Dialler {
    pub(super) fn new(collector: &Syslog) -> Result<Dialler, ShippingError> {
        let port = collector.address.port;
        let host = match &collector.address.host {
            Host::Name(name) => name.to_string(),
            // Without the brackets that an address has in a URL.
            Host::Address(address) => address.to_string(),
        };
        let tls = match collector.transport {
            Transport::Tcp => None,
            Transport::Tls => {
                let provider = Arc::new(aws_lc_rs::default_provider());
                let config = ClientConfig::builder_with_provider(provider)
                    .with_safe_default_protocol_versions()?
                    .with_root_certificates(roots(collector)?)
                    .with_no_client_auth();
                let name = ServerName::try_from(host.clone())
                    .map_err(|fault| rustls::Error::General(format!("{host}: {fault}")))?;
                Some((TlsConnector::from(Arc::new(config)), name))
            }
        };
        Ok(Dialler { host, port, tls })
    }

    /// A connection on which can be sent.
    pub(super) async fn dial(&self) -> io::Result<Link> {
        let dialled = async {
            let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
            let socket = SockRef::from(&stream);
            socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
            socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(SILENCE).with_interval(SILENCE / 2))?;
            match &self.tls {
                None => Ok(Box::new(stream) as Link),
                Some((connector, name)) => {
                    Ok(Box::new(connector.connect(name.clone(), stream).await?) as Link)
                }
            }
        };
        tokio::time::timeout(PATIENCE, dialled).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }
}

fn roots(collector: &Syslog) -> Result<RootCertStore, ShippingError> {
    let mut roots = RootCertStore::empty();
    let Some(file) = &collector.ca else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return Ok(roots);
    };
    let failed =
        |fault: String| ShippingError::Authority { name: collector.name.clone(), file: file.clone(), fault };
    for certificate in CertificateDer::pem_file_iter(file).map_err(|fault| failed(fault.to_string()))? {
        let certificate = certificate.map_err(|fault| failed(fault.to_string()))?;
        roots.add(certificate).map_err(|fault| failed(fault.to_string()))?;
    }
    match roots.is_empty() {
        true => Err(failed("no certificate in PEM form".to_owned())),
        false => Ok(roots),
    }
}
