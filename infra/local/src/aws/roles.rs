//! Roles: the calls that each function may make. The template grants the permissions, and the
//! emulators check them as IAM does.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::response::Service;
use crate::account::ACCOUNT_ID;

/// One statement of a role's policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// True if the statement allows the actions; false if it denies them.
    pub allow: bool,
    /// Names of IAM actions such as `service:Action`, possibly with `*`.
    pub actions: Vec<String>,
    /// ARNs of resources, possibly with `*`.
    pub resources: Vec<String>,
    /// `StringEquals` conditions: the accepted values by the name of the condition key.
    pub conditions: BTreeMap<String, Vec<String>>,
}

/// One action on one resource that a role allows. The template contains both in this form.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Grant {
    /// Logical id of the function that has the role.
    pub function: String,
    /// The action, possibly with `*`.
    pub action: String,
    /// The ARN of the resource, possibly with `*`.
    pub resource: String,
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} on {}", self.function, self.action, self.resource)
    }
}

/// A permission that a call requires: the action on at least one of the resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequiredPermission {
    pub(crate) action: String,
    /// The role needs only one of these resources: AWS accepts an email identity by its address or
    /// by its domain.
    pub(crate) resources: Vec<String>,
    /// The values of condition keys, such as `ses:FromAddress`.
    pub(crate) context: BTreeMap<&'static str, String>,
}

/// The roles of all functions, the grants that were used, and the calls that were denied. Clones
/// share all of these.
#[derive(Clone, Debug)]
pub struct Roles(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    statements: BTreeMap<String, Vec<Statement>>,
    used: Mutex<BTreeSet<Grant>>,
    denied: Mutex<Vec<Denied>>,
}

/// The error for a call that a role does not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "User: arn:aws:sts::{ACCOUNT_ID}:assumed-role/{function}/{function} is not authorized to \
     perform: {action} on resource: {resource} because {reason}"
)]
pub struct Denied {
    function: String,
    action: String,
    resource: String,
    reason: String,
}

impl Roles {
    /// Creates roles from their statements, by the name of the function. A function without a role
    /// may make no calls.
    #[must_use]
    pub fn new(statements: BTreeMap<String, Vec<Statement>>) -> Self {
        let (used, denied) = (Mutex::default(), Mutex::default());
        Self(Some(Arc::new(Inner { statements, used, denied })))
    }

    /// Creates roles that allow every call, for emulators that run without a template.
    #[must_use]
    pub fn unrestricted() -> Self {
        Self(None)
    }

    /// Checks that the function's role may poll the queue. Lambda refuses to create an event
    /// source mapping if the role cannot read its queue.
    ///
    /// # Errors
    /// [`Denied`] names the first missing permission.
    pub fn check_poll(&self, function: &str, queue_arn: &str) -> Result<(), Denied> {
        ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"].iter().try_for_each(|action| {
            let required = RequiredPermission {
                action: format!("sqs:{action}"),
                resources: vec![queue_arn.to_owned()],
                context: BTreeMap::new(),
            };
            self.check(function, &required)
        })
    }

    /// All grants of all roles, both used and unused.
    #[must_use]
    pub fn grants(&self) -> BTreeSet<Grant> {
        let Some(inner) = &self.0 else { return BTreeSet::new() };
        let grants = |function: &String, statement: &Statement| -> Vec<Grant> {
            let pairs = statement.actions.iter().flat_map(|action| {
                statement.resources.iter().map(move |resource| (action.clone(), resource.clone()))
            });
            let grant = |(action, resource)| Grant { function: function.clone(), action, resource };
            pairs.map(grant).collect()
        };
        inner
            .statements
            .iter()
            .flat_map(|(function, statements)| statements.iter().map(move |s| (function, s)))
            .filter(|(_, statement)| statement.allow)
            .flat_map(|(function, statement)| grants(function, statement))
            .collect()
    }

    /// The grants that were used by at least one call.
    #[must_use]
    pub fn used(&self) -> BTreeSet<Grant> {
        let used = self.0.as_ref().map(|inner| inner.used.lock());
        used.map(|used| used.unwrap_or_else(PoisonError::into_inner).clone()).unwrap_or_default()
    }

    /// The denied calls, oldest first.
    #[must_use]
    pub fn denied(&self) -> Vec<Denied> {
        let denied = self.0.as_ref().map(|inner| inner.denied.lock());
        denied.map(|it| it.unwrap_or_else(PoisonError::into_inner).clone()).unwrap_or_default()
    }

    /// Checks that the role has a permission. As in IAM, an explicit deny takes precedence.
    pub(crate) fn check(
        &self,
        function: &str,
        required: &RequiredPermission,
    ) -> Result<(), Denied> {
        let Some(inner) = &self.0 else { return Ok(()) };
        inner.check(function, required).inspect_err(|denied| {
            inner.denied.lock().unwrap_or_else(PoisonError::into_inner).push(denied.clone());
        })
    }
}

impl Inner {
    fn check(&self, function: &str, required: &RequiredPermission) -> Result<(), Denied> {
        let statements = self.statements.get(function).map(Vec::as_slice).unwrap_or_default();
        let matching = |allow: bool| {
            statements
                .iter()
                .filter(move |statement| statement.allow == allow)
                .find_map(|statement| statement.matching(required))
        };
        let denied = |reason: String| Denied {
            function: function.to_owned(),
            action: required.action.clone(),
            resource: required.resources.first().cloned().unwrap_or_default(),
            reason,
        };
        if matching(false).is_some() {
            return Err(denied("of an explicit deny in an identity-based policy".to_owned()));
        }
        let Some((action, resource)) = matching(true) else {
            let reason = format!("no identity-based policy allows the {} action", required.action);
            return Err(denied(reason));
        };
        let function = function.to_owned();
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.insert(Grant { function, action, resource });
        Ok(())
    }
}

