//! What a technician sees after loading `redirect.nft` or `tproxy.nft` as they stand.

use crate::harness::Program;
use crate::netns::rig::{
    ELSEWHERE4, ELSEWHERE6, MATHS4, MATHS6, PUPIL4, PUPIL6, ROUTER4, ROUTER6, Rig, STAFF4, STAFF6,
};

/// curl's exit codes: no connection; no TLS.
const NO_CONNECTION: Option<i32> = Some(7);
const NO_TLS: Option<i32> = Some(35);

/// One address family: pupil, staff, router, the site, another site.
#[derive(Clone, Copy)]
struct Family {
    pupil: &'static str,
    staff: &'static str,
    router: &'static str,
    maths: &'static str,
    elsewhere: &'static str,
}

const FAMILIES: [Family; 2] = [
    Family { pupil: PUPIL4, staff: STAFF4, router: ROUTER4, maths: MATHS4, elsewhere: ELSEWHERE4 },
    Family { pupil: PUPIL6, staff: STAFF6, router: ROUTER6, maths: MATHS6, elsewhere: ELSEWHERE6 },
];

#[tokio::test(flavor = "multi_thread")]
async fn by_redirect_every_device_is_filtered() {
    let Some(rig) = Rig::make().await else { return };
    carries_without_rules(&rig).await;
    rig.load("redirect.nft").await;
    filters(rig, "redirect").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_tproxy_every_device_is_filtered() {
    let Some(rig) = Rig::make().await else { return };
    carries_without_rules(&rig).await;
    rig.route_marked().await;
    rig.load("tproxy.nft").await;
    filters(rig, "tproxy").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transparent_door_that_is_called_by_name_never_calls_itself() {
    let Some(rig) = Rig::make().await else { return };
    // No rules: nothing but the gateway itself stands between the device and the door.
    let program = rig.serve().await;
    for family in FAMILIES {
        let before = descriptors(&program);
        let router = bracketed(family.router);
        for port in [3129, 3130, 8080] {
            let page = format!("http://{router}:3129/");
            let host = format!("Host: {router}:{port}");
            let said = rig.run("pupil", &["curl", "-sS", "--max-time", "4", "-H", &host, &page]).await;
            assert!(said.out.contains("could not be shown") || said.out.contains("blocked"), "{said:?}");
        }
        let said =
            rig.run("pupil", &["curl", "-ksS", "--max-time", "4", &format!("https://{router}:3130/")]).await;
        assert_eq!(said.code, NO_TLS, "{said:?}");
        let named = ["curl", "-ksS", "--max-time", "4", "--connect-to"];
        let there = format!("::{router}:3130");
        let said = rig.run("pupil", &[&named[..], &[&there, "https://maths.example:3130/"]].concat()).await;
        assert_eq!(said.code, NO_TLS, "{said:?}");
        let after = descriptors(&program);
        assert!(after <= before + 4, "descriptors went from {before} to {after}: the gateway calls itself");
    }
    program.kill().await;
    rig.end().await;
}

/// So that what follows can't pass for want of a network.
async fn carries_without_rules(rig: &Rig) {
    for family in FAMILIES {
        for url in ["http://games.example/", "https://games.example/"] {
            let said = rig.curl(family.pupil, url, family.elsewhere).await;
            assert_eq!(said.page().0, "200", "the rig itself does not carry {url}: {said:?}");
        }
        assert_eq!(rig.quic(family.maths).await, "answered", "the rig itself carries no UDP");
    }
}

async fn filters(rig: Rig, how: &str) {
    for family in FAMILIES {
        nothing_passes(&rig, family, "before the first start").await;
    }
    let program = rig.serve().await;
    for family in FAMILIES {
        allowed_sites_pass(&rig, family).await;
        blocked_sites_do_not(&rig, family).await;
        staff_are_told_from_pupils_by_their_subnet(&rig, family).await;
        a_name_leads_to_its_own_address(&rig, family).await;
        what_shows_no_name_is_refused(&rig, family).await;
        nothing_goes_round(&rig, family).await;
        the_doors_themselves_are_shut(&rig, &program, family).await;
    }
    a_name_that_leads_inside_is_refused(&rig).await;
    the_record_says_who_asked(&rig);
    program.kill().await;
    for family in FAMILIES {
        nothing_passes(&rig, family, &format!("by {how}, with the gateway dead")).await;
    }
    let mut program = rig.serve().await;
    allowed_sites_pass(&rig, FAMILIES[0]).await;
    program.signal("TERM").await;
    assert!(program.ended().await.success());
    rig.site.verify().await;
    rig.end().await;
}

async fn allowed_sites_pass(rig: &Rig, family: Family) {
    for url in ["http://maths.example/", "https://maths.example/"] {
        let said = rig.curl(family.pupil, url, family.maths).await;
        let (status, page) = said.page();
        assert_eq!(status, "200", "an allowed site does not open for {}: {said:?}", family.pupil);
        assert_eq!(page, format!("served at {MATHS4} for maths.example"), "{url} from {}", family.pupil);
        // Reached over IPv6 as well, where the site has nothing else.
        let said = rig.curl(family.pupil, &url.replace("maths", "six"), family.maths).await;
        assert_eq!(said.page(), ("200", &*format!("served at {MATHS6} for six.example")), "{said:?}");
    }
}

async fn blocked_sites_do_not(rig: &Rig, family: Family) {
    let said = rig.curl(family.pupil, "http://games.example/", family.elsewhere).await;
    let (status, page) = said.page();
    assert_eq!(status, "403", "a blocked site opens for {}: {said:?}", family.pupil);
    assert!(page.contains("This site is blocked") && page.contains("Games"), "not the block page: {page}");
    let said = rig.curl(family.pupil, "https://games.example/", family.elsewhere).await;
    assert_eq!(said.code, NO_TLS, "a blocked site opens by TLS for {}: {said:?}", family.pupil);
    assert!(said.err.contains("access denied"), "the browser is not told access_denied: {said:?}");
}

async fn staff_are_told_from_pupils_by_their_subnet(rig: &Rig, family: Family) {
    for url in ["http://games.example/", "https://games.example/"] {
        let said = rig.curl(family.staff, url, family.elsewhere).await;
        assert_eq!(said.page().0, "200", "{} is not taken for staff: {said:?}", family.staff);
    }
}

async fn a_name_leads_to_its_own_address(rig: &Rig, family: Family) {
    for url in ["http://maths.example/", "https://maths.example/"] {
        let said = rig.curl(family.pupil, url, family.elsewhere).await;
        let expected = format!("served at {MATHS4} for maths.example");
        assert_eq!(said.page(), ("200", &*expected), "a borrowed name reaches another machine: {said:?}");
    }
}

async fn what_shows_no_name_is_refused(rig: &Rig, family: Family) {
    let at = bracketed(family.maths);
    let said = rig.curl(family.pupil, &format!("https://{at}/"), family.maths).await;
    assert_eq!(said.code, NO_TLS, "TLS without a name passes for pupils: {said:?}");
    assert!(said.err.contains("access denied"), "{said:?}");
    let script = format!("printf 'SSH-2.0-x\\r\\n' | timeout 5 curl -sS --max-time 4 telnet://{at}:443");
    let said = rig.run("pupil", &["sh", "-c", &script]).await;
    assert_eq!(said.out, "", "something other than TLS is answered on port 443: {said:?}");
    let trail = rig.site.trail();
    let mut nameless = trail.iter().filter(|event| event["destination"]["domain"].is_null());
    let mut refused = || {
        let event = nameless.find(|event| event["destination"]["ip"] == family.maths).expect("a record");
        (event["event"]["action"].as_str(), event["tls"]["client"]["server_name"].as_str())
    };
    // First TLS without a name, then what is no TLS.
    assert_eq!([refused(), refused()], [(Some("block"), None); 2], "recorded with their address");
}

async fn nothing_goes_round(rig: &Rig, family: Family) {
    assert_eq!(rig.quic(family.maths).await, "refused", "QUIC is not refused at once");
    let at = bracketed(family.maths);
    for port in [853, 8080, 3128] {
        let said =
            rig.run("pupil", &["curl", "-sS", "--max-time", "4", &format!("http://{at}:{port}/")]).await;
        assert_eq!(said.code, NO_CONNECTION, "port {port} goes round the gateway: {said:?}");
    }
}

/// A connection to the transparent port by name would lead the gateway to itself.
async fn the_doors_themselves_are_shut(rig: &Rig, program: &Program, family: Family) {
    let before = descriptors(program);
    let router = bracketed(family.router);
    for url in [format!("http://{router}:3129/"), format!("https://{router}:3130/")] {
        let said = rig.run("pupil", &["curl", "-ksS", "--max-time", "4", &url]).await;
        assert_eq!(said.code, NO_CONNECTION, "the transparent port answers at {url}: {said:?}");
    }
    for url in [format!("http://{router}/"), format!("https://{router}/")] {
        let said = rig.run("pupil", &["curl", "-ksS", "--max-time", "4", &url]).await;
        assert_ne!(said.code, Some(0), "the box itself is intercepted or serves at {url}: {said:?}");
    }
    let after = descriptors(program);
    assert!(after <= before + 4, "descriptors went from {before} to {after}: the gateway calls itself");
}

async fn a_name_that_leads_inside_is_refused(rig: &Rig) {
    let said = rig.curl(PUPIL4, "http://inside.example/", MATHS4).await;
    assert_eq!(said.page().0, "403", "a name leads into the school's own network: {said:?}");
}

fn the_record_says_who_asked(rig: &Rig) {
    let trail = rig.site.trail();
    for (address, group) in [(PUPIL4, "ks2"), (PUPIL6, "ks2"), (STAFF4, "staff"), (STAFF6, "staff")] {
        let mut asked = trail.iter().filter(|event| event["source"]["ip"] == address).peekable();
        assert!(asked.peek().is_some(), "nothing is recorded of {address}");
        assert!(asked.all(|event| event["user"]["group"]["name"] == group), "{address} is not {group}");
    }
}

async fn nothing_passes(rig: &Rig, family: Family, when: &str) {
    for url in ["http://maths.example/", "https://maths.example/"] {
        let said = rig.curl(family.staff, url, family.maths).await;
        assert_eq!(said.code, NO_CONNECTION, "{url} is not refused at once {when}: {said:?}");
    }
    assert_eq!(rig.quic(family.maths).await, "refused", "{when}");
}

/// An address as it stands in a URL.
fn bracketed(address: &str) -> String {
    if address.contains(':') { format!("[{address}]") } else { address.to_owned() }
}

fn descriptors(program: &Program) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", program.id())).unwrap().count()
}
