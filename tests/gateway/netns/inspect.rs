//! Decryption behind the project's own firewall rules: at port 443 itself, over IPv4 and IPv6.

use std::path::PathBuf;

use crate::harness::Program;
use crate::netns::rig::{ELSEWHERE4, ELSEWHERE6, MATHS4, MATHS6, PUPIL4, PUPIL6, Rig, STAFF4, STAFF6, Said};

/// curl's exit code for a certificate that it does not trust.
const NOT_TRUSTED: Option<i32> = Some(60);

/// Pupil, staff, the site, and another machine.
const FAMILIES: [[&str; 4]; 2] = [[PUPIL4, STAFF4, MATHS4, ELSEWHERE4], [PUPIL6, STAFF6, MATHS6, ELSEWHERE6]];

#[tokio::test(flavor = "multi_thread")]
async fn by_redirect_pupils_are_inspected_and_staff_are_not() {
    let Some(rig) = Rig::make().await else { return };
    rig.load("redirect.nft").await;
    inspects(rig).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_tproxy_pupils_are_inspected_and_staff_are_not() {
    let Some(rig) = Rig::make().await else { return };
    rig.route_marked().await;
    rig.load("tproxy.nft").await;
    inspects(rig).await;
}

async fn inspects(rig: Rig) {
    let program = serving(&rig).await;
    for [pupil, staff, maths, elsewhere] in FAMILIES {
        for http in ["--http1.1", "--http2"] {
            let said = curl(&rig, pupil, "https://maths.example/", maths, &[http]).await;
            let expected = format!("served at {MATHS4} for maths.example");
            assert_eq!(said.page(), ("200", &*expected), "{pupil}: {said:?}");
            let said = curl(&rig, pupil, "https://games.example/", elsewhere, &[http]).await;
            let (status, page) = said.page();
            assert_eq!(status, "403", "{pupil}: {said:?}");
            assert!(page.contains("This site is blocked") && page.contains("Games"), "{page}");
        }
        let said = curl(&rig, pupil, "https://maths.example/", elsewhere, &[]).await;
        let expected = format!("served at {MATHS4} for maths.example");
        assert_eq!(said.page(), ("200", &*expected), "a borrowed name reaches another machine: {said:?}");
        let said = curl(&rig, pupil, "https://wrong.example/", maths, &[]).await;
        let (status, page) = said.page();
        assert_eq!(status, "502", "{pupil}: {said:?}");
        assert!(page.contains("belongs to a different website"), "{page}");
        // The rig's own curl trusts the sites' authority alone.
        let said = rig.curl(pupil, "https://maths.example/", maths).await;
        assert_eq!(said.code, NOT_TRUSTED, "{pupil}: {said:?}");
        let said = rig.curl(staff, "https://maths.example/", maths).await;
        assert_eq!(said.page().0, "200", "{staff} sees the site's own certificate: {said:?}");
    }
    let trail = rig.site.trail();
    for url in ["https://maths.example/", "https://games.example/", "https://wrong.example/"] {
        let seen = trail.iter().filter(|event| event["url"]["full"] == url).count();
        assert!(seen > 0, "{url} is not in the record");
    }
    drop(program);
    rig.end().await;
}

/// The gateway on its box, with pupils inspected; both authorities in one file beside it.
async fn serving(rig: &Rig) -> Program {
    let settings = std::fs::read_to_string(rig.site.file("schoolgate.toml")).unwrap();
    let settings = settings
        .replace("[resolver.hosts]\n", &format!("[resolver.hosts]\n\"wrong.example\" = \"{MATHS4}\"\n"));
    let roots = format!("[upstream]\nextra_roots = [\"{}\"]\n", rig.authority().display());
    rig.site.write("schoolgate.toml", &format!("{settings}{roots}"));
    let policy = std::fs::read_to_string(rig.site.file("policy.toml")).unwrap();
    rig.site.write("policy.toml", &policy.replace("[groups.ks2]\n", "[groups.ks2]\ninspect = \"always\"\n"));
    let program = rig.serve().await;
    let authorities = [rig.site.file("var/ca/authority.pem"), rig.authority()];
    let both = authorities.map(|file| std::fs::read_to_string(file).unwrap()).concat();
    std::fs::write(trusted(rig), both).unwrap();
    program
}

fn trusted(rig: &Rig) -> PathBuf {
    rig.site.file("trusted.pem")
}

/// As the rig's, on a device that trusts the school's authority.
async fn curl(rig: &Rig, from: &str, url: &str, at: &str, options: &[&str]) -> Said {
    let at = if at.contains(':') { format!("[{at}]") } else { at.to_owned() };
    let elsewhere = format!("::{at}:");
    let trusted = trusted(rig).display().to_string();
    let mut command = vec!["curl", "-sS", "--max-time", "8", "--noproxy", "*", "--interface", from];
    command.extend(["--cacert", &trusted, "-w", "%{http_code}", "--connect-to", &elsewhere]);
    command.extend(options);
    command.push(url);
    rig.run("pupil", &command).await
}
