//! Tests of what only a deploy to AWS does with `template.yaml`: the check of parameters, the
//! publishing of versions, who gets which secret, and how a failed deploy is rolled back. No
//! emulator shows these, so the template itself is checked.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use regex_lite::Regex;
use tests::workspace;

use super::template_text::{entries, resources, section, template, values};

const FUNCTION: &str = "AWS::Serverless::Function";

/// The functions whose environment contains a value of the secret, by the key in the secret.
fn holders<'t>(template: &'t str, key: &str) -> BTreeSet<&'t str> {
    let reference = format!(":SecretString:{key}:");
    let mut functions = resources(template, FUNCTION);
    functions.retain(|(_, text)| text.contains(&reference));
    functions.into_iter().map(|(name, _)| name).collect()
}

#[test]
fn only_functions_that_call_an_upstream_service_hold_its_secret() {
    let template = template();
    let callers = [
        "ContactAccess",
        "ContactDelete",
        "ContactImport",
        "ContactList",
        "ContactRead",
        "ContactSearch",
        "ContactSync",
        "ContactWrite",
        "ExportEmail",
        "ExportGenerate",
        "ExportLayouts",
        "ExportRequest",
        "MentionNotify",
        "NoteDelete",
        "NoteRead",
        "NoteWrite",
        "People",
        "SetFlags",
        "TeamBackfill",
    ];
    assert_eq!(holders(&template, "launchpad_password"), callers.into());
    assert_eq!(holders(&template, "launchpad_user"), callers.into());
    assert_eq!(holders(&template, "notification_api_key"), ["ExportEmail", "MentionNotify"].into());
    assert_eq!(holders(&template, "cursor_key"), ["ContactList", "ContactSearch"].into());
    let globals = section(&template, "Globals");
    assert!(!globals.contains("secretsmanager"), "a secret that every function would get");
}

#[test]
fn every_reference_to_the_secret_names_its_version() {
    let template = template();
    let references: Vec<&str> = template.split("{{resolve:").skip(1).collect();
    assert!(references.len() > 30, "{}", references.len());
    for reference in references {
        let reference = reference.split("}}\"").next().unwrap_or_default();
        assert!(reference.ends_with("::${UpstreamSecretVersion}"), "{reference}");
    }
}

/// The words of a text.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// The parameters on which the environment of each function depends, by the function. The name of
/// the secret is left out: another secret has another version id.
fn parameters_by_function(template: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    let parameters: BTreeSet<&str> =
        entries(template, "Parameters").into_iter().map(|(name, _)| name).collect();
    let conditions: BTreeMap<&str, &str> = entries(template, "Conditions").into_iter().collect();
    let used = |text: &'_ str| -> BTreeSet<&str> {
        let text = text.replace("${UpstreamSecret}", "");
        let direct = words(&text).filter_map(|word| parameters.get(word).copied());
        let by_condition = words(&text).filter_map(|word| conditions.get(word));
        let by_condition = by_condition.flat_map(|text| words(text));
        direct.chain(by_condition.filter_map(|word| parameters.get(word).copied())).collect()
    };
    let environment = |text: &str| {
        let after = text.split_once("Variables:\n").map_or("", |(_, rest)| rest);
        let lines = after.lines().take_while(|line| line.starts_with("        "));
        lines.collect::<Vec<_>>().join("\n")
    };
    let common = used(&environment(section(template, "Globals")));
    let functions = resources(template, FUNCTION).into_iter();
    functions.map(|(name, text)| (name, &used(&environment(text)) | &common)).collect()
}

#[test]
fn a_new_value_of_a_parameter_publishes_exactly_the_functions_that_use_it() {
    let template = template();
    let mut used = parameters_by_function(&template);
    for (name, text) in resources(&template, FUNCTION) {
        assert!(text.contains("AutoPublishAliasAllProperties: true"), "{name}");
        let [description] = values(text, "VersionDescription")[..] else {
            panic!("{name} needs one VersionDescription")
        };
        let named = description.split("${").skip(1);
        let named: BTreeSet<&str> = named.filter_map(|rest| rest.split('}').next()).collect();
        assert_eq!(named, used.remove(name).unwrap_or_default(), "{name}");
    }
    let of_secret = parameters_by_function(&template)
        .into_iter()
        .filter(|(_, used)| used.contains("UpstreamSecretVersion"));
    let of_secret: BTreeSet<&str> = of_secret.map(|(name, _)| name).collect();
    assert_eq!(of_secret, holders(&template, "launchpad_password"));
}

#[test]
fn another_version_of_the_secret_changes_the_environment_even_if_the_values_are_the_same() {
    // Lambda publishes no version if nothing but the description changed, and the deploy would fail:
    // a rotation of the notification key changes no value of the functions without that key.
    let template = template();
    let mut functions = resources(&template, FUNCTION);
    functions.retain(|(_, text)| {
        values(text, "UPSTREAM_SECRET_VERSION") == ["!Ref UpstreamSecretVersion"]
    });
    let named: BTreeSet<&str> = functions.into_iter().map(|(name, _)| name).collect();
    assert_eq!(named, holders(&template, "launchpad_password"));
}

