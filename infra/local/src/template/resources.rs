//! Reads the resources in a template.

use std::collections::BTreeMap;
use std::time::Duration;

use super::error::TemplateError;
use super::functions::Globals;
use super::mapping::mapping;
use super::model::{
    Api, Authorizer, Cors, Event, Index, JwtAuthorizer, Queue, QueueSource, Redrive, Table,
    Template, Throttle,
};
use super::property::Property;
use super::scope::Scope;
use super::yaml::Node;

/// The keys that `CloudFormation` allows in a resource.
const RESOURCE_KEYS: &[&str] = &[
    "Type",
    "Properties",
    "Metadata",
    "Condition",
    "DependsOn",
    "DeletionPolicy",
    "UpdateReplacePolicy",
];

/// Reads every resource that the local cloud runs. Resources of other types are skipped.
pub(super) fn read(document: &Node, scope: &Scope) -> Result<Template, TemplateError> {
    let resources = document
        .get("Resources")
        .ok_or_else(|| TemplateError::new(document.line, "`Resources` is missing"))?;
    let globals = Globals::read(document, scope)?;
    let mut template = Template::default();
    let mut mappings = Vec::new();
    for (id, node) in resources.entries() {
        if let Some(resource) = Property::new(id, node, scope)?
            && is_created(&resource)?
        {
            read_resource(id, &resource, &globals, &mut template, &mut mappings)?;
        }
    }
    for (id, function, source) in mappings {
        let Some(function) = template.functions.get_mut(&function) else {
            let message = format!("{id}.FunctionName: `{function}` is not a function");
            return Err(TemplateError::new(resources.line, message));
        };
        function.events.push(Event::Queue(source));
    }
    check(&template, resources.line)?;
    Ok(template)
}

/// Whether the condition of the resource is true, so that the resource is created.
fn is_created(resource: &Property<'_>) -> Result<bool, TemplateError> {
    resource.allow(RESOURCE_KEYS, &[])?;
    match resource.get("Condition")? {
        None => Ok(true),
        Some(condition) => resource.condition(&condition.text()?),
    }
}

fn read_resource(
    id: &str,
    resource: &Property<'_>,
    globals: &Globals<'_>,
    template: &mut Template,
    mappings: &mut Vec<(String, String, QueueSource)>,
) -> Result<(), TemplateError> {
    let id = id.to_owned();
    match resource.require("Type")?.text()?.as_str() {
        "AWS::Serverless::HttpApi" => {
            if template.api.is_some() {
                return Err(resource.error("the local cloud runs one HTTP API only"));
            }
            template.api = Some(api(id, resource)?);
        }
        "AWS::DynamoDB::Table" => {
            template.tables.insert(id, table(&resource.require("Properties")?)?);
        }
        "AWS::S3::Bucket" => {
            if let Some(name) = resource.get("Properties")?.map(|all| all.get("BucketName")) {
                refuse_name(name?)?;
            }
            template.buckets.push(id);
        }
        "AWS::SQS::Queue" => {
            template.queues.insert(id, queue(resource)?);
        }
        "AWS::Serverless::Function" => {
            template.functions.insert(id.clone(), globals.function(id, resource)?);
        }
        "AWS::SES::ConfigurationSet" => {
            if let Some(name) = resource.get("Properties")?.map(|all| all.get("Name")) {
                refuse_name(name?)?;
            }
            template.configuration_sets.push(id);
        }
        "AWS::Lambda::EventSourceMapping" => {
            let (function, source) = mapping(resource)?;
            mappings.push((id, function, source));
        }
        _ => {}
    }
    Ok(())
}

/// Returns an error for a fixed name, because the local cloud uses logical ids as names.
fn refuse_name(name: Option<Property<'_>>) -> Result<(), TemplateError> {
    name.map_or(Ok(()), |name| Err(name.error("the local cloud names resources by logical id")))
}

