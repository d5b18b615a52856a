//! The rules of changing contacts on behalf of an actor, for single writes and batches alike.

use super::{
    Contact, ContactError, ContactInput, Contacts, event,
    input::{TeamOwner, check_size},
};
use crate::{
    access::{AccessError, Authority, Scope, Session},
    directory::{Directory, DirectoryError},
    id::{ContactId, TeamId, UserId},
    identity::Permission,
    services::Services,
    table::TableError,
};

/// Why a contact was not written; nothing is written then.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// There is no such contact, or not any more.
    #[error("the contact does not exist")]
    NotFound,
    /// The request itself is wrong.
    #[error(transparent)]
    Contact(#[from] ContactError),
    /// The contact is out of the actor's scope, or the actor may do nothing.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The directory cannot confirm the people or teams that the request names.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The table's trouble; [`TableError::Contention`] when others kept changing the contact.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// What the actor of a session may do to contacts with one permission.
#[derive(Debug)]
pub(super) struct Edit<'a> {
    pub(super) contacts: Contacts,
    authority: &'a Authority,
    directory: &'a Directory,
    session: &'a Session,
    permission: Permission,
    scope: Scope,
}

/// The actor's own teams, as far as the changes name any.
pub(super) type OwnTeams = Result<Vec<TeamId>, DirectoryError>;

impl<'a> Edit<'a> {
    /// Changes under the session's scope for a permission.
    ///
    /// # Errors
    /// [`AccessError::Disabled`] when the actor has no scope.
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

    /// Lets a contact through that the actor reaches. A refusal by team scope is told as an event.
    ///
    /// # Errors
    /// [`AccessError::OutOfScope`].
    pub(super) fn admit(&self, contact: &Contact) -> Result<(), AccessError> {
        if self.scope.admits(contact) {
            return Ok(());
        }
        self.session.report_denied(self.permission, contact.id);
        Err(AccessError::OutOfScope)
    }

    /// The contact as it is to be after the change, under its next version; as it is where the
    /// change changes nothing. A new contact is the actor's own unless the change names an owner.
    ///
    /// # Errors
    /// [`EditError::Contact`] past the size of a contact or for a new owner or assignee who is no
    /// active person of the company, [`EditError::Directory`] where that cannot be told.
    pub(super) async fn next(
        &self,
        old: Option<&Contact>,
        input: &ContactInput,
    ) -> Result<Contact, EditError> {
        let mut new = old.cloned().unwrap_or_else(|| self.blank());
        input.clone().apply(&mut new);
        self.name_people(old, &mut new).await?;
        check_size(&new)?;
        if old != Some(&new) {
            new.updated_at = self.contacts.clock.now();
            new.version += 1;
        }
        Ok(new)
    }

    /// The actor's own teams, asked for once and only if one of the changes names team owners.
    pub(super) async fn own_teams<'i>(
        &self,
        mut inputs: impl Iterator<Item = &'i ContactInput>,
    ) -> OwnTeams {
        if !inputs.any(|input| input.team_owner_ids.value().is_some_and(|t| !t.is_empty())) {
            return Ok(Vec::new());
        }
        Ok(self.authority.team_set(&self.session.viewer).await?.team_ids)
    }

    /// Every team owner must be one of the actor's own teams (RFC §2.4); where Launchpad cannot
    /// confirm it, a change that names some is refused.
    ///
    /// # Errors
    /// [`ContactError::TeamOwners`] with those that are not, [`EditError::Directory`].
    pub(super) fn check_teams(
        &self,
        input: &ContactInput,
        own: &OwnTeams,
    ) -> Result<(), EditError> {
        let Some(wanted) = input.team_owner_ids.value().filter(|teams| !teams.is_empty()) else {
            return Ok(());
        };
        let own = own.as_ref().map_err(Clone::clone)?;
        let is_own = |team: &TeamOwner| team.id().is_some_and(|id| own.contains(&id));
        let rejected: Vec<&TeamOwner> = wanted.iter().filter(|team| !is_own(team)).collect();
        if rejected.is_empty() {
            return Ok(());
        }
        let ids: Vec<TeamId> = rejected.iter().filter_map(|team| team.id()).collect();
        event::team_owner_validation_rejected(&self.session.viewer, &ids, rejected.len());
        Err(ContactError::TeamOwners(rejected.iter().map(|team| team.shown()).collect()).into())
    }

    /// Tells that team owners were written, if the change names them.
    pub(super) fn report_written(&self, input: &ContactInput, new: &Contact, source: &str) {
        if input.team_owner_ids.is_set() {
            let count = new.team_owner_ids.len();
            event::team_owner_set(&self.contacts.company, new.id, count, source);
        }
    }

    fn blank(&self) -> Contact {
        let now = self.contacts.clock.now();
        let viewer = &self.session.viewer;
        Contact {
            id: ContactId::generate(now),
            external_id: None,
            name: None,
            emails: Vec::new(),
            phones: Vec::new(),
            company_name: None,
            owner_id: Some(viewer.user),
            // Told by `name_people`, as the assignee's is.
            owner_name: None,
            assignee_id: None,
            assignee_name: None,
            team_owner_ids: Vec::new(),
            team_owners_from: None,
            tags: Vec::new(),
            source: None,
            custom_fields: serde_json::Map::new(),
            created_at: now,
            updated_at: now,
            version: 0,
            deleted_at: None,
        }
    }

    /// Checks a new owner and assignee, and notes their names.
    async fn name_people(&self, old: Option<&Contact>, new: &mut Contact) -> Result<(), EditError> {
        let owner = old.map(|contact| (contact.owner_id, &contact.owner_name));
        let assignee = old.map(|contact| (contact.assignee_id, &contact.assignee_name));
        let (owner, assignee) = tokio::join!(
            self.name("owner_id", owner, new.owner_id),
            self.name("assignee_id", assignee, new.assignee_id),
        );
        (new.owner_name, new.assignee_name) = (owner?, assignee?);
        Ok(())
    }

    /// The name of a person in a role of the contact. Who has the role already keeps it, active or
    /// not; nobody inactive comes into it.
    async fn name(
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
