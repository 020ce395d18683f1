//! What systemd is told: ready, reloading, alive, stopping.

use tokio::net::UnixDatagram;
use tokio::process::Command;

use crate::harness::{Gateway, Site, within};

#[tokio::test(flavor = "multi_thread")]
async fn the_service_manager_hears_of_start_reload_heartbeat_and_stop() {
    let mut site = Gateway::new().site().await;
    let mut manager = Manager::listen(&mut site);
    site.variable("WATCHDOG_USEC", "300000");
    let mut program = site.serve().await;
    manager.hears("READY=1").await;
    assert_eq!(
        site.browser(&program, "ks2").get("http://games.example/").await.status,
        403,
        "ready means so"
    );
    manager.hears("WATCHDOG=1").await;
    manager.hears("WATCHDOG=1").await;

    program.signal("HUP").await;
    let reloading = manager.hears("RELOADING=1").await;
    let monotonic = reloading.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC="));
    assert!(monotonic.is_some_and(|at| at.parse::<u64>().is_ok()), "{reloading:?}");
    manager.hears("READY=1").await;

    program.signal("TERM").await;
    manager.hears("STOPPING=1").await;
    assert!(program.ended().await.success());
}

/// A terminal that is gone, or a log collector that crashed, ends nothing: reloads that say what is
/// wrong, and the stop, go on as they would.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_nobody_listens_to_goes_on() {
    let mut site = Gateway::new().site().await;
    let mut manager = Manager::listen(&mut site);
    let (gone, said) = std::io::pipe().unwrap();
    drop(gone);
    let mut command = site.command(&["serve"]);
    command.stdout(said.try_clone().unwrap()).stderr(said);
    let mut process = command.spawn().unwrap();
    manager.hears("READY=1").await;
    for faulty in ["maths.example\nco.uk\n", "school-blocked.example\n"] {
        site.write("blocklists/school/block.txt", faulty);
        Command::new("kill").args(["-HUP", &process.id().unwrap().to_string()]).status().await.unwrap();
        manager.hears("RELOADING=1").await;
        manager.hears("READY=1").await;
    }
    Command::new("kill").args(["-TERM", &process.id().unwrap().to_string()]).status().await.unwrap();
    manager.hears("STOPPING=1").await;
    assert!(within(process.wait()).await.unwrap().success());
}

/// The service manager's end of `NOTIFY_SOCKET`.
struct Manager(UnixDatagram);

impl Manager {
    fn listen(site: &mut Site) -> Manager {
        let path = site.file("notify");
        site.variable("NOTIFY_SOCKET", path.to_str().unwrap());
        Manager(UnixDatagram::bind(path).unwrap())
    }

    /// Waits for a message with this line; others may come before.
    async fn hears(&mut self, line: &str) -> String {
        let listening = async {
            loop {
                let mut buffer = [0; 1024];
                let length = self.0.recv(&mut buffer).await.unwrap();
                let message = String::from_utf8_lossy(&buffer[..length]).into_owned();
                if message.lines().any(|told| told == line) {
                    return message;
                }
            }
        };
        within(listening).await
    }
}
