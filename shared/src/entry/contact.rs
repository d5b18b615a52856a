//! Converts the errors of contact changes into API errors (SPEC §2, §5; RFC §3.B).

use serde_json::json;

use super::{Code, Failure};
use crate::{
    contact::{ContactError, EditError},
    error::chain,
};

impl From<EditError> for Failure {
    fn from(error: EditError) -> Self {
        match error {
            EditError::NotFound => Self::not_found(),
            EditError::Contact(error) => error.into(),
            EditError::KeyTaken(field) => {
                Self::new(Code::KeyTaken, error.to_string()).with_details(json!({ "field": field }))
            }
            EditError::Idempotency(error) => error.into(),
            EditError::Access(error) => error.into(),
            EditError::NeedsEverything => Self::new(Code::Forbidden, error.to_string()),
            EditError::Directory(error) => error.into(),
            EditError::Table(error) => error.into(),
        }
    }
}

impl Failure {
    /// The error of one row of a request whose other rows are written. The request itself succeeds, so
    /// this is where an error on the server is logged.
    #[must_use]
    pub fn of_row(index: usize, error: EditError) -> Self {
        let failure = Self::from(error);
        if failure.code().parts().1 >= 500 {
            tracing::warn!(index, error = %chain(&failure), "could not write a row of the request");
        }
        failure
    }
}

impl From<ContactError> for Failure {
    fn from(error: ContactError) -> Self {
        let message = error.to_string();
        match error {
            ContactError::Invalid { field, reason } => Self::invalid(&field, reason),
            ContactError::TeamOwners(rejected) => Self::new(Code::TeamOwnerInvalid, message)
                .with_details(json!({ "rejected_team_ids": rejected })),
        }
    }
}
