use std::collections::HashMap;

use aws_sdk_dynamodb::{
    error::BuildError,
    operation::{put_item::PutItemError, transact_write_items::TransactWriteItemsError},
    types::{
        AttributeValue, CancellationReason, ConditionCheck, Delete, Put,
        ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
    },
};
use uuid::Uuid;

use super::{Item, Key, PK, Table, TableError, read::wait};

/// The maximum number of actions of one transaction.
pub const MAX_ACTIONS: usize = 100;
/// The maximum number of attempts of a transaction that conflicts with other writers.
const ATTEMPTS: u32 = 8;

/// The attribute names of an expression, by their placeholders (`#…`).
type Names = Vec<(&'static str, &'static str)>;
/// The values of an expression, by their placeholders (`:…`).
type Values = Vec<(&'static str, AttributeValue)>;

/// A condition of an action. If it is not met, the whole transaction fails.
#[derive(Clone, Debug)]
pub enum Condition {
    /// The item does not exist.
    Absent,
    /// The item exists.
    Present,
    /// The item exists and has this version.
    Version(u64),
    /// A condition expression with its names (`#…`) and values (`:…`).
    Expression {
        /// The condition expression.
        text: String,
        /// The attribute names, by their placeholders.
        names: Names,
        /// The values, by their placeholders.
        values: Values,
    },
}

/// An expression as the SDK takes it: without names or values if it has none.
#[derive(Default)]
struct Compiled {
    text: Option<String>,
    names: Option<HashMap<String, String>>,
    values: Option<HashMap<String, AttributeValue>>,
}

impl Compiled {
    fn new(text: String, names: Names, values: Values) -> Self {
        let names: HashMap<_, _> = names
            .into_iter()
            .map(|(name, attribute)| (name.to_owned(), attribute.to_owned()))
            .collect();
        let values: HashMap<_, _> =
            values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self {
            text: Some(text),
            names: Some(names).filter(|names| !names.is_empty()),
            values: Some(values).filter(|values| !values.is_empty()),
        }
    }

    /// No expression, for an action without a condition.
    fn optional(condition: Option<Condition>) -> Self {
        condition.map(Condition::compile).unwrap_or_default()
    }
}

impl Condition {
    fn compile(self) -> Compiled {
        let (text, names, values) = self.parts();
        Compiled::new(text, names, values)
    }

    fn parts(self) -> (String, Names, Values) {
        match self {
            Self::Absent => ("attribute_not_exists(#pk)".to_owned(), vec![("#pk", PK)], vec![]),
            Self::Present => ("attribute_exists(#pk)".to_owned(), vec![("#pk", PK)], vec![]),
            Self::Version(version) => (
                "#version = :version".to_owned(),
                vec![("#version", "version")],
                vec![(":version", AttributeValue::N(version.to_string()))],
            ),
            Self::Expression { text, names, values } => (text, names, values),
        }
    }
}

/// One action of a transaction.
#[derive(Clone, Debug)]
pub enum Action {
    /// Writes a whole item and replaces an existing item with the same key.
    Put(Item, Option<Condition>),
    /// Changes an item by an update expression.
    Update {
        /// The key of the item.
        key: Key,
        /// The update expression.
        update: String,
        /// The attribute names (`#…`) of the update. The condition has its own names.
        names: Names,
        /// The values (`:…`) of the update.
        values: Values,
        /// The condition under which the item is updated.
        condition: Option<Condition>,
    },
    /// Deletes an item.
    Delete(Key, Option<Condition>),
    /// Changes nothing, but its condition must be met.
    Check(Key, Condition),
}

/// Up to [`MAX_ACTIONS`] actions. The table writes either all of them or none.
#[derive(Clone, Debug, Default)]
pub struct Transaction {
    actions: Vec<Action>,
}

/// Why a transaction, or a single conditional write, was not written.
#[derive(Debug, thiserror::Error)]
pub enum TransactError {
    /// The conditions of the actions with these indexes were not met. The caller must read the
    /// items again.
    #[error("the conditions of the actions {0:?} were not met")]
    Conditions(Vec<usize>),
    /// The request to the table failed.
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
    /// A transaction without actions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an action and returns its index.
    pub fn push(&mut self, action: Action) -> usize {
        self.actions.push(action);
        self.actions.len() - 1
    }

    /// Converts the transaction into the list of its actions.
    #[must_use]
    pub fn into_actions(self) -> Vec<Action> {
        self.actions
    }

    /// The number of actions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.actions.len()
    }

    /// Whether the transaction has no actions.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }
}

