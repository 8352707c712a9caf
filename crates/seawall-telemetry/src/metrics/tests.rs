//! The registry as its users see it.

use std::thread;

use seawall_core::meter::{Meter, Metric, MetricKind};

use super::{MOST_SERIES, Registry, bind_core};

const REQUESTS: Metric = Metric {
    name: "seawall_test_requests",
    help: "Requests, by \"route\" and\nclass.",
    kind: MetricKind::Counter,
    labels: &["route", "class"],
};

const OPEN: Metric =
    Metric { name: "seawall_test_open", help: "Open connections.", kind: MetricKind::Gauge, labels: &[] };

const DURATION: Metric = Metric {
    name: "seawall_test_duration_seconds",
    help: "Time to answer.",
    kind: MetricKind::Histogram { bounds: &[1_000, 50_000, 1_000_000], scale: 1_000_000 },
    labels: &["route"],
};

const WIDE: Metric = Metric {
    name: "seawall_test_wide_bytes",
    help: "More bounds than one pair of cache lines holds.",
    kind: MetricKind::Histogram {
        bounds: &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20],
        scale: 1,
    },
    labels: &[],
};

#[test]
fn the_scrape_is_sorted_scaled_and_escaped() {
    let registry = Registry::new(2);
    registry.series(&REQUESTS, &["/b", "2xx"]).increment();
    registry.series(&REQUESTS, &["/a\"\\\n", "2xx"]).add(3);
    registry.series(&OPEN, &[]).add(5);
    registry.series(&OPEN, &[]).add(-7);
    let duration = registry.series(&DURATION, &["/a"]);
    for us in [0, 1_000, 1_001, 2_000_000] {
        duration.observe(us);
    }
    insta::assert_snapshot!(registry.encode(), @r##"
    # HELP seawall_metrics_series_dropped Series that are not counted, because their metric has its most series or is declared twice in different ways.
    # TYPE seawall_metrics_series_dropped counter
    seawall_metrics_series_dropped_total 0
    # HELP seawall_test_duration_seconds Time to answer.
    # TYPE seawall_test_duration_seconds histogram
    seawall_test_duration_seconds_sum{route="/a"} 2.002001
    seawall_test_duration_seconds_count{route="/a"} 4
    seawall_test_duration_seconds_bucket{le="0.001",route="/a"} 2
    seawall_test_duration_seconds_bucket{le="0.05",route="/a"} 3
    seawall_test_duration_seconds_bucket{le="1.0",route="/a"} 3
    seawall_test_duration_seconds_bucket{le="+Inf",route="/a"} 4
    # HELP seawall_test_open Open connections.
    # TYPE seawall_test_open gauge
    seawall_test_open -2
    # HELP seawall_test_requests Requests, by \"route\" and\nclass.
    # TYPE seawall_test_requests counter
    seawall_test_requests_total{route="/a\"\\\n",class="2xx"} 3
    seawall_test_requests_total{route="/b",class="2xx"} 1
    # EOF
    "##);
}

#[test]
fn all_cores_are_summed() {
    let registry = Registry::new(2);
    let (requests, open) = (registry.series(&REQUESTS, &["/", "2xx"]), registry.series(&OPEN, &[]));
    let wide = registry.series(&WIDE, &[]);
    thread::scope(|scope| {
        for core in [0, 1, 1, 7, usize::MAX] {
            let (requests, open, wide) = (requests.clone(), open.clone(), wide.clone());
            scope.spawn(move || {
                bind_core(core);
                for value in 0..1_000 {
                    requests.increment();
                    open.add(if core == 0 { -1 } else { 1 });
                    wide.observe(value % 25);
                }
            });
        }
    });
    assert_eq!(registry.value("seawall_test_requests", &["/", "2xx"]), Some(5_000.0));
    assert_eq!(registry.value("seawall_test_open", &[]), Some(3_000.0));
    assert_eq!(registry.value("seawall_test_wide_bytes", &[]), Some(5_000.0));
    assert!(registry.encode().contains("seawall_test_wide_bytes_bucket{le=\"20.0\"} 4200"));
}

#[test]
fn the_same_labels_give_the_same_series() {
    let registry = Registry::new(1);
    registry.series(&REQUESTS, &["/", "2xx"]).increment();
    registry.series(&REQUESTS, &["/", "2xx"]).increment();
    assert_eq!(registry.value("seawall_test_requests", &["/", "2xx"]), Some(2.0));
    assert_eq!(registry.value("seawall_test_requests", &["/", "3xx"]), None);
}

#[test]
fn a_counter_never_shrinks() {
    let registry = Registry::new(1);
    let requests = registry.series(&REQUESTS, &["/", "2xx"]);
    requests.add(2);
    requests.add(-1);
    assert_eq!(registry.value("seawall_test_requests", &["/", "2xx"]), Some(2.0));
}

#[test]
fn series_beyond_the_bound_count_nothing_and_are_counted() {
    let registry = Registry::new(1);
    for route in 0..MOST_SERIES + 3 {
        registry.series(&DURATION, &[&route.to_string()]).observe(1);
    }
    registry.series(&DURATION, &["0"]).observe(1);
    assert_eq!(registry.value("seawall_metrics_series_dropped", &[]), Some(3.0));
    assert_eq!(registry.value("seawall_test_duration_seconds", &["0"]), Some(2.0));
    assert_eq!(registry.value("seawall_test_duration_seconds", &[&MOST_SERIES.to_string()]), None);
}

#[test]
fn a_metric_declared_in_two_ways_keeps_its_first() {
    const OTHER: Metric = Metric { kind: MetricKind::Counter, ..OPEN };
    let registry = Registry::new(1);
    registry.series(&OPEN, &[]).add(-1);
    registry.series(&OTHER, &[]).increment();
    registry.series(&OPEN, &["too", "many"]).increment();
    assert_eq!(registry.value("seawall_test_open", &[]), Some(-1.0));
    assert_eq!(registry.value("seawall_metrics_series_dropped", &[]), Some(2.0));
}
