//! Tests that alarms and the dashboard use metrics that the code emits, and that the runbook has a
//! section for each alarm.

use std::{collections::BTreeSet, fs};

use shared::metric::NAMESPACE;
use tests::workspace;

use crate::sources;

/// The names of the service's own metrics in `infra/observability.yaml`.
fn watched(template: &str) -> BTreeSet<String> {
    let after_namespace = template.split(NAMESPACE).skip(1).map(|rest| {
        let rest = rest.trim_start_matches(|c: char| !c.is_alphabetic());
        rest.strip_prefix("MetricName: ").unwrap_or(rest)
    });
    let names =
        after_namespace.map(|rest| rest.chars().take_while(char::is_ascii_alphanumeric).collect());
    names.collect()
}

#[test]
fn every_metric_in_an_alarm_or_the_dashboard_is_emitted_by_the_code() {
    let template = fs::read_to_string(workspace().join("infra/observability.yaml")).unwrap();
    let code = sources(&["shared", "functions"]).concat();
    let watched = watched(&template);
    assert!(watched.contains("Fallback") && watched.contains("OutboxAge"), "{watched:?}");
    for metric in watched {
        assert!(code.contains(&format!("\"{metric}\"")), "the code does not emit {metric}");
    }
}

#[test]
fn every_alarm_has_a_section_in_the_runbook() {
    let template = fs::read_to_string(workspace().join("infra/observability.yaml")).unwrap();
    let runbook = fs::read_to_string(workspace().join("docs/runbook.md")).unwrap();
    let headings: BTreeSet<&str> =
        runbook.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let alarms = template.matches("Type: AWS::CloudWatch::Alarm").count();
    let sections: Vec<&str> = template
        .lines()
        .filter_map(|line| Some(line.split_once("Runbook: #")?.1.trim_end_matches('"')))
        .collect();
    assert_eq!(sections.len(), alarms, "each alarm's description names its section of the runbook");
    for section in &sections {
        assert!(headings.contains(section), "the runbook has no section {section}");
    }
    assert!(headings.iter().all(|heading| sections.contains(heading)), "{headings:?}");
}
