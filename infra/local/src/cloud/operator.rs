//! The local cloud's own access to the table and the bucket, and the operations that the `/_local`
//! endpoints run with it.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use serde_json::{Map, Value};
use shared::{
    access::{Flag, FlagRecord},
    clock::Clock,
    environment::Environment,
    export::Files,
    id::CompanyId,
    table::{Key, Table},
};

use super::error::StartError;
use crate::aws::{Aws, Credentials, OnKill};
use crate::control;
use crate::lambda::Lambda;
use crate::operator;
use crate::sources::Schedules;
use crate::template::Template;

/// Creates the clients of the local cloud itself, with the permissions of an operator.
pub(super) struct Operator<'a> {
    pub(super) http: &'a reqwest::Client,
    pub(super) aws: &'a Aws,
    pub(super) credentials: &'a Credentials,
}

impl Operator<'_> {
    pub(super) fn table(&self, name: &str) -> Result<Table, StartError> {
        Ok(self.environment("TABLE_NAME", name).table()?)
    }

    pub(super) fn files(&self, bucket: &str) -> Result<Files, StartError> {
        Ok(self.environment("BUCKET_NAME", bucket).files()?)
    }

    fn environment(&self, variable: &str, value: &str) -> Environment {
        let variables = HashMap::from([(variable.to_owned(), value.to_owned())]);
        let (endpoint, keys) = (self.aws.endpoint_url(), self.credentials.operator());
        operator::environment(self.http, endpoint, keys, Clock::System, variables)
    }
}

/// Returns a function that reads the feature flags of a company from the table.
pub(super) fn flags(table: Table) -> control::Flags {
    Arc::new(move |company: String| {
        let table = table.clone();
        Box::pin(async move {
            let record: FlagRecord = match company.parse::<CompanyId>() {
                Ok(company) => {
                    table.get(&Key::flags(&company), true).await.ok().flatten().unwrap_or_default()
                }
                Err(_) => FlagRecord::default(),
            };
            let flags = Flag::ALL.map(|flag| (flag.to_string(), Value::Bool(record.is_on(flag))));
            flags.into_iter().collect::<Map<_, _>>()
        })
    })
}

/// Returns a function that runs the clean-up, which is the function that has a schedule in the
/// template.
pub(super) fn clean_up(template: &Template, schedules: &Schedules) -> control::CleanUp {
    let scheduled = template.functions.values().find(|it| it.schedules().next().is_some());
    let function = scheduled.map_or_else(String::new, |function| function.id.clone());
    let schedules = schedules.clone();
    Arc::new(move |time: Timestamp| {
        let (schedules, function) = (schedules.clone(), function.clone());
        Box::pin(async move {
            let outcome =
                schedules.fire(&function, time).await.map_err(|error| error.to_string())?;
            serde_json::from_slice::<Value>(&outcome.payload).map_err(|error| error.to_string())
        })
    })
}

/// Returns a function that kills a process of the Lambda service. The emulators start before the
/// Lambda service, so `lambda` is set later.
pub(super) fn on_kill(lambda: &Arc<OnceLock<Lambda>>) -> OnKill {
    let lambda = Arc::clone(lambda);
    Arc::new(move |access_key_id| {
        if let Some(lambda) = lambda.get() {
            lambda.kill(access_key_id);
        }
    })
}

/// The issuer and the audience that the API's default authorizer accepts in tokens.
pub(super) fn token_rules(template: &Template) -> (String, String) {
    let authorizer =
        template.api.as_ref().and_then(|api| api.authorizers.get(api.default_authorizer.as_ref()?));
    authorizer.map_or_else(Default::default, |authorizer| {
        (authorizer.issuer.clone(), authorizer.audience.first().cloned().unwrap_or_default())
    })
}
