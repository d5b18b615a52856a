//! The names that resources bear in the local cloud.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::expression::Resolver;
use super::{Expression, Template, UnresolvedError};

/// The account of everything local.
pub const ACCOUNT_ID: &str = "000000000000";

/// The region of everything local.
pub const REGION: &str = "us-east-1";

/// An ARN of this account and region.
pub(super) fn arn(service: &str, resource: &str) -> String {
    format!("arn:aws:{service}:{REGION}:{ACCOUNT_ID}:{resource}")
}

/// Resolves expressions against running resources.
///
/// A table, queue or function is named as in the template; a bucket in lower case, since S3
/// takes nothing else; a queue's URL is `{endpoint}/{account}/{logical id}`.
#[derive(Clone, Debug)]
pub struct Names {
    template: Arc<Template>,
    endpoint_url: String,
    secrets: BTreeMap<String, String>,
}

impl Names {
    /// Names at the emulators' `endpoint_url`, with local `secrets` by key.
    #[must_use]
    pub fn new(
        template: Arc<Template>,
        endpoint_url: &str,
        secrets: BTreeMap<String, String>,
    ) -> Self {
        let endpoint_url = endpoint_url.trim_end_matches('/').to_owned();
        Self { template, endpoint_url, secrets }
    }

    /// The value of `expression`.
    ///
    /// # Errors
    /// When it refers to something that has no local value.
    pub fn resolve(&self, expression: &Expression) -> Result<String, UnresolvedError> {
        expression.resolve(self)
    }

    /// The ARN of a queue.
    #[must_use]
    pub fn queue_arn(id: &str) -> String {
        arn("sqs", id)
    }

    /// The name of a bucket.
    #[must_use]
    pub fn bucket_name(id: &str) -> String {
        id.to_lowercase()
    }

    /// The URL of a queue.
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
            let named =
                self.template.tables.contains_key(id) || self.template.functions.contains_key(id);
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
            "Arn" => self.template.functions.get(id).map(super::Function::arn),
            "QueueName" => self.template.queues.contains_key(id).then(|| id.to_owned()),
            "QueueUrl" => self.template.queues.contains_key(id).then(|| self.queue_url(id)),
            _ => None,
        }
    }

    fn secret(&self, key: &str) -> Option<String> {
        self.secrets.get(key).cloned()
    }
}
