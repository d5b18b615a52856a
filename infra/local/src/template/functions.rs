//! Reads the functions in a template.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;

use super::error::TemplateError;
use super::expression::Expression;
use super::model::{Asynchronous, Authorizer, Event, Function, Policy, Route, Schedule};
use super::property::Property;
use super::scope::Scope;
use super::yaml::Node;

/// Properties of a function that the local cloud supports.
const SUPPORTED: &[&str] = &[
    "MemorySize",
    "Timeout",
    "ReservedConcurrentExecutions",
    "EventInvokeConfig",
    "RecursiveLoop",
    "Environment",
    "Policies",
    "Events",
];

/// Properties that only have an effect on AWS: a local process uses the disk, processor and log of
/// the machine.
const IGNORED: &[&str] = &[
    "Description",
    "Runtime",
    "Handler",
    "Architectures",
    "CodeUri",
    "Tracing",
    "LoggingConfig",
    "EphemeralStorage",
    "Tags",
    // The local cloud runs one version of each function.
    "AutoPublishAlias",
    "AutoPublishAliasAllProperties",
    "VersionDescription",
    "DeploymentPreference",
];

/// `Globals.Function`: the default properties of all functions.
pub(super) struct Globals<'a>(Option<Property<'a>>);

impl<'a> Globals<'a> {
    pub(super) fn read(document: &'a Node, scope: &'a Scope) -> Result<Self, TemplateError> {
        let Some(node) = document.get("Globals") else { return Ok(Self(None)) };
        let Some(globals) = Property::new("Globals", node, scope)? else { return Ok(Self(None)) };
        globals.allow(&["Function"], &[])?;
        let function = globals.get("Function")?;
        if let Some(function) = &function {
            function.allow(&["MemorySize", "Timeout", "Environment"], IGNORED)?;
        }
        Ok(Self(function))
    }

    /// Reads a function.
    pub(super) fn function(
        &self,
        id: String,
        resource: &Property<'_>,
    ) -> Result<Function, TemplateError> {
        let properties = resource.require("Properties")?;
        properties.allow(SUPPORTED, IGNORED)?;
        let timeout = self.setting(&properties, "Timeout")?.unwrap_or(3);
        if !(1..=900).contains(&timeout) {
            return Err(properties.error("`Timeout` must be 1 to 900 seconds"));
        }
        Ok(Function {
            id,
            binary: binary(resource)?,
            memory_mib: self.setting(&properties, "MemorySize")?.unwrap_or(128),
            timeout: Duration::from_secs(timeout),
            reserved_concurrency: properties.parse_optional("ReservedConcurrentExecutions")?,
            asynchronous: asynchronous(&properties)?,
            allows_recursion: recursion(&properties)?,
            environment: self.environment(&properties)?,
            policies: policies(&properties)?,
            events: events(&properties)?,
        })
    }

    fn setting<T: std::str::FromStr>(
        &self,
        properties: &Property<'_>,
        key: &str,
    ) -> Result<Option<T>, TemplateError> {
        match (properties.parse_optional(key)?, &self.0) {
            (None, Some(globals)) => globals.parse_optional(key),
            (own, _) => Ok(own),
        }
    }

    fn environment(
        &self,
        properties: &Property<'_>,
    ) -> Result<BTreeMap<String, Expression>, TemplateError> {
        let mut environment = BTreeMap::new();
        for owner in self.0.iter().chain([properties]) {
            let Some(section) = owner.get("Environment")? else { continue };
            section.allow(&["Variables"], &[])?;
            for (name, value) in section.require("Variables")?.entries()? {
                environment.insert(name.to_owned(), value.expression()?);
            }
        }
        Ok(environment)
    }
}

/// The name of the binary that `sam build` uses, from `Metadata.BuildProperties.Binary`.
fn binary(resource: &Property<'_>) -> Result<String, TemplateError> {
    resource.require("Metadata")?.require("BuildProperties")?.require("Binary")?.text()
}

/// What happens to an asynchronous event that fails. Without a setting, Lambda retries twice within
/// six hours.
fn asynchronous(properties: &Property<'_>) -> Result<Asynchronous, TemplateError> {
    let mut settings = Asynchronous::default();
    if let Some(config) = properties.get("EventInvokeConfig")? {
        config.allow(&["MaximumRetryAttempts", "MaximumEventAgeInSeconds"], &[])?;
        if let Some(retries) = config.parse_optional("MaximumRetryAttempts")? {
            settings.retries = retries;
        }
        if let Some(seconds) = config.parse_optional("MaximumEventAgeInSeconds")? {
            settings.event_age = Duration::from_secs(seconds);
        }
    }
    Ok(settings)
}

fn recursion(properties: &Property<'_>) -> Result<bool, TemplateError> {
    let Some(setting) = properties.get("RecursiveLoop")? else { return Ok(false) };
    match setting.text()?.as_str() {
        "Allow" => Ok(true),
        "Terminate" => Ok(false),
        _ => Err(setting.error("expected `Allow` or `Terminate`")),
    }
}