fn api(id: String, resource: &Property<'_>) -> Result<Api, TemplateError> {
    let mut api = Api {
        id,
        default_authorizer: None,
        authorizers: BTreeMap::new(),
        cors: None,
        throttle: None,
        route_throttles: BTreeMap::new(),
    };
    let Some(properties) = resource.get("Properties")? else { return Ok(api) };
    properties.allow(
        &["Auth", "CorsConfiguration", "DefaultRouteSettings", "RouteSettings"],
        &["Name", "Description", "Tags", "AccessLogSettings", "FailOnWarnings"],
    )?;
    if let Some(auth) = properties.get("Auth")? {
        auth.allow(&["DefaultAuthorizer", "Authorizers"], &[])?;
        api.default_authorizer = auth.get("DefaultAuthorizer")?.map(|it| it.text()).transpose()?;
        for (name, authorizer) in auth.require("Authorizers")?.entries()? {
            api.authorizers.insert(name.to_owned(), jwt_authorizer(&authorizer)?);
        }
        if let Some(name) = &api.default_authorizer
            && !api.authorizers.contains_key(name)
        {
            return Err(auth.error(format!("there is no authorizer called `{name}`")));
        }
    }
    api.cors = properties.get("CorsConfiguration")?.map(|it| cors(&it)).transpose()?;
    api.throttle = properties.get("DefaultRouteSettings")?.map(|it| throttle(&it)).transpose()?;
    if let Some(routes) = properties.get("RouteSettings")? {
        for (key, settings) in routes.entries()? {
            api.route_throttles.insert(key.to_owned(), throttle(&settings)?);
        }
    }
    Ok(api)
}

fn jwt_authorizer(authorizer: &Property<'_>) -> Result<JwtAuthorizer, TemplateError> {
    authorizer.allow(&["IdentitySource", "JwtConfiguration"], &[])?;
    if let Some(source) = authorizer.get("IdentitySource")?
        && !source.text()?.eq_ignore_ascii_case("$request.header.Authorization")
    {
        return Err(source.error("only `$request.header.Authorization` is supported"));
    }
    let configuration = authorizer.require("JwtConfiguration")?;
    configuration.allow(&["issuer", "audience"], &[])?;
    Ok(JwtAuthorizer {
        issuer: configuration.require("issuer")?.text()?,
        audience: configuration.require("audience")?.texts()?,
    })
}

fn cors(cors: &Property<'_>) -> Result<Cors, TemplateError> {
    cors.allow(
        &[
            "AllowOrigins",
            "AllowMethods",
            "AllowHeaders",
            "ExposeHeaders",
            "MaxAge",
            "AllowCredentials",
        ],
        &[],
    )?;
    let texts = |key: &str| -> Result<Vec<String>, TemplateError> {
        cors.get(key)?.map_or(Ok(Vec::new()), |list| list.texts())
    };
    Ok(Cors {
        allow_origins: texts("AllowOrigins")?,
        allow_methods: texts("AllowMethods")?,
        allow_headers: texts("AllowHeaders")?,
        expose_headers: texts("ExposeHeaders")?,
        max_age: cors.parse_optional("MaxAge")?.map(Duration::from_secs),
        allow_credentials: cors.parse_optional("AllowCredentials")?.unwrap_or_default(),
    })
}

fn throttle(settings: &Property<'_>) -> Result<Throttle, TemplateError> {
    settings
        .allow(&["ThrottlingBurstLimit", "ThrottlingRateLimit"], &["DetailedMetricsEnabled"])?;
    Ok(Throttle {
        burst: settings.require("ThrottlingBurstLimit")?.parse()?,
        rate: settings.require("ThrottlingRateLimit")?.parse()?,
    })
}

fn table(properties: &Property<'_>) -> Result<Table, TemplateError> {
    properties.allow(
        &[
            "AttributeDefinitions",
            "KeySchema",
            "GlobalSecondaryIndexes",
            "TimeToLiveSpecification",
            "BillingMode",
        ],
        &[
            "PointInTimeRecoverySpecification",
            "SSESpecification",
            "DeletionProtectionEnabled",
            "WarmThroughput",
            "Tags",
        ],
    )?;
    let mut table = Table::default();
    for definition in properties.require("AttributeDefinitions")?.items()? {
        let name = definition.require("AttributeName")?.text()?;
        table.attributes.insert(name, definition.require("AttributeType")?.text()?);
    }
    (table.partition_key, table.sort_key) = keys(properties, &table.attributes)?;
    if let Some(indexes) = properties.get("GlobalSecondaryIndexes")? {
        for index in indexes.items()? {
            index.allow(&["IndexName", "KeySchema", "Projection"], &["WarmThroughput"])?;
            let projection = index.require("Projection")?;
            projection.allow(&["ProjectionType", "NonKeyAttributes"], &[])?;
            let kind = projection.require("ProjectionType")?;
            let attributes = match kind.text()?.as_str() {
                "ALL" => None,
                "INCLUDE" => Some(projection.require("NonKeyAttributes")?.texts()?),
                _ => return Err(kind.error("only `ALL` and `INCLUDE` are supported")),
            };
            let (partition_key, sort_key) = keys(&index, &table.attributes)?;
            let name = index.require("IndexName")?.text()?;
            table.indexes.push(Index { name, partition_key, sort_key, attributes });
        }
    }
    if let Some(ttl) = properties.get("TimeToLiveSpecification")?
        && ttl.require("Enabled")?.parse()?
    {
        table.ttl_attribute = Some(ttl.require("AttributeName")?.text()?);
    }
    Ok(table)
}