impl Statement {
    /// The first action and the first resource of this statement that match a required permission;
    /// `None` if there is no match or a condition is not met.
    fn matching(&self, required: &RequiredPermission) -> Option<(String, String)> {
        let is_met = |(key, values): (&String, &Vec<String>)| {
            let value = required.context.get(key.as_str());
            value.is_some_and(|value| values.contains(value))
        };
        if !self.conditions.iter().all(is_met) {
            return None;
        }
        let action = self.actions.iter().find(|pattern| {
            matches(&pattern.to_ascii_lowercase(), &required.action.to_ascii_lowercase())
        })?;
        let resource = self
            .resources
            .iter()
            .find(|pattern| required.resources.iter().any(|resource| matches(pattern, resource)))?;
        Some((action.clone(), resource.clone()))
    }
}

impl Denied {
    /// The error response in the format of the service.
    pub(crate) fn response(&self, service: Service) -> Response {
        let message = self.to_string();
        match service {
            Service::DynamoDb => {
                service.error(StatusCode::BAD_REQUEST, "AccessDeniedException", &message)
            }
            Service::S3 | Service::Sqs | Service::Ses => {
                service.error(StatusCode::FORBIDDEN, "AccessDenied", &message)
            }
        }
    }
}

/// Whether a text matches an IAM pattern. In a pattern, `*` matches any text, and `?` matches any
/// single character.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // The position of the last star, and the position up to which it has matched the text.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if p < pattern.len() && pattern[p] == '*' {
            star = Some((p, t));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == '?' || pattern[p] == text[t]) {
            p += 1;
            t += 1;
        } else if let Some((at, taken)) = star {
            star = Some((at, taken + 1));
            p = at + 1;
            t = taken + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "arn:aws:dynamodb:us-east-1:000000000000:table/Table";

    fn roles(allow: bool, action: &str, resource: &str) -> Roles {
        let statement = |allow, action: &str, resource: &str| Statement {
            allow,
            actions: vec![action.to_owned()],
            resources: vec![resource.to_owned()],
            conditions: BTreeMap::new(),
        };
        let mut statements = vec![statement(true, "dynamodb:GetItem", TABLE)];
        statements.push(statement(allow, action, resource));
        Roles::new(BTreeMap::from([("Reader".to_owned(), statements)]))
    }

    fn permission(action: &str, resource: &str) -> RequiredPermission {
        RequiredPermission {
            action: action.to_owned(),
            resources: vec![resource.to_owned()],
            context: BTreeMap::new(),
        }
    }

    #[test]
    fn a_role_allows_only_the_actions_and_resources_of_its_statements() {
        let roles = roles(true, "s3:Put*", "arn:aws:s3:::bucket/private/*");
        let objects = "arn:aws:s3:::bucket/private/a/b";
        assert_eq!(roles.check("Reader", &permission("s3:PutObject", objects)), Ok(()));
        assert!(roles.check("Reader", &permission("s3:GetObject", objects)).is_err());
        assert!(
            roles.check("Reader", &permission("s3:PutObject", "arn:aws:s3:::bucket/a")).is_err()
        );
        assert!(roles.check("Reader", &permission("dynamodb:Query", TABLE)).is_err());
        let index = format!("{TABLE}/index/by_name");
        assert!(roles.check("Reader", &permission("dynamodb:GetItem", &index)).is_err());
        assert!(roles.check("Writer", &permission("dynamodb:GetItem", TABLE)).is_err());
    }

    #[test]
    fn an_explicit_deny_wins() {
        let roles = roles(false, "dynamodb:*", "*");
        let denied = roles.check("Reader", &permission("dynamodb:GetItem", TABLE)).unwrap_err();
        assert!(denied.to_string().contains("explicit deny"), "{denied}");
    }

    #[test]
    fn used_grants_are_a_part_of_all_grants() {
        let roles = roles(true, "sqs:SendMessage", "arn:aws:sqs:::Work");
        roles.check("Reader", &permission("dynamodb:GetItem", TABLE)).unwrap();
        let unused: Vec<Grant> = roles.grants().difference(&roles.used()).cloned().collect();
        assert_eq!(unused.len(), 1);
        assert_eq!(unused[0].to_string(), "Reader: sqs:SendMessage on arn:aws:sqs:::Work");
    }

    #[test]
    fn a_statement_with_a_condition_applies_only_if_the_condition_is_met() {
        let identity = "arn:aws:ses:us-east-1:000000000000:identity/example.com";
        let statement = Statement {
            allow: true,
            actions: vec!["ses:SendRawEmail".to_owned()],
            resources: vec![identity.to_owned()],
            conditions: BTreeMap::from([(
                "ses:FromAddress".to_owned(),
                vec!["exports@example.com".to_owned()],
            )]),
        };
        let roles = Roles::new(BTreeMap::from([("Sender".to_owned(), vec![statement])]));
        let mut required = permission("ses:SendRawEmail", identity);
        assert!(roles.check("Sender", &required).is_err());
        required.context.insert("ses:FromAddress", "other@example.com".to_owned());
        assert!(roles.check("Sender", &required).is_err());
        required.context.insert("ses:FromAddress", "exports@example.com".to_owned());
        assert_eq!(roles.check("Sender", &required), Ok(()));
    }

    #[test]
    fn patterns_are_those_of_iam() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abbd", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a*b*c", "a-b-b-c", true),
            ("abc", "abcd", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
