use std::sync::Arc;
use std::time::Duration;

use super::*;

const REAL: &str = include_str!("../../../../template.yaml");

fn parameters(pairs: &[(&str, &str)]) -> Parameters {
    let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    example_parameters().into_iter().chain(pairs).collect()
}

fn names(template: Template) -> Names {
    let secrets = [("launchpad_user".to_owned(), "service".to_owned())].into();
    Names::new(Arc::new(template), "http://127.0.0.1:4000/", secrets)
}

/// The error message for a template that contains these resources.
fn refusal(resources: &str) -> String {
    Template::parse(&format!("Resources:\n{resources}"), &Parameters::new())
        .expect_err("the template is broken")
        .to_string()
}

#[test]
fn the_template_of_the_service_is_supported() {
    let template = Template::parse(REAL, &example_parameters()).unwrap();
    let api = template.api.as_ref().unwrap();
    assert_eq!(api.default_authorizer.as_deref(), Some("Iag"));
    assert_eq!(api.authorizers["Iag"].audience, ["contact-service"]);
    assert_eq!(api.throttle, Some(Throttle { burst: 500, rate: 250.0 }));
    let table = &template.tables["Table"];
    assert_eq!((table.partition_key.as_str(), table.sort_key.as_deref()), ("pk", Some("sk")));
    assert_eq!(table.indexes[0].name, "by_name");
    assert_eq!(table.ttl_attribute.as_deref(), Some("expires_at"));
    assert_eq!(template.buckets, ["Bucket"]);
    assert_eq!(
        template.queues["MentionQueue"].redrive,
        Some(Redrive { dead_letter_queue: "MentionDeadLetters".to_owned(), max_receive_count: 20 })
    );

    let notify = &template.functions["MentionNotify"];
    assert_eq!((notify.binary.as_str(), notify.memory_mib), ("mention-notify", 512));
    assert_eq!(notify.timeout, Duration::from_secs(30));
    let source = notify.queue_sources().next().unwrap();
    assert!(source.reports_batch_item_failures);
    assert_eq!((source.batch_size, source.maximum_concurrency), (10, Some(5)));
    let clean_up = &template.functions["CleanUp"];
    assert_eq!(clean_up.reserved_concurrency, Some(1));
    assert_eq!(clean_up.schedules().next().unwrap().period, Duration::from_secs(60));
    let unknown = template.functions["ExportDownload"].routes().last().unwrap();
    assert_eq!((&unknown.path, &unknown.authorizer), (&None, &Authorizer::None));
}

#[test]
fn environment_values_come_from_parameters_resources_and_secrets() {
    let overrides =
        parameters(&[("LaunchpadUrl", "http://127.0.0.1:5000"), ("PublicUrl", "http://here")]);
    let template = Template::parse(REAL, &overrides).unwrap();
    let environment = template.functions["NoteWrite"].environment.clone();
    let email = template.functions["ExportEmail"].environment.clone();
    let names = names(template);
    let value = |name: &str| names.resolve(&environment[name]).unwrap();
    assert_eq!(value("TABLE_NAME"), "Table");
    assert_eq!(value("LAUNCHPAD_URL"), "http://127.0.0.1:5000");
    assert_eq!(value("LAUNCHPAD_USER"), "service");
    assert_eq!(value("MENTION_QUEUE_URL"), "http://127.0.0.1:4000/000000000000/MentionQueue");
    assert_eq!(value("RUST_LOG"), "info");
    assert_eq!(names.resolve(&email["PUBLIC_URL"]).unwrap(), "http://here");
    assert_eq!(names.resolve(&email["BUCKET_NAME"]).unwrap(), "bucket");
    assert_eq!(
        names.resolve(&environment["LAUNCHPAD_PASSWORD"]).unwrap_err().to_string(),
        "the local cloud has no value for `{{resolve:secretsmanager:contact-service/upstream-services:SecretString:launchpad_password::00000000-0000-0000-0000-000000000001}}`"
    );
}

#[test]
fn a_false_condition_selects_the_second_value() {
    let template = Template::parse(REAL, &example_parameters()).unwrap();
    let email = template.functions["ExportEmail"].environment.clone();
    let url = names(template).resolve(&email["PUBLIC_URL"]).unwrap();
    assert_eq!(url, "https://local.execute-api.us-east-1.amazonaws.com");
}

