//! Alarms and dashboard are about metrics that the code emits, and the runbook knows each alarm.

use std::{collections::BTreeSet, fs};

use shared::metric::NAMESPACE;
use tests::workspace;

use crate::sources;

/// The service's own metrics that `infra/observability.yaml` names.
fn watched(template: &str) -> BTreeSet<String> {
    let behind = template.split(NAMESPACE).skip(1).map(|rest| {
        let rest = rest.trim_start_matches(|c: char| !c.is_alphabetic());
        rest.strip_prefix("MetricName: ").unwrap_or(rest)
    });
    let names = behind.map(|rest| rest.chars().take_while(char::is_ascii_alphanumeric).collect());
    names.collect()
}

#[test]
fn every_metric_in_an_alarm_or_the_dashboard_is_emitted_by_the_code() {
    let template = fs::read_to_string(workspace().join("infra/observability.yaml")).unwrap();
    let code = sources(&["shared", "functions"]).concat();
    let watched = watched(&template);
    assert!(watched.contains("Fallback") && watched.contains("OutboxAge"), "{watched:?}");
    for metric in watched {
        assert!(code.contains(&format!("\"{metric}\"")), "nobody emits {metric}");
    }
}

#[test]
fn every_alarm_has_a_section_in_the_runbook() {
    let template = fs::read_to_string(workspace().join("infra/observability.yaml")).unwrap();
    let runbook = fs::read_to_string(workspace().join("docs/runbook.md")).unwrap();
    let headings: BTreeSet<&str> =
        runbook.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let alarms = template.matches("Type: AWS::CloudWatch::Alarm").count();
    let places: Vec<&str> = template
        .lines()
        .filter_map(|line| Some(line.split_once("Runbook: #")?.1.trim_end_matches('"')))
        .collect();
    assert_eq!(places.len(), alarms, "each alarm's description names its place");
    for place in &places {
        assert!(headings.contains(place), "the runbook does not know {place}");
    }
    assert!(headings.iter().all(|heading| places.contains(heading)), "{headings:?}");
}