fn keys(
    owner: &Property<'_>,
    attributes: &BTreeMap<String, String>,
) -> Result<(String, Option<String>), TemplateError> {
    let schema = owner.require("KeySchema")?;
    let (mut partition_key, mut sort_key) = (None, None);
    for key in schema.items()? {
        let attribute = key.require("AttributeName")?;
        let name = attribute.text()?;
        if !attributes.contains_key(&name) {
            return Err(attribute.error(format!("`{name}` has no AttributeDefinition")));
        }
        match key.require("KeyType")?.text()?.as_str() {
            "HASH" => partition_key = Some(name),
            "RANGE" => sort_key = Some(name),
            other => return Err(key.error(format!("`{other}` is neither `HASH` nor `RANGE`"))),
        }
    }
    let partition_key = partition_key.ok_or_else(|| schema.error("a `HASH` key is missing"))?;
    Ok((partition_key, sort_key))
}

fn queue(resource: &Property<'_>) -> Result<Queue, TemplateError> {
    let properties = resource.require("Properties")?;
    properties.allow(
        &["VisibilityTimeout", "MessageRetentionPeriod", "RedrivePolicy"],
        &["SqsManagedSseEnabled", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "Tags"],
    )?;
    let seconds = |key: &str, default: u64| -> Result<Duration, TemplateError> {
        Ok(Duration::from_secs(properties.parse_optional(key)?.unwrap_or(default)))
    };
    Ok(Queue {
        visibility_timeout: seconds("VisibilityTimeout", 30)?,
        retention: seconds("MessageRetentionPeriod", 345_600)?,
        redrive: properties.get("RedrivePolicy")?.map(|it| redrive(&it)).transpose()?,
    })
}

fn redrive(policy: &Property<'_>) -> Result<Redrive, TemplateError> {
    policy.allow(&["deadLetterTargetArn", "maxReceiveCount"], &[])?;
    Ok(Redrive {
        dead_letter_queue: policy.require("deadLetterTargetArn")?.arn_target()?,
        max_receive_count: policy.require("maxReceiveCount")?.parse()?,
    })
}

/// Checks that the resources refer only to resources that exist.
fn check(template: &Template, line: usize) -> Result<(), TemplateError> {
    let error = |message: String| Err(TemplateError::new(line, message));
    for (id, queue) in &template.queues {
        if let Some(Redrive { dead_letter_queue, .. }) = &queue.redrive
            && !template.queues.contains_key(dead_letter_queue)
        {
            return error(format!("{id}.RedrivePolicy: `{dead_letter_queue}` is not a queue"));
        }
    }
    for (id, function) in &template.functions {
        for source in function.queue_sources() {
            let Some(queue) = template.queues.get(&source.queue) else {
                return error(format!(
                    "the event source of {id}: `{}` is not a queue",
                    source.queue
                ));
            };
            if queue.visibility_timeout < function.timeout {
                return error(format!(
                    "the event source of {id}: the visibility time-out of `{}` ({} s) is less than the function's time-out ({} s)",
                    source.queue,
                    queue.visibility_timeout.as_secs(),
                    function.timeout.as_secs()
                ));
            }
        }
        for event in &function.events {
            if let Event::Route(route) = event {
                let Some(api) = &template.api else {
                    return error(format!("{id}.Events: the template has no HTTP API"));
                };
                if let Authorizer::Named(name) = &route.authorizer
                    && !api.authorizers.contains_key(name)
                {
                    return error(format!("{id}.Events: there is no authorizer called `{name}`"));
                }
            }
        }
    }
    Ok(())
}