fn policies(properties: &Property<'_>) -> Result<Vec<Policy>, TemplateError> {
    let Some(documents) = properties.get("Policies")? else { return Ok(Vec::new()) };
    let mut policies = Vec::new();
    for document in documents.one_or_more()? {
        document.allow(&["Version", "Statement"], &["Id"])?;
        for statement in document.require("Statement")?.one_or_more()? {
            policies.push(policy(&statement)?);
        }
    }
    Ok(policies)
}

fn policy(statement: &Property<'_>) -> Result<Policy, TemplateError> {
    statement.allow(&["Effect", "Action", "Resource", "Condition"], &["Sid"])?;
    let effect = statement.require("Effect")?;
    let allow = match effect.text()?.as_str() {
        "Allow" => true,
        "Deny" => false,
        _ => return Err(effect.error("expected `Allow` or `Deny`")),
    };
    let resources = statement.require("Resource")?;
    Ok(Policy {
        allow,
        conditions: conditions(statement)?,
        actions: statement.require("Action")?.texts()?,
        resources: resources
            .one_or_more()?
            .iter()
            .map(Property::expression)
            .collect::<Result<_, _>>()?,
    })
}

/// The conditions of a statement. The values must not depend on a resource.
fn conditions(statement: &Property<'_>) -> Result<BTreeMap<String, Vec<String>>, TemplateError> {
    let Some(condition) = statement.get("Condition")? else { return Ok(BTreeMap::new()) };
    condition.allow(&["StringEquals"], &[])?;
    let pairs = condition.require("StringEquals")?.entries()?;
    pairs.into_iter().map(|(key, values)| Ok((key.to_owned(), values.texts()?))).collect()
}

fn events(properties: &Property<'_>) -> Result<Vec<Event>, TemplateError> {
    let Some(events) = properties.get("Events")? else { return Ok(Vec::new()) };
    events.entries()?.iter().map(|(name, declaration)| event(name, declaration)).collect()
}

fn event(name: &str, declaration: &Property<'_>) -> Result<Event, TemplateError> {
    declaration.allow(&["Type", "Properties"], &[])?;
    let kind = declaration.require("Type")?;
    let properties = declaration.require("Properties")?;
    match kind.text()?.as_str() {
        "HttpApi" => Ok(Event::Route(route(&properties)?)),
        "Schedule" => Ok(Event::Schedule(schedule(name, &properties)?)),
        other => Err(kind.error(format!("the local cloud does not support `{other}` events"))),
    }
}

fn route(properties: &Property<'_>) -> Result<Route, TemplateError> {
    properties.allow(&["ApiId", "Method", "Path", "Auth"], &[])?;
    let path = properties.get("Path")?.map(|path| path.text()).transpose()?;
    if path.as_ref().is_some_and(|path| !path.starts_with('/')) {
        return Err(properties.error("`Path` must begin with `/`"));
    }
    Ok(Route {
        method: properties.get("Method")?.map(|it| method(&it)).transpose()?.flatten(),
        path: path.filter(|path| path != "/$default"),
        authorizer: authorizer(properties)?,
    })
}

fn method(property: &Property<'_>) -> Result<Option<Method>, TemplateError> {
    let name = property.text()?.to_uppercase();
    if matches!(name.as_str(), "ANY" | "X-AMAZON-APIGATEWAY-ANY-METHOD" | "*") {
        return Ok(None);
    }
    match Method::from_bytes(name.as_bytes()) {
        Ok(method) => Ok(Some(method)),
        Err(_) => Err(property.error(format!("`{name}` is not an HTTP method"))),
    }
}

fn authorizer(route: &Property<'_>) -> Result<Authorizer, TemplateError> {
    let Some(auth) = route.get("Auth")? else { return Ok(Authorizer::Default) };
    auth.allow(&["Authorizer"], &[])?;
    Ok(match auth.require("Authorizer")?.text()?.as_str() {
        "NONE" => Authorizer::None,
        name => Authorizer::Named(name.to_owned()),
    })
}

fn schedule(name: &str, properties: &Property<'_>) -> Result<Schedule, TemplateError> {
    properties.allow(&["Schedule", "Enabled"], &["Name", "Description"])?;
    let rate = properties.require("Schedule")?;
    let text = rate.text()?;
    let period = period(&text).ok_or_else(|| {
        rate.error(format!("`{text}` is not like `rate(1 minute)` or `rate(5 minutes)`"))
    })?;
    let enabled = properties.parse_optional("Enabled")?.unwrap_or(true);
    Ok(Schedule { name: name.to_owned(), period, enabled })
}

/// The period in a `rate(…)` expression; `None` if the expression is invalid. `EventBridge`
/// requires the singular (`minute`) for 1 and the plural for other numbers.
fn period(text: &str) -> Option<Duration> {
    let (count, unit) = text.strip_prefix("rate(")?.strip_suffix(')')?.split_once(' ')?;
    let count: u64 = count.parse().ok().filter(|count| *count > 0)?;
    let unit = if count == 1 { unit } else { unit.strip_suffix('s')? };
    let seconds = match unit {
        "minute" => 60,
        "hour" => 3_600,
        "day" => 86_400,
        _ => return None,
    };
    Some(Duration::from_secs(count.checked_mul(seconds)?))
}