#[test]
fn the_resources_of_a_statement_are_resolved() {
    let template = Template::parse(REAL, &example_parameters()).unwrap();
    let policies = template.functions["ContactList"].policies.clone();
    let names = names(template);
    assert_eq!(policies[1].actions, ["dynamodb:Query"]);
    let resources: Vec<_> =
        policies[1].resources.iter().map(|arn| names.resolve(arn).unwrap()).collect();
    let table = "arn:aws:dynamodb:us-east-1:000000000000:table/Table";
    assert_eq!(resources, [table.to_owned(), format!("{table}/index/by_name")]);
}

#[test]
fn the_error_of_an_invalid_template_names_the_line_and_the_property() {
    let function = "  Hello:\n    Type: AWS::Serverless::Function\n    Metadata: { BuildProperties: { Binary: hello } }\n    Properties:\n";
    let cases = [
        ("  Queue: [", "line 2: "),
        (
            "  Queue:\n    Type: AWS::SQS::Queue\n    Properties: { VisibilityTimeout: soon }",
            "line 4: Queue.Properties.VisibilityTimeout: `soon` is not a number",
        ),
        (
            "  Queue:\n    Type: AWS::SQS::Queue\n    Properties: { FifoQueue: true }",
            "line 4: Queue.Properties: the local cloud does not support `FifoQueue`",
        ),
        (
            &format!("{function}      Timeout: !Ref Nothing"),
            "line 6: Hello.Properties.Timeout: there is no parameter or resource called `Nothing`",
        ),
        (
            &format!("{function}      Events:\n        E: {{ Type: Kinesis, Properties: {{}} }}"),
            "line 7: Hello.Properties.Events.E.Type: the local cloud does not support `Kinesis` events",
        ),
        (
            &format!(
                "{function}      Events:\n        E: {{ Type: Schedule, Properties: {{ Schedule: rate(1 minutes) }} }}"
            ),
            "line 7: Hello.Properties.Events.E.Properties.Schedule: `rate(1 minutes)` is not like `rate(1 minute)` or `rate(5 minutes)`",
        ),
        (
            &format!("{function}      Environment: {{ Variables: {{ A: !Select [0, x] }} }}"),
            "line 6: Hello.Properties.Environment.Variables.A: `!Select` is not supported here",
        ),
        (
            "  Hello: { Type: AWS::Serverless::Function, Properties: {} }",
            "line 2: Hello: `Metadata` is missing",
        ),
        ("  A: { Type: X }\n  A: { Type: X }", "line 3: the key `A` is repeated"),
        (
            "  Jobs:\n    Type: AWS::SQS::Queue\n    Properties: {}\n  Feed:\n    Type: AWS::Lambda::EventSourceMapping\n    Properties: { FunctionName: !GetAtt Jobs.Arn, EventSourceArn: !GetAtt Jobs.Arn }",
            "line 2: Feed.FunctionName: `Jobs` is not a function",
        ),
    ];
    for (resources, message) in cases {
        let refusal = refusal(resources);
        assert!(refusal.starts_with(message), "{refusal}");
    }
}

#[test]
fn the_visibility_timeout_of_a_queue_must_cover_the_time_out_of_its_function() {
    let message = refusal(
        "  Jobs:\n    Type: AWS::SQS::Queue\n    Properties: { VisibilityTimeout: 5 }\n  Work:\n    Type: AWS::Serverless::Function\n    Metadata: { BuildProperties: { Binary: work } }\n    Properties:\n      Timeout: 10\n  Feed:\n    Type: AWS::Lambda::EventSourceMapping\n    Properties: { FunctionName: !GetAtt Work.Arn, EventSourceArn: !GetAtt Jobs.Arn }",
    );
    assert!(
        message.ends_with("of `Jobs` (5 s) is less than the function's time-out (10 s)"),
        "{message}"
    );
}

#[test]
fn a_parameter_accepts_only_its_allowed_values() {
    let error = Template::parse(REAL, &parameters(&[("DefaultLocale", "fr")])).unwrap_err();
    assert!(error.to_string().ends_with("`DefaultLocale` does not allow the value `fr`"));
}

#[test]
fn other_resource_types_are_skipped() {
    let text =
        "Resources:\n  Alarm: { Type: AWS::CloudWatch::Alarm, Properties: { Any: !Cidr [x] } }";
    assert!(Template::parse(text, &Parameters::new()).unwrap().functions.is_empty());
}
