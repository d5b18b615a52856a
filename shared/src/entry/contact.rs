//! Converts the errors of contact changes into API errors (SPEC §2, §5; RFC §3.B).

use serde_json::json;

use super::{Code, Failure};
use crate::contact::{ContactError, EditError};

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
