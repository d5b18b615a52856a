//! Tests that alarms and the dashboard use metrics that this stack's code emits, that no alarm goes
//! off for a single failure, and that the runbook has a section for each alarm.

use std::{collections::BTreeSet, fs};

use tests::workspace;

use super::template_text::{resources, template, values};
use crate::sources;

fn observability() -> String {
    fs::read_to_string(workspace().join("infra/observability.yaml")).unwrap()
}

/// The names of the service's own metrics in `infra/observability.yaml`: those behind the
/// parameter with the namespace, in alarms and in the dashboard.
fn watched(template: &str) -> BTreeSet<String> {
    let in_alarms = template.split("Namespace: !Ref MetricNamespace").skip(1);
    let in_alarms = in_alarms.filter_map(|rest| rest.split_once("MetricName: ")).map(|it| it.1);
    let in_widgets = template.split("\"${MetricNamespace}\", \"").skip(1);
    let name = |rest: &str| rest.chars().take_while(char::is_ascii_alphanumeric).collect();
    in_alarms.chain(in_widgets).map(name).collect()
}

/// The text of each alarm.
fn alarms(template: &str) -> Vec<&str> {
    let resources = template.split("\n  Dashboard:").next().unwrap_or_default();
    resources.split("Type: AWS::CloudWatch::Alarm").skip(1).collect()
}

#[test]
fn every_metric_in_an_alarm_or_the_dashboard_is_emitted_by_the_code() {
    let alarms_file = observability();
    let code = sources(&["shared", "functions"]).concat();
    let watched = watched(&alarms_file);
    assert!(watched.contains("Fallback") && watched.contains("OutboxAge"), "{watched:?}");
    for metric in watched {
        assert!(code.contains(&format!("\"{metric}\"")), "the code does not emit {metric}");
    }
}

#[test]
fn every_alarm_has_a_section_in_the_runbook() {
    let alarms_file = observability();
    let runbook = fs::read_to_string(workspace().join("docs/runbook.md")).unwrap();
    let headings: BTreeSet<&str> =
        runbook.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let alarms = alarms_file.matches("Type: AWS::CloudWatch::Alarm").count();
    let sections: Vec<&str> = alarms_file
        .lines()
        .filter_map(|line| Some(line.split_once("Runbook: #")?.1.trim_end_matches('"')))
        .collect();
    assert_eq!(sections.len(), alarms, "each alarm's description names its section of the runbook");
    for section in &sections {
        assert!(headings.contains(section), "the runbook has no section {section}");
    }
    assert!(headings.iter().all(|heading| sections.contains(heading)), "{headings:?}");
}

#[test]
fn each_stack_and_stage_has_metrics_of_its_own() {
    let main = template();
    let own = "!Sub \"ContactService/${AWS::StackName}/${Stage}\"";
    assert_eq!(values(&main, "METRIC_NAMESPACE"), [own], "what the functions emit");
    assert_eq!(values(&main, "MetricNamespace"), [own], "what the alarms watch");
    assert!(!observability().contains("ContactService"), "a namespace without the stack");
}

#[test]
fn a_clean_up_that_does_not_run_raises_the_alarm_of_its_own_stack() {
    let alarms_file = observability();
    let is_outbox = |alarm: &&&str| alarm.contains("MetricName: OutboxAge");
    let alarms = alarms(&alarms_file);
    let alarm = alarms.iter().find(is_outbox).unwrap();
    assert!(alarm.contains("Namespace: !Ref MetricNamespace"), "{alarm}");
    assert!(alarm.contains("TreatMissingData: breaching"), "{alarm}");
}

#[test]
fn an_alarm_on_a_share_has_a_minimum_count() {
    let alarms_file = observability();
    let of_shares = |alarm: &&&str| {
        let is_share = alarm.contains("/ total") || alarm.contains("Stat: SampleCount");
        is_share || alarm.contains("Statistic: Average")
    };
    let alarms = alarms(&alarms_file);
    let shares: Vec<_> = alarms.iter().filter(of_shares).collect();
    assert!(shares.len() >= 7, "{}", shares.len());
    for alarm in shares {
        assert!(alarm.contains("Expression: \"IF("), "{alarm}");
        assert!(alarm.contains(" >= "), "{alarm}");
    }
}

#[test]
fn the_failures_that_only_aws_sees_have_alarms() {
    let alarms_file = observability();
    let watched = [
        "AWS/Lambda, MetricName: Errors",
        "AWS/Lambda, MetricName: Throttles",
        "AWS/Lambda, MetricName: ConcurrentExecutions",
        "AWS/Lambda, MetricName: RecursiveInvocationsDropped",
        "AWS/DynamoDB, MetricName: ReadThrottleEvents",
        "AWS/DynamoDB, MetricName: WriteThrottleEvents",
        "AWS/ApiGateway, MetricName: 5xx",
    ];
    for metric in watched {
        assert!(alarms_file.contains(metric), "no alarm watches {metric}");
    }
    for metric in ["Reputation.BounceRate", "Reputation.ComplaintRate"] {
        assert!(alarms_file.contains(&format!("MetricName: {metric}")), "{metric}");
    }
    for (name, _) in resources(&template(), "AWS::SQS::Queue") {
        assert!(alarms_file.contains(&format!("Value: !Ref {name} }}")), "no alarm watches {name}");
    }
}

#[test]
fn the_alarms_watch_every_function_that_is_not_behind_the_api() {
    let main = template();
    let listed = values(&main, "Workers").concat();
    let listed: BTreeSet<&str> =
        listed.split("!Ref ").skip(1).map(|it| it.trim_end_matches([',', ' ', ']'])).collect();
    let mut functions = resources(&main, "AWS::Serverless::Function");
    functions.retain(|(_, text)| !text.contains("Type: HttpApi,"));
    assert_eq!(listed, functions.iter().map(|(name, _)| *name).collect());
    let alarms_file = observability();
    for metric in ["Errors", "Throttles", "RecursiveInvocationsDropped"] {
        let has_metric = |alarm: &&&str| alarm.contains(&format!("MetricName: {metric},"));
        let alarms = alarms(&alarms_file);
        let alarm = alarms.iter().find(has_metric).unwrap();
        assert_eq!(alarm.matches("Ref Workers").count(), listed.len(), "{metric}");
    }
}
