//! `[[audit.syslog]]`.

use std::path::Path;

use super::{faults, read};
use crate::settings::{SyslogNames, Transport};

#[test]
fn a_collector_is_read_with_its_defaults() {
    let text = "[[audit.syslog]]\nname = \"county\"\naddress = \"collector.school.county.sch.uk:6514\"\n\
                transport = \"tls\"\nca = \"county.pem\"\ndatasets = [\"access\", \"schoolgate.alert\"]\n\
                [[audit.syslog]]\nname = \"here\"\naddress = \"[::1]:514\"\ntransport = \"tcp\"\nnames = \"pseudonyms\"\n";
    let settings = read(text, &[]).unwrap();
    let [county, here] = settings.audit.syslog.as_slice() else { panic!("two are there") };
    assert_eq!(
        (county.address.host.to_string(), county.address.port),
        ("collector.school.county.sch.uk".into(), 6514)
    );
    assert!(county.ca.as_deref().is_some_and(|ca| ca.ends_with(Path::new("county.pem"))));
    assert_eq!(county.datasets.iter().collect::<Vec<_>>(), ["schoolgate.access", "schoolgate.alert"]);
    assert_eq!((here.transport, here.address.host.to_string()), (Transport::Tcp, "[::1]".into()));
    assert_eq!((county.names, here.names), (SyslogNames::Full, SyslogNames::Pseudonyms));
    assert!(here.datasets.is_empty() && here.ca.is_none(), "all of them, the system's authorities");
}

#[test]
fn every_fault_of_a_collector_says_what_to_write() {
    let text = "[[audit.syslog]]\nname = \"a b\"\naddress = \"collector\"\ntransport = \"udp\"\n\
                [[audit.syslog]]\nname = \"one\"\naddress = \"c.example:0\"\ntransport = \"tls\"\ndatasets = [\"acces\"]\n\
                [[audit.syslog]]\nname = \"two\"\naddress = \"c.example:514\"\ntransport = \"tcp\"\nca = \"x.pem\"\nport = 7\n\
                [[audit.syslog]]\nname = \"two\"\naddress = \"c.example:514\"\ntransport = \"tcp\"\n\
                [[audit.syslog]]\n\
                [[audit.syslog]]\nname = \"three\"\naddress = \"c.example:514\"\ntransport = \"tcp\"\n\
                names = \"pseudonyms\"\ndatasets = [\"access\", \"alert\"]\n\
                [[audit.syslog]]\nname = \"four\"\naddress = \"c.example:514\"\ntransport = \"tcp\"\nnames = \"none\"\n";
    let found = faults(text).join("\n");
    for part in [
        "2:8 not a name",
        "3:11 not a host with a port",
        "4:13 write \"tls\"",
        "7:11 not a host with a port",
        "9:13 no kind of event",
        "14:6 there are no certificates without TLS",
        "15:1 unknown key `port`",
        "17:8 there is another collector called two",
        "26:23 whoever gets pseudonyms is told of no alerts",
        "31:9 write \"full\"",
        "`name`",
        "`address`",
        "`transport`",
    ] {
        assert!(found.contains(part), "{part} is not in\n{found}");
    }
}