#[test]
fn usual_values_of_parameters_fit_in_the_description_of_a_version() {
    let usual: BTreeMap<&str, &str> = [
        ("LaunchpadUrl", "https://launchpad.example.com"),
        ("NotificationUrl", "https://notifications.example.com"),
        ("UpstreamSecretVersion", "00000000-0000-0000-0000-000000000001"),
        ("AppUrl", "https://app.example.com"),
        ("PublicUrl", "https://contacts.example.com"),
        ("MailFrom", "exports@example.com"),
        ("RestoredTable", "contact-service-prod-20261126"),
    ]
    .into();
    let template = template();
    let parameters: BTreeMap<&str, &str> = entries(&template, "Parameters").into_iter().collect();
    for (name, text) in resources(&template, FUNCTION) {
        let mut description = values(text, "VersionDescription").concat();
        for (parameter, declaration) in &parameters {
            let default = values(declaration, "Default").concat();
            let value = usual.get(parameter).copied().unwrap_or(default.trim_matches('"'));
            description = description.replace(&format!("${{{parameter}}}"), value);
        }
        let description = description.trim_start_matches("!Sub ").trim_matches('"');
        assert!(!description.contains("${") && description.len() <= 256, "{name}: {description}");
    }
}

/// What a deploy accepts and refuses as the value of a parameter.
const VALUES: [(&str, &[&str], &[&str]); 13] = [
    (
        "JwtIssuer",
        &["https://iag.example.com/", "https://iag.example.com/realms/a"],
        &["", "http://iag.example.com", "https://iag.example.com/?a=b", "iag.example.com"],
    ),
    (
        "LaunchpadUrl",
        &["https://launchpad.example.com", "https://x.example.com:8443/api"],
        &["", "https://launchpad.example.com/", "http://launchpad.example.com", "https://a b"],
    ),
    (
        "NotificationUrl",
        &["https://notifications.example.com"],
        &["https://notifications.example.com/", "https://a.example.com#x"],
    ),
    (
        "UpstreamSecretVersion",
        &["00000000-0000-0000-0000-000000000001", "0123456789abcdef0123456789abcdef"],
        &["", "AWSCURRENT", "REPLACE-WITH-THE-VERSION-ID-OF-THE-SECRET"],
    ),
    ("AppUrl", &["https://app.example.com"], &["https://app.example.com/", "app.example.com"]),
    (
        "AllowOrigins",
        &["https://app.example.com", "http://localhost:3002", "http://127.0.0.1:3002"],
        &["https://app.example.com/", "*", "http://app.example.com", "https://a.com/x", "null"],
    ),
    (
        "PublicUrl",
        &["", "https://contacts.example.com"],
        &["https://contacts.example.com/", "http://contacts.example.com"],
    ),
    (
        "MailFrom",
        &["exports@example.com"],
        &["", "Contacts <exports@example.com>", "exports", "a@b@c", "a@b.c, d@e.f"],
    ),
    ("MailFromName", &["Contacts", "Kontak Ümlaut"], &["", "A <b>", "a@b", "a\r\nBcc: b"]),
    (
        "RestoredTable",
        &["", "contact-service-prod-20261126"],
        &["ab", "arn:aws:dynamodb:us-east-1:000000000000:table/x", "a b c"],
    ),
    ("RestoredBucket", &["", "contact-service-copy"], &["ab", "Upper-Case", "-abc", "a_b_c"]),
    (
        "OperatorPrincipalArn",
        &["", "arn:aws:iam::123456789012:role/operators", "arn:aws:iam::123456789012:root"],
        &["*", "123456789012", "arn:aws:iam::1:role/x"],
    ),
    (
        "RemovalPrincipalArn",
        &["", "arn:aws:iam::123456789012:role/removal"],
        &["*", "123456789012"],
    ),
];

#[test]
fn a_deploy_refuses_malformed_values_of_parameters() {
    let template = template();
    let declared: BTreeMap<&str, &str> = entries(&template, "Parameters").into_iter().collect();
    let mut checked = BTreeSet::new();
    for (name, good, bad) in VALUES {
        let pattern = values(declared[name], "AllowedPattern").concat();
        let pattern = Regex::new(&format!("^(?:{pattern})$")).unwrap();
        for value in good {
            assert!(pattern.is_match(value), "{name} refuses {value:?}");
        }
        for value in bad {
            assert!(!pattern.is_match(value), "{name} accepts {value:?}");
        }
        checked.insert(name);
    }
    let patterns = declared.iter().filter(|(_, text)| text.contains("AllowedPattern:"));
    let patterns: BTreeSet<&str> = patterns.map(|(name, _)| *name).collect();
    assert_eq!(patterns, checked, "each pattern has good and bad values here");
}

