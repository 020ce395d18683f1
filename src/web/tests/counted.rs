//! What is counted of the trail is the same whether its lines are found by the index or by reading all.

use std::time::Duration;

use jiff::ToSpan;
use serde_json::json;

use super::fixture::Office;
use crate::audit::{ClosedBy, Closing, Index};
use crate::control::Used;
use crate::control::reports::{Days, Kind};

/// An unblock of which three people made use, among much else.
async fn eventful() -> (Office, uuid::Uuid) {
    let office = Office::open().await;
    let id = office.pending().await;
    for (client, user, host) in [
        ("10.1.2.3", "y5.042", "games.example"),
        ("10.1.2.3", "y5.042", "adult.example"),
        ("10.1.2.9", "y5.044", "adult.example"),
    ] {
        office.visit(client, user, host).await;
    }
    let (status, _) =
        office.post("dsl", &format!("/unblocks/{id}/approve"), json!({ "comment": "fine" })).await;
    assert_eq!(status, 200);
    for round in 0..3_u8 {
        for (client, user) in [("10.1.2.3", "y5.042"), ("10.1.2.4", "y5.043"), ("10.1.2.5", "y5.045")] {
            office.clock.advance(Duration::from_secs(60));
            for host in ["games.example", "maths.example", "adult.example", "other.example"] {
                office.visit(client, user, host).await;
            }
            if round == 1 {
                office.visit("10.1.2.9", "y5.044", "elsewhere.example").await;
            }
        }
    }
    let trail = office.trail().await;
    let opened = trail.iter().filter(|event| event["schoolgate"]["unblock_id"] == id.as_str());
    for access in opened.skip(2) {
        let receipt = crate::audit::Receipt {
            sequence: access["event"]["sequence"].as_u64().unwrap(),
            id: access["event"]["id"].as_str().unwrap().parse().unwrap(),
        };
        let (duration, closed_by) = (Duration::from_secs(3), ClosedBy::Origin);
        office.recorder.close(receipt, Closing { bytes_up: 1, bytes_down: 100, duration, closed_by });
    }
    (office, id.parse().unwrap())
}

#[tokio::test]
async fn usage_and_reports_count_the_same_by_the_index_and_without() {
    let (office, id) = eventful().await;
    let seq = office.control.record(crate::audit::Entry::System(crate::audit::Act::new(
        crate::audit::Actor::System,
        "test.done",
    )));
    let seq = seq.await.unwrap();
    let mut live = office.shared.index.clone();
    assert!(live.reaches(seq).await);
    let all = Index::of(live.dir());
    let staff = office.control.staff().await.unwrap();
    let dsl = staff.iter().find(|staff| staff.name.as_str() == "dsl").unwrap();
    let kept = office.control.unblock(dsl, id).await.unwrap();
    let now = office.control.now();
    let [found, read] = [&live, &all].map(|index| Used::read(index, &kept, now).unwrap());
    assert_eq!(found, read);
    assert_eq!((found.accesses, found.bytes, found.distinct), (9, 7 * 101, [3, 1, 3]));
    assert_eq!((found.others.hosts, found.others.accesses), (2, 18), "{:?}", found.others);
    // Without an index the trail is read once for the unblock, and once for all of its clients.
    let once = Used::read(&all.heeding(all.halt().after(2 * seq)), &kept, now).unwrap();
    assert_eq!(once, read);

    let today = office.control.report_days(Kind::Daily, None).unwrap().to;
    let days = Days { from: today, to: today.saturating_add(1.day()) };
    let mut reports = Vec::new();
    for index in [&live, &all] {
        reports.push(office.control.report_of(Kind::Daily, days, dsl, index).await.unwrap());
    }
    assert_eq!(reports[0], reports[1]);
    let text = format!("{:?}", reports[0]);
    assert!(text.contains("adult") || text.contains("Adult"), "{text}");
}
