use std::collections::HashMap;

use aws_sdk_dynamodb::{
    operation::{put_item::PutItemError, transact_write_items::TransactWriteItemsError},
    types::{
        AttributeValue, CancellationReason, ConditionCheck, Delete, Put,
        ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
    },
};
use uuid::Uuid;

use super::{Item, Key, PK, Table, TableError, read::backoff};

/// The most actions of one transaction.
pub const MAX_ACTIONS: usize = 100;
/// How often a transaction that others got in the way of is tried.
const ATTEMPTS: u32 = 8;

/// What must hold for an action, and with it for the whole transaction.
#[derive(Clone, Debug)]
pub enum Condition {
    /// There is no such item yet.
    Absent,
    /// The item is there.
    Present,
    /// The item is there, at this version.
    Version(u64),
    /// An expression, with its names (`#…`) and values (`:…`).
    Expression {
        /// The condition expression.
        text: String,
        /// Names of attributes.
        names: Vec<(&'static str, &'static str)>,
        /// Values.
        values: Vec<(&'static str, AttributeValue)>,
    },
}

struct Compiled {
    text: String,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Condition {
    fn compile(self) -> Compiled {
        let owned = |pairs: Vec<(&'static str, &'static str)>| {
            pairs.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
        };
        let (text, names, values) = match self {
            Self::Absent => ("attribute_not_exists(#pk)".to_owned(), vec![("#pk", PK)], vec![]),
            Self::Present => ("attribute_exists(#pk)".to_owned(), vec![("#pk", PK)], vec![]),
            Self::Version(version) => (
                "#version = :version".to_owned(),
                vec![("#version", "version")],
                vec![(":version", AttributeValue::N(version.to_string()))],
            ),
            Self::Expression { text, names, values } => (text, names, values),
        };
        Compiled {
            text,
            names: owned(names),
            values: values.into_iter().map(|(k, v)| (k.to_owned(), v)).collect(),
        }
    }
}

/// One action of a transaction.
#[derive(Clone, Debug)]
pub enum Action {
    /// Writes a whole item.
    Put(Item, Option<Condition>),
    /// Changes an item by an update expression.
    Update {
        /// Which item.
        key: Key,
        /// The update expression.
        update: String,
        /// Names (`#…`) of the update; the condition brings its own.
        names: Vec<(&'static str, &'static str)>,
        /// Values (`:…`) of the update.
        values: Vec<(&'static str, AttributeValue)>,
        /// What must hold.
        condition: Option<Condition>,
    },
    /// Takes an item away.
    Delete(Key, Option<Condition>),
    /// Changes nothing, but must hold.
    Check(Key, Condition),
}

/// Up to [`MAX_ACTIONS`] actions that happen together or not at all.
#[derive(Clone, Debug, Default)]
pub struct Transaction {
    actions: Vec<Action>,
}

/// Why a transaction, or a single write under a condition, did not happen.
#[derive(Debug, thiserror::Error)]
pub enum TransactError {
    /// The conditions of these actions (by index) did not hold: read again and decide anew.
    #[error("the conditions of the actions {0:?} were not met")]
    Conditions(Vec<usize>),
    /// The table's trouble.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl FromIterator<Action> for Transaction {
    fn from_iter<I: IntoIterator<Item = Action>>(actions: I) -> Self {
        Self { actions: actions.into_iter().collect() }
    }
}

impl Extend<Action> for Transaction {
    fn extend<I: IntoIterator<Item = Action>>(&mut self, actions: I) {
        self.actions.extend(actions);
    }
}

impl Transaction {
    /// No action yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an action and tells its index.
    pub fn push(&mut self, action: Action) -> usize {
        self.actions.push(action);
        self.actions.len() - 1
    }

    /// The actions.
    #[must_use]
    pub fn into_actions(self) -> Vec<Action> {
        self.actions
    }

    /// The number of actions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.actions.len()
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }
}

impl Table {
    /// Carries a transaction out. Conflicts with other writers, and throttling that canceled it, are
    /// repeated with jitter; the unchanged body keeps its token, so that a lost answer is not mistaken for
    /// somebody else's write.
    ///
    /// # Errors
    /// [`TransactError::Conditions`] when conditions did not hold; [`TableError::Contention`] or
    /// [`TableError::Throttled`] when repeating did not help; otherwise as the table says.
    pub async fn transact(&self, transaction: Transaction) -> Result<(), TransactError> {
        if transaction.is_empty() {
            return Ok(());
        }
        let token = Uuid::new_v4().to_string();
        let items = transaction
            .actions
            .into_iter()
            .map(|action| self.compile(action))
            .collect::<Result<Vec<_>, TableError>>()?;
        let mut last = TableError::Contention("not tried".to_owned());
        for attempt in 0..ATTEMPTS {
            let sent = self
                .client()
                .transact_write_items()
                .set_transact_items(Some(items.clone()))
                .client_request_token(&token)
                .send()
                .await;
            let Err(error) = sent else { return Ok(()) };
            last = match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(canceled)) => {
                    reason(canceled.cancellation_reasons())?
                }
                _ => contention(TableError::of(&error))?,
            };
            tokio::time::sleep(backoff(attempt)).await;
        }
        Err(last.into())
    }