#[test]
fn values_that_only_the_operator_knows_have_no_default() {
    let template = template();
    let declared: BTreeMap<&str, &str> = entries(&template, "Parameters").into_iter().collect();
    let operators = [
        "JwtIssuer",
        "LaunchpadUrl",
        "NotificationUrl",
        "AppUrl",
        "MailFrom",
        "AllowOrigins",
        "UpstreamSecretVersion",
    ];
    for name in operators {
        assert!(values(declared[name], "Default").is_empty(), "{name}");
    }
}

#[test]
fn a_failed_deploy_is_noticed_and_rolled_back() {
    let template = template();
    let globals = section(&template, "Globals");
    assert_eq!(values(globals, "AutoPublishAlias"), ["live"]);
    assert!(globals.contains("Type: !Ref DeploymentPreference"), "a canary deploy by parameter");
    let observability = fs::read_to_string(workspace().join("infra/observability.yaml")).unwrap();
    for alarm in ["server-errors", "function-errors"] {
        assert!(globals.contains(&format!("- !Sub \"${{AWS::StackName}}-{alarm}\"")), "{alarm}");
        assert!(observability.contains(&format!("AlarmName: !Sub \"${{Service}}-{alarm}\"")));
    }
    // A deploy with another parameter replaces the version, which must remain for a rollback.
    for (name, text) in resources(&template, FUNCTION) {
        assert_eq!(values(text, "UpdateReplacePolicy"), ["Retain"], "{name}");
    }
    let [(_, api)] = resources(&template, "AWS::Serverless::HttpApi")[..] else {
        panic!("one API is declared")
    };
    assert_eq!(values(api, "FailOnWarnings"), ["true"], "a wrong issuer fails the deploy");
    for kind in ["AWS::DynamoDB::Table", "AWS::S3::Bucket"] {
        for (name, text) in resources(&template, kind) {
            assert_eq!(values(text, "DeletionPolicy"), ["RetainExceptOnCreate"], "{name}");
            assert_eq!(values(text, "UpdateReplacePolicy"), ["Retain"], "{name}");
        }
    }
}

#[test]
fn every_caller_of_a_function_uses_the_alias_that_a_deploy_moves() {
    let template = template();
    let mappings = resources(&template, "AWS::Lambda::EventSourceMapping");
    assert_eq!(mappings.len(), resources(&template, "AWS::SQS::Queue").len() / 2);
    for (name, text) in mappings {
        let [function] = values(text, "FunctionName")[..] else { panic!("{name}") };
        assert!(function.ends_with(".Alias"), "{name}: {function}");
    }
}

#[test]
fn an_operator_may_invoke_exactly_the_functions_of_the_role() {
    let template = template();
    let roles: BTreeMap<&str, &str> = resources(&template, "AWS::IAM::Role").into_iter().collect();
    let expected = [
        ("OperatorRole", "[!Ref SetFlags.Alias, !Ref TeamBackfill.Alias]"),
        ("RemovalOperatorRole", "[!Ref CompanyRemoval.Alias]"),
    ];
    assert_eq!(roles.keys().copied().collect::<Vec<_>>(), expected.map(|(name, _)| name));
    for (name, functions) in expected {
        let rights: Vec<&str> = roles[name]
            .lines()
            .filter(|line| line.contains("Effect: Allow, Action: lambda"))
            .collect();
        let invoke = format!("Action: lambda:InvokeFunction, Resource: {functions} }}");
        assert!(matches!(rights[..], [right] if right.ends_with(&invoke)), "{name}: {rights:?}");
        assert_eq!(roles[name].matches("Action:").count(), 2, "{name}: invoke, and sts:AssumeRole");
    }
}

#[test]
fn a_deploy_puts_the_tags_of_the_service_on_every_resource() {
    let settings = fs::read_to_string(workspace().join("samconfig.toml")).unwrap();
    for stage in ["dev", "prod"] {
        assert!(settings.contains(&format!("tags = \"service=contact-service stage={stage}\"")));
    }
}

#[test]
fn queues_are_standard_queues() {
    // Fair queues are standard queues; a FIFO queue would stop a company behind one message.
    let template = template();
    for (name, text) in resources(&template, "AWS::SQS::Queue") {
        assert!(!text.contains("FifoQueue"), "{name}");
    }
}

#[test]
fn a_preflight_request_reaches_a_route_without_a_sign_in() {
    let template = template();
    let routes: Vec<&str> =
        template.lines().filter(|line| line.contains("Type: HttpApi")).collect();
    let public = |route: &&&str| route.contains("Auth: { Authorizer: NONE }");
    let preflight = routes.iter().find(|route| route.contains("Method: OPTIONS")).unwrap();
    assert!(public(&preflight) && preflight.contains("Path: \"/{proxy+}\""), "{preflight}");
    assert!(routes.iter().any(|route| public(&route) && !route.contains("Path:")), "$default");
    assert!(!routes.iter().any(|route| route.contains("Method: ANY")), "would take the preflight");
}
