//! The names, URLs and ARNs of resources in the local cloud.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::expression::{Expression, Resolver, UnresolvedError};
use super::model::{Function, Template};
use crate::account::{ACCOUNT_ID, arn};

/// Resolves expressions to the names, URLs and ARNs of running resources.
///
/// The name of a table, queue or function is its logical id. The name of a bucket is its logical id
/// in lower case, because S3 forbids capital letters. The URL of a queue is
/// `{endpoint}/{account}/{logical id}`.
#[derive(Clone, Debug)]
pub struct Names {
    template: Arc<Template>,
    endpoint_url: String,
    secrets: BTreeMap<String, String>,
}

impl Names {
    /// Creates a resolver for emulators at `endpoint_url`. `secrets` has the values of the secrets,
    /// by key.
    #[must_use]
    pub fn new(
        template: Arc<Template>,
        endpoint_url: &str,
        secrets: BTreeMap<String, String>,
    ) -> Self {
        let endpoint_url = endpoint_url.trim_end_matches('/').to_owned();
        Self { template, endpoint_url, secrets }
    }

    /// The value of `expression` at run time.
    ///
    /// # Errors
    /// Returns an error if the expression refers to a resource or secret that has no value in the
    /// local cloud.
    pub fn resolve(&self, expression: &Expression) -> Result<String, UnresolvedError> {
        expression.resolve(self)
    }

    /// The ARN of the queue with this logical id.
    #[must_use]
    pub fn queue_arn(id: &str) -> String {
        arn("sqs", id)
    }

    /// The name of the bucket with this logical id.
    #[must_use]
    pub fn bucket_name(id: &str) -> String {
        id.to_lowercase()
    }

    /// The URL of the queue with this logical id.
    #[must_use]
    pub fn queue_url(&self, id: &str) -> String {
        format!("{}/{ACCOUNT_ID}/{id}", self.endpoint_url)
    }

    fn is_bucket(&self, id: &str) -> bool {
        self.template.buckets.iter().any(|bucket| bucket == id)
    }

    fn is_api(&self, id: &str) -> bool {
        self.template.api.as_ref().is_some_and(|api| api.id == id)
    }
}

impl Resolver for Names {
    fn reference(&self, id: &str) -> Option<String> {
        if self.template.queues.contains_key(id) {
            Some(self.queue_url(id))
        } else if self.is_bucket(id) {
            Some(Self::bucket_name(id))
        } else if self.is_api(id) {
            Some("local".to_owned())
        } else {
            let named = self.template.tables.contains_key(id)
                || self.template.functions.contains_key(id)
                || self.template.configuration_sets.iter().any(|set| set == id);
            named.then(|| id.to_owned())
        }
    }

    fn attribute(&self, id: &str, name: &str) -> Option<String> {
        match name {
            "Arn" if self.template.queues.contains_key(id) => Some(Self::queue_arn(id)),
            "Arn" if self.template.tables.contains_key(id) => {
                Some(arn("dynamodb", &format!("table/{id}")))
            }
            "Arn" if self.is_bucket(id) => Some(format!("arn:aws:s3:::{}", Self::bucket_name(id))),
            "Arn" => self.template.functions.get(id).map(Function::arn),
            "QueueName" => self.template.queues.contains_key(id).then(|| id.to_owned()),
            "QueueUrl" => self.template.queues.contains_key(id).then(|| self.queue_url(id)),
            _ => None,
        }
    }

    fn secret(&self, key: &str) -> Option<String> {
        self.secrets.get(key).cloned()
    }
}
