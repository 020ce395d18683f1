//! Names and labels of the metrics.

use super::*;

fn touched() -> Metrics {
    let metrics = Metrics::new().unwrap();
    metrics.decided("block", "category", "ks2");
    metrics.decision_took(Duration::from_micros(3));
    TurnedAway::ALL.into_iter().for_each(|why| metrics.turned_away(why));
    metrics.bytes(Direction::Up, 10);
    metrics.bytes(Direction::Down, 20);
    metrics.visibility("host", "ks2");
    metrics.list_entries("ut1/games", 7);
    metrics.list_age_seconds("ut1/games", Duration::from_secs(60));
    metrics.list_alarms("ut1");
    metrics.list_looked_at("ut1", "refused");
    metrics.policy_generation(17);
    metrics.audit_events("access", 2);
    metrics.audit_lag_seconds(Duration::from_millis(5));
    metrics.audit_checkpoint_age_seconds(Duration::from_secs(3));
    metrics.unblocks_active(1);
    metrics.selftest_age_seconds(Duration::from_secs(1));
    metrics.panicked();
    metrics.leaf_rejected();
    metrics.break_glass_opened();
    metrics.syslog_lag_events("county", 12);
    metrics
}

#[test]
fn the_names_are_those_that_are_documented() {
    let metrics = touched();
    let open = metrics.connection_opened("explicit");
    let text = metrics.render().unwrap();
    for line in [
        "schoolgate_decisions_total{action=\"block\",group=\"ks2\",rung=\"category\"} 1",
        "schoolgate_decision_seconds_bucket{le=\"0.000005\"} 1",
        "schoolgate_connections_open 1",
        "schoolgate_connections_total{listener=\"explicit\"} 1",
        "schoolgate_refused_connections_total{why=\"too_many\"} 1",
        "schoolgate_bytes_total{direction=\"up\"} 10",
        "schoolgate_bytes_total{direction=\"down\"} 20",
        "schoolgate_visibility_total{group=\"ks2\",visibility=\"host\"} 1",
        "schoolgate_list_entries{list=\"ut1/games\"} 7",
        "schoolgate_list_age_seconds{list=\"ut1/games\"} 60",
        "schoolgate_list_alarm{list=\"ut1\"} 1",
        "schoolgate_list_refresh_total{outcome=\"refused\",source=\"ut1\"} 1",
        "schoolgate_policy_generation 17",
        "schoolgate_audit_events_total{kind=\"access\"} 2",
        "schoolgate_audit_lag_seconds 0.005",
        "schoolgate_audit_checkpoint_age_seconds 3",
        "schoolgate_unblocks_active 1",
        "schoolgate_selftest_age_seconds 1",
        "schoolgate_panics_total 1",
        "schoolgate_inspection_rejected_total 1",
        "schoolgate_syslog_lag_events{sink=\"county\"} 12",
        concat!("schoolgate_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    drop(open);
    assert!(metrics.clone().render().unwrap().contains("schoolgate_connections_open 0\n"));
}

#[test]
fn no_metric_is_labelled_by_person_or_place() {
    let metrics = touched();
    let _open = metrics.connection_opened("explicit");
    let families = metrics.registry.gather();
    assert_eq!(families.len(), 28);
    let allowed = [
        "action",
        "rung",
        "group",
        "listener",
        "why",
        "direction",
        "visibility",
        "list",
        "source",
        "sink",
        "outcome",
        "kind",
        "version",
    ];
    for family in &families {
        assert!(family.name().starts_with("schoolgate_"), "{}", family.name());
        for label in family.get_metric().iter().flat_map(|metric| metric.get_label()) {
            assert!(allowed.contains(&label.name()), "{} has the label {}", family.name(), label.name());
        }
    }
}

#[test]
fn no_self_test_is_not_one_just_now() {
    let text = Metrics::new().unwrap().render().unwrap();
    assert!(text.lines().any(|line| line == "schoolgate_selftest_age_seconds NaN"), "{text}");
}

#[test]
fn lists_that_are_gone_are_forgotten() {
    let metrics = touched();
    metrics.forget_lists();
    assert!(!metrics.render().unwrap().contains("ut1/games"));
}