    /// Writes one whole item under a condition: half of what a transaction costs. Conflicts with
    /// transactions are repeated with jitter. An item that stands already just as it is to be counts
    /// as written: it is this write's own, whose answer was lost.
    ///
    /// # Errors
    /// As [`Table::transact`].
    pub async fn put_if(&self, item: Item, condition: Condition) -> Result<(), TransactError> {
        let Compiled { text, names, values } = condition.compile();
        let mut last = TableError::Contention("not tried".to_owned());
        for attempt in 0..ATTEMPTS {
            let sent = self
                .client()
                .put_item()
                .table_name(self.name())
                .set_item(Some(item.clone()))
                .condition_expression(&text)
                .set_expression_attribute_names(some(names.clone()))
                .set_expression_attribute_values(some(values.clone()))
                .return_values_on_condition_check_failure(
                    ReturnValuesOnConditionCheckFailure::AllOld,
                )
                .send()
                .await;
            let Err(error) = sent else { return Ok(()) };
            if let Some(PutItemError::ConditionalCheckFailedException(failed)) =
                error.as_service_error()
            {
                let stands = failed.item().is_some_and(|standing| *standing == item);
                return if stands { Ok(()) } else { Err(TransactError::Conditions(vec![0])) };
            }
            last = contention(TableError::of(&error))?;
            tokio::time::sleep(backoff(attempt)).await;
        }
        Err(last.into())
    }

    fn compile(&self, action: Action) -> Result<TransactWriteItem, TableError> {
        let refused =
            |error: aws_sdk_dynamodb::error::BuildError| TableError::Refused(error.to_string());
        let item = TransactWriteItem::builder();
        Ok(match action {
            Action::Put(record, condition) => {
                let mut put = Put::builder().table_name(self.name()).set_item(Some(record));
                if let Some(c) = condition.map(Condition::compile) {
                    put = put
                        .condition_expression(c.text)
                        .set_expression_attribute_names(some(c.names))
                        .set_expression_attribute_values(some(c.values));
                }
                item.put(put.build().map_err(refused)?)
            }
            Action::Update { key, update, names, values, condition } => {
                let mut request = Update::builder()
                    .table_name(self.name())
                    .set_key(Some(key.to_attributes()))
                    .update_expression(update);
                for (name, attribute) in names {
                    request = request.expression_attribute_names(name, attribute);
                }
                for (name, value) in values {
                    request = request.expression_attribute_values(name, value);
                }
                if let Some(c) = condition.map(Condition::compile) {
                    request = request.condition_expression(c.text);
                    for (name, attribute) in c.names {
                        request = request.expression_attribute_names(name, attribute);
                    }
                    for (name, value) in c.values {
                        request = request.expression_attribute_values(name, value);
                    }
                }
                item.update(request.build().map_err(refused)?)
            }
            Action::Delete(key, condition) => {
                let mut delete =
                    Delete::builder().table_name(self.name()).set_key(Some(key.to_attributes()));
                if let Some(c) = condition.map(Condition::compile) {
                    delete = delete
                        .condition_expression(c.text)
                        .set_expression_attribute_names(some(c.names))
                        .set_expression_attribute_values(some(c.values));
                }
                item.delete(delete.build().map_err(refused)?)
            }
            Action::Check(key, condition) => {
                let c = condition.compile();
                let check = ConditionCheck::builder()
                    .table_name(self.name())
                    .set_key(Some(key.to_attributes()))
                    .condition_expression(c.text)
                    .set_expression_attribute_names(some(c.names))
                    .set_expression_attribute_values(some(c.values));
                item.condition_check(check.build().map_err(refused)?)
            }
        }
        .build())
    }
}

fn some<V>(map: HashMap<String, V>) -> Option<HashMap<String, V>> {
    (!map.is_empty()).then_some(map)
}

/// What is worth repeating here of an answer that is no cancellation. Throttling is not: the SDK has
/// repeated it already.
fn contention(error: TableError) -> Result<TableError, TransactError> {
    match error {
        TableError::Contention(_) => Ok(error),
        other => Err(other.into()),
    }
}

/// Reads the reasons by index: a failed condition is the caller's, everything else that may pass
/// is worth repeating.
fn reason(reasons: &[CancellationReason]) -> Result<TableError, TransactError> {
    let coded = |wanted: &str| -> Vec<usize> {
        let matching = reasons.iter().enumerate().filter(|(_, r)| r.code() == Some(wanted));
        matching.map(|(index, _)| index).collect()
    };
    let failed = coded("ConditionalCheckFailed");
    if !failed.is_empty() {
        return Err(TransactError::Conditions(failed));
    }
    let text = reasons
        .iter()
        .filter_map(|r| r.code().filter(|code| *code != "None"))
        .collect::<Vec<_>>()
        .join(", ");
    if !coded("TransactionConflict").is_empty() {
        return Ok(TableError::Contention(text));
    }
    if !coded("ThrottlingError").is_empty() || !coded("ProvisionedThroughputExceeded").is_empty() {
        return Ok(TableError::Throttled(text));
    }
    Err(TableError::Refused(text).into())
}
