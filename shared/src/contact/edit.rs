//! The rules for changes of contacts on behalf of an actor, who is the user that makes the request.
//! The rules apply to single writes and to batches.

use std::time::Duration;

use tokio::sync::OnceCell;

use super::{
    Contact, ContactError, ContactInput, Contacts, event,
    input::{TeamOwner, check_size},
};
use crate::{
    access::{AccessError, Authority, Scope, Session},
    directory::{Directory, DirectoryError},
    error::chain,
    id::{ContactId, TeamId, UserId},
    idempotency::IdempotencyError,
    identity::Permission,
    services::Services,
    table::TableError,
};

/// Why a contact was not written. After such an error nothing is written.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The contact does not exist or is deleted.
    #[error("the contact does not exist")]
    NotFound,
    /// The request is invalid.
    #[error(transparent)]
    Contact(#[from] ContactError),
    /// A sync row would give a contact an external id or a first email address that another live
    /// contact already has. The value is the field's name.
    #[error("another contact already has this value")]
    KeyTaken(&'static str),
    /// The idempotency key of the request cannot be used.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// The contact is outside the actor's scope, or the actor has no permission.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The actor's own level for the permission must be `everything`, whatever the team flag is.
    #[error("only a user who can delete all contacts can erase a contact")]
    NeedsEverything,
    /// The people or teams in the request could not be checked with Launchpad.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The table request failed; [`TableError::Contention`] if other requests kept changing the
    /// contact.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// Applies the rules to changes of contacts that the actor of a session makes with one permission.
#[derive(Debug)]
pub(super) struct Edit<'a> {
    pub(super) contacts: Contacts,
    authority: &'a Authority,
    directory: &'a Directory,
    session: &'a Session,
    permission: Permission,
    scope: Scope,
}

/// The actor's own teams, or the error if they could not be loaded. They are loaded by the first
/// change that needs them.
pub(super) type OwnTeams = OnceCell<Result<Vec<TeamId>, DirectoryError>>;

impl<'a> Edit<'a> {
    /// Creates an instance for the actor of this session, with the actor's scope for this
    /// permission.
    ///
    /// # Errors
    /// [`AccessError::Disabled`] when the actor's level is `disabled`.
    pub(super) fn new(
        (authority, services): (&'a Authority, &'a Services),
        session: &'a Session,
        permission: Permission,
    ) -> Result<Self, AccessError> {
        let scope = session.scope(permission)?;
        let contacts = Contacts::from_services(services, &session.viewer.company);
        let directory = &services.directory;
        Ok(Self { contacts, authority, directory, session, permission, scope })
    }

    /// Checks that a contact is in the actor's scope. A refusal because of the team scope is logged
    /// as an event.
    ///
    /// # Errors
    /// [`AccessError::OutOfScope`] when the contact is outside the scope;
    /// [`AccessError::OutOfNarrowedScope`] when the scope was narrowed by the fallback.
    pub(super) fn check_scope(&self, contact: &Contact) -> Result<(), AccessError> {
        if self.scope.admits(contact) {
            return Ok(());
        }
        Err(self.session.refuse(self.permission, contact.id))
    }

    /// Returns the contact after the change, with the next version, or unchanged if the change has
    /// no effect. The actor owns a new contact unless the change sets an owner.
    ///
    /// # Errors
    /// [`EditError::Contact`] when the contact becomes too large, or when a new owner or assignee
    /// is not an active user of the company; [`EditError::Directory`] when that could not be
    /// checked.
    pub(super) async fn changed(
        &self,
        old: Option<&Contact>,
        input: &ContactInput,
    ) -> Result<Contact, EditError> {
        let mut new = old.cloned().unwrap_or_else(|| self.new_contact());
        input.clone().apply(&mut new);
        self.set_people_names(old, &mut new).await?;
        check_size(&new)?;
        if old != Some(&new) {
            new.updated_at = self.contacts.clock.now();
            new.version += 1;
        }
        Ok(new)
    }

    /// Checks that every team owner is one of the actor's own teams (RFC §2.4). The actor's teams
    /// are loaded into `own` by the first change that sets team owners. If they cannot be loaded,
    /// every change that sets team owners is refused.
    ///
    /// # Errors
    /// [`ContactError::TeamOwners`] with the teams that are not the actor's own;
    /// [`EditError::Directory`] when the teams could not be loaded.
    pub(super) async fn check_teams(
        &self,
        input: &ContactInput,
        own: &OwnTeams,
    ) -> Result<(), EditError> {
        let Some(wanted) = input.team_owner_ids.value().filter(|teams| !teams.is_empty()) else {
            return Ok(());
        };
        let own = own.get_or_init(async || {
            let set = self.authority.team_set(&self.session.viewer).await?;
            Ok::<_, DirectoryError>(set.team_ids)
        });
        let own = own.await.as_ref().map_err(Clone::clone)?;
        let is_own = |team: &TeamOwner| team.id().is_some_and(|id| own.contains(&id));
        let rejected: Vec<&TeamOwner> = wanted.iter().filter(|team| !is_own(team)).collect();
        if rejected.is_empty() {
            return Ok(());
        }
        let ids: Vec<TeamId> = rejected.iter().filter_map(|team| team.id()).collect();
        event::team_owner_validation_rejected(&self.session.viewer, &ids, rejected.len());
        Err(ContactError::TeamOwners(rejected.iter().map(|team| team.shown()).collect()).into())
    }

    /// Logs the event that team owners were written, if the change sets them.
    pub(super) fn report_written(&self, input: &ContactInput, new: &Contact, source: &str) {
        if input.team_owner_ids.is_set() {
            let count = new.team_owner_ids.len();
            event::team_owner_set(&self.contacts.company, new.id, count, source);
        }
    }

    /// Returns up to 5 contacts that the viewer may see and that have an email address or the
    /// external id of this contact. An error or a time-out is logged and returns none, because it
    /// must not fail the write.
    pub(super) async fn possible_duplicates(&self, contact: &Contact) -> Vec<ContactId> {
        let Ok(scope) = self.session.scope(Permission::ViewCustomers) else { return Vec::new() };
        let found = self.contacts.possible_duplicates(contact, &scope);
        let failed = "could not look for contacts with the same values";
        match tokio::time::timeout(Duration::from_secs(1), found).await {
            Ok(Ok(found)) => return found,
            Ok(Err(error)) => tracing::warn!(error = %chain(&error), "{failed}"),
            Err(error) => tracing::warn!(error = %chain(&error), "{failed}"),
        }
        Vec::new()
    }

    pub(super) fn new_contact(&self) -> Contact {
        let now = self.contacts.clock.now();
        let viewer = &self.session.viewer;
        // The owner's name is set by `set_people_names`, and the version by the write.
        Contact {
            owner_id: Some(viewer.user),
            version: 0,
            ..Contact::new(ContactId::generate(now), now)
        }
    }

    /// Checks that a new owner and a new assignee are active users, and sets their names on the
    /// contact.
    async fn set_people_names(
        &self,
        old: Option<&Contact>,
        new: &mut Contact,
    ) -> Result<(), EditError> {
        let owner = old.map(|contact| (contact.owner_id, &contact.owner_name));
        let assignee = old.map(|contact| (contact.assignee_id, &contact.assignee_name));
        let (owner, assignee) = tokio::join!(
            self.person_name("owner_id", owner, new.owner_id),
            self.person_name("assignee_id", assignee, new.assignee_id),
        );
        (new.owner_name, new.assignee_name) = (owner?, assignee?);
        Ok(())
    }

    /// Returns the name of the contact's owner or assignee. A person who already has that role
    /// keeps it, even if they are no longer active; a person who is not active cannot get it.
    async fn person_name(
        &self,
        field: &str,
        old: Option<(Option<UserId>, &Option<String>)>,
        new: Option<UserId>,
    ) -> Result<Option<String>, EditError> {
        let viewer = &self.session.viewer;
        match (new, old) {
            (None, _) => Ok(None),
            (Some(_), Some((before, name))) if before == new => Ok(name.clone()),
            (Some(person), _) if person == viewer.user => Ok(viewer.known_name()),
            (Some(person), _) => {
                let found = self.directory.person(&viewer.company, &person.to_string()).await?;
                let found = found.filter(crate::directory::Person::is_active).ok_or_else(|| {
                    ContactError::invalid(field, "is not an active user of the company")
                })?;
                Ok(Some(found.display_name().to_owned()))
            }
        }
    }
}
