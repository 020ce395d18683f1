//! Addresses that no client may be taken to: the gateway, this host, the school's own network.

use schoolgate::proxy::Door;

use crate::harness::{Gateway, POLICY, never_reached};

const HOSTS: &str = r#"{ "*.example" = "127.0.0.1", "rebound.test" = "10.0.0.1", "loopback.test" = "127.0.0.2",
    "own.test" = "127.0.0.1", "localhost" = "127.0.0.1", "six.test" = "::1", "mapped.test" = "::ffff:127.0.0.1",
    "both.test" = ["10.0.0.1", "127.0.0.1"], "metadata.test" = "169.254.169.254" }"#;

/// Staff may do the unclassified and name these ports: only reach stands between them and us.
async fn gateway(ports: &[u16]) -> Gateway {
    let gateway = Gateway::new().setting("RESOLVER__HOSTS", HOSTS).start().await;
    let own = [gateway.door(Door::Explicit).port(), gateway.door(Door::TransparentTls).port()];
    let admin = [gateway.admin().port(), gateway.running.metrics[0].port()];
    let ports: Vec<u16> =
        [80, 443].into_iter().chain(own).chain(admin).chain(ports.iter().copied()).collect();
    let staff = "[groups.staff]\n";
    gateway
        .rewrite("policy.toml", &POLICY.replace(staff, &format!("{staff}ports = {ports:?}\n")))
        .await
        .unwrap();
    gateway
}

/// Invariant 14: no spelling of an own address reaches an own port, although 127.0.0.1 is
/// allowed as an origin.
#[tokio::test(flavor = "multi_thread")]
async fn own_ports_are_unreachable_in_any_spelling() {
    let gateway = gateway(&[]).await;
    let browser = gateway.browser("staff");
    let ports = [
        gateway.door(Door::Explicit).port(),
        gateway.door(Door::TransparentTls).port(),
        gateway.admin().port(),
        gateway.running.metrics[0].port(),
    ];
    let mut asked = 0;
    for port in ports {
        for host in [
            "127.0.0.1",
            "127.0.0.2",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0x7f.0.0.1",
            "0177.0.0.1",
            "0",
            "0.0.0.0",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[64:ff9b::7f00:1]",
            "localhost",
            "LOCALHOST.",
            "own.test",
            "loopback.test",
            "six.test",
            "mapped.test",
            "maths.example",
        ] {
            let target = format!("{host}:{port}");
            let answer = browser.get(&format!("http://{target}/")).await;
            assert_eq!(answer.status, 403, "{target}: {answer:?}");
            asked += 1;
            if let Ok(tunnel) = browser.connect(&target).await {
                // A name is resolved once it is known what is inside.
                let refused = browser.handshake(tunnel, "own.test").await;
                assert!(refused.is_err(), "{target}");
            }
            asked += 1;
        }
    }
    // Every connection to a door was one of ours: none came back through the gateway.
    assert_eq!(gateway.metric("connections_total"), asked);
    assert_eq!(gateway.origin.heads(), Vec::<String>::new());
    gateway.stop().await;
}

/// Invariants 5 and 14: private and local networks stay out of reach, by name and by address; a
/// name that resolves both ways is dialled at the address that was judged good.
#[tokio::test(flavor = "multi_thread")]
async fn private_and_local_networks_are_unreachable() {
    let (two, mut reached_two) = never_reached("127.0.0.2").await;
    let (six, mut reached_six) = never_reached("::1").await;
    let gateway = gateway(&[two.port(), six.port()]).await;
    let browser = gateway.browser("staff");
    let (two, six) = (two.port(), six.port());
    for target in [
        format!("127.0.0.2:{two}"),
        format!("loopback.test:{two}"),
        format!("2130706434:{two}"),
        format!("[::ffff:127.0.0.2]:{two}"),
        format!("[::1]:{six}"),
        format!("six.test:{six}"),
        "rebound.test:80".to_owned(),
        "10.0.0.1:80".to_owned(),
        "192.168.1.1:80".to_owned(),
        "172.16.0.1:80".to_owned(),
        "100.64.0.1:80".to_owned(),
        "169.254.169.254:80".to_owned(),
        "metadata.test:80".to_owned(),
        "[fd00::1]:80".to_owned(),
        "[fe80::1]:80".to_owned(),
        "224.0.0.1:80".to_owned(),
        "255.255.255.255:80".to_owned(),
    ] {
        let answer = browser.get(&format!("http://{target}/")).await;
        assert_eq!(answer.status, 403, "{target}: {answer:?}");
        let event = gateway.accesses().pop().unwrap().event;
        assert_eq!(event["schoolgate"]["rung"], "protocol", "{target} {event:#}");
        let name = target.rsplit_once(':').unwrap().0;
        if let Ok(tunnel) = browser.connect(&target).await {
            assert!(browser.handshake(tunnel, name).await.is_err(), "{target}");
        }
    }
    assert!(reached_two.try_recv().is_err() && reached_six.try_recv().is_err(), "somebody connected");
    assert_eq!(browser.get("http://both.test/").await.status, 200);
    let event = gateway.accesses().pop().unwrap().event;
    assert_eq!(event["destination"]["ip"], "127.0.0.1", "{event:#}");
    gateway.stop().await;
}