impl Table {
    /// Writes a transaction. Conflicts with other writers, and throttling that canceled the
    /// transaction, are retried with jitter. All attempts use the same request token, so a retry
    /// after a lost response is not rejected as a conflict.
    ///
    /// # Errors
    /// [`TransactError::Conditions`] when conditions were not met; [`TableError::Contention`] or
    /// [`TableError::Throttled`] when the last attempt failed too.
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
                    cancellation(canceled.cancellation_reasons())?
                }
                _ => retryable(TableError::from_sdk(&error))?,
            };
            wait(attempt, ATTEMPTS).await;
        }
        Err(last.into())
    }

    /// Writes one whole item under a condition, at half the cost of a transaction. Conflicts with
    /// transactions are retried with jitter. If the condition fails because an identical item
    /// exists, the write counts as successful: an earlier attempt wrote the item, and its response
    /// was lost.
    ///
    /// # Errors
    /// [`TransactError::Conditions`] when the condition was not met.
    pub async fn put_if(&self, item: Item, condition: Condition) -> Result<(), TransactError> {
        let Compiled { text, names, values } = condition.compile();
        let mut last = TableError::Contention("not tried".to_owned());
        for attempt in 0..ATTEMPTS {
            let sent = self
                .client()
                .put_item()
                .table_name(self.name())
                .set_item(Some(item.clone()))
                .set_condition_expression(text.clone())
                .set_expression_attribute_names(names.clone())
                .set_expression_attribute_values(values.clone())
                .return_values_on_condition_check_failure(
                    ReturnValuesOnConditionCheckFailure::AllOld,
                )
                .send()
                .await;
            let Err(error) = sent else { return Ok(()) };
            if let Some(PutItemError::ConditionalCheckFailedException(failed)) =
                error.as_service_error()
            {
                let is_written = failed.item().is_some_and(|stored| *stored == item);
                return if is_written { Ok(()) } else { Err(TransactError::Conditions(vec![0])) };
            }
            last = retryable(TableError::from_sdk(&error))?;
            wait(attempt, ATTEMPTS).await;
        }
        Err(last.into())
    }

    fn compile(&self, action: Action) -> Result<TransactWriteItem, TableError> {
        // Each action has all that the SDK requires.
        let incomplete = |error: BuildError| TableError::Refused(error.to_string());
        let item = TransactWriteItem::builder();
        let item = match action {
            Action::Put(record, condition) => {
                let Compiled { text, names, values } = Compiled::optional(condition);
                let put = Put::builder()
                    .table_name(self.name())
                    .set_item(Some(record))
                    .set_condition_expression(text)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values);
                item.put(put.build().map_err(incomplete)?)
            }
            Action::Update { key, update, mut names, mut values, condition } => {
                let condition = condition.map(Condition::parts);
                let text = condition.map(|(text, more_names, more_values)| {
                    names.extend(more_names);
                    values.extend(more_values);
                    text
                });
                let Compiled { text: update, names, values } = Compiled::new(update, names, values);
                let update = Update::builder()
                    .table_name(self.name())
                    .set_key(Some(key.to_attributes()))
                    .set_update_expression(update)
                    .set_condition_expression(text)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values);
                item.update(update.build().map_err(incomplete)?)
            }
            Action::Delete(key, condition) => {
                let Compiled { text, names, values } = Compiled::optional(condition);
                let delete = Delete::builder()
                    .table_name(self.name())
                    .set_key(Some(key.to_attributes()))
                    .set_condition_expression(text)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values);
                item.delete(delete.build().map_err(incomplete)?)
            }
            Action::Check(key, condition) => {
                let Compiled { text, names, values } = condition.compile();
                let check = ConditionCheck::builder()
                    .table_name(self.name())
                    .set_key(Some(key.to_attributes()))
                    .set_condition_expression(text)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values);
                item.condition_check(check.build().map_err(incomplete)?)
            }
        };
        Ok(item.build())
    }
}

/// Returns the error as `Ok` if this module must retry the request. This is only the case for
/// contention, because the SDK has already retried throttling.
fn retryable(error: TableError) -> Result<TableError, TransactError> {
    match error {
        TableError::Contention(_) => Ok(error),
        other => Err(other.into()),
    }
}

/// Converts the reasons why a transaction was canceled. Failed conditions are returned to the
/// caller with the indexes of their actions; contention and throttling are returned as `Ok`,
/// because they must be retried.
fn cancellation(reasons: &[CancellationReason]) -> Result<TableError, TransactError> {
    let with_code = |wanted: &str| -> Vec<usize> {
        let matching = reasons.iter().enumerate().filter(|(_, r)| r.code() == Some(wanted));
        matching.map(|(index, _)| index).collect()
    };
    let failed = with_code("ConditionalCheckFailed");
    if !failed.is_empty() {
        return Err(TransactError::Conditions(failed));
    }
    let text = reasons
        .iter()
        .filter_map(|r| r.code().filter(|code| *code != "None"))
        .collect::<Vec<_>>()
        .join(", ");
    if !with_code("TransactionConflict").is_empty() {
        return Ok(TableError::Contention(text));
    }
    if !with_code("ThrottlingError").is_empty()
        || !with_code("ProvisionedThroughputExceeded").is_empty()
    {
        return Ok(TableError::Throttled(text));
    }
    Err(TableError::Refused(text).into())
}
