//! Converts the resources and roles in the template to the resources and roles of the emulators.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::aws::{
    Denied, IndexSpec, KeySpec, QueueSpec, RedriveSpec, Resources, Roles, Statement, TableSpec,
};
use crate::template::{Function, Names, Queue, Table, Template, UnresolvedError};

/// The reason why the emulators cannot create the template's resources.
#[derive(Debug, thiserror::Error)]
pub enum ResourcesError {
    /// The template has no table, or more than one.
    #[error("the local cloud needs exactly one table; the template has {0}")]
    Tables(usize),
    /// A key attribute is not a string.
    #[error("{table}: key attribute `{attribute}` must be a string")]
    KeyType {
        /// Logical id of the table.
        table: String,
        /// Name of the attribute.
        attribute: String,
    },
}

/// The resources that the emulators create for `template`.
pub fn from_template(template: &Template) -> Result<Resources, ResourcesError> {
    let mut tables = template.tables.iter();
    let (Some((name, table)), None) = (tables.next(), tables.next()) else {
        return Err(ResourcesError::Tables(template.tables.len()));
    };
    Ok(Resources {
        table: table_spec(name, table)?,
        buckets: template.buckets.iter().map(|id| Names::bucket_name(id)).collect(),
        queues: template.queues.iter().map(|(name, queue)| queue_spec(name, queue)).collect(),
    })
}

/// The roles of the functions in the template.
///
/// # Errors
/// Returns an error if a statement contains a resource that has no ARN in the local cloud.
pub fn roles(template: &Arc<Template>) -> Result<Roles, UnresolvedError> {
    // ARNs do not contain the address of the emulators, so the address is empty.
    let names = Names::new(Arc::clone(template), "", BTreeMap::new());
    let statements = |function: &Function| -> Result<Vec<Statement>, UnresolvedError> {
        let statement = |policy: &crate::template::Policy| {
            let resources = policy.resources.iter().map(|resource| names.resolve(resource));
            Ok(Statement {
                allow: policy.allow,
                actions: policy.actions.clone(),
                resources: resources.collect::<Result<_, _>>()?,
                conditions: policy.conditions.clone(),
            })
        };
        function.policies.iter().map(statement).collect()
    };
    let functions = template.functions.values();
    let roles = functions.map(|function| Ok((function.id.clone(), statements(function)?)));
    Ok(Roles::new(roles.collect::<Result<_, UnresolvedError>>()?))
}

/// Checks that the role of each function may read the queues that are its event sources. Lambda
/// makes the same check when it creates an event source mapping.
///
/// # Errors
/// Returns [`Denied`] with the first missing permission.
pub fn check_sources(template: &Template, roles: &Roles) -> Result<(), Denied> {
    let check = |function: &Function| {
        let mut queues = function.queue_sources().map(|source| Names::queue_arn(&source.queue));
        queues.try_for_each(|arn| roles.check_poll(&function.id, &arn))
    };
    template.functions.values().try_for_each(check)
}

fn table_spec(name: &str, table: &Table) -> Result<TableSpec, ResourcesError> {
    if let Some((attribute, _)) = table.attributes.iter().find(|(_, kind)| *kind != "S") {
        return Err(ResourcesError::KeyType {
            table: name.to_owned(),
            attribute: attribute.clone(),
        });
    }
    let key = |partition: &String, sort: &Option<String>| KeySpec {
        partition: partition.clone(),
        sort: sort.clone(),
    };
    let index = |index: &crate::template::Index| IndexSpec {
        name: index.name.clone(),
        key: key(&index.partition_key, &index.sort_key),
        attributes: index.attributes.clone(),
    };
    Ok(TableSpec {
        name: name.to_owned(),
        key: key(&table.partition_key, &table.sort_key),
        indexes: table.indexes.iter().map(index).collect(),
        ttl_attribute: table.ttl_attribute.clone(),
    })
}

fn queue_spec(name: &str, queue: &Queue) -> QueueSpec {
    QueueSpec {
        name: name.to_owned(),
        visibility_seconds: seconds(queue.visibility_timeout),
        retention_seconds: seconds(queue.retention),
        redrive: queue.redrive.as_ref().map(|redrive| RedriveSpec {
            dead_letter_queue: redrive.dead_letter_queue.clone(),
            max_receive_count: redrive.max_receive_count,
        }),
    }
}

fn seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}
