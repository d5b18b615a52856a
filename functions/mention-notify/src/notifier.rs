use std::{collections::HashMap, time::Duration};

use shared::{
    access::{AccessError, Authority, Flags},
    contact::Contact,
    directory::{Company, DirectoryError},
    entry::queue::MessageLease,
    error::chain,
    id::{CompanyId, ContactId, NoteId, UserId},
    identity::{Permission, Platform, Viewer},
    note::event,
    note::{LedgerEntry, MentionMessage, Note, live_contact, next_try, retry_due},
    notification::{Channel, Notification, NotificationError, Notifications},
    outbox::{DeadLetterError, DeadLetters},
    services::Services,
    table::{
        Action, Condition, Item, Key, Table, TableError, TransactError, Transaction, from_item,
    },
};

use crate::decision::{Decision, MAX_TRIES, decide, wait_after};

/// The category "mention" (PRD §6).
const CATEGORY: &str = "2";
/// How often a mention that others got in the way of is decided anew.
const ATTEMPTS: usize = 6;

/// A mention to tell somebody of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mention {
    /// The tenant.
    pub company: CompanyId,
    /// The contact.
    pub contact: ContactId,
    /// The note.
    pub note: NoteId,
    /// The person.
    pub person: UserId,
    /// How often the message came back from the dead letters.
    pub round: u32,
}

/// Tells people of mentions, at most once each.
///
/// The ledger entry decides: it is claimed under its version and the note's before the call, and
/// the outcome is written to it. Between the call and that write a crash leaves a claim whose
/// outcome is unknown; when its lease has ended the call is made again with the same
/// `Idempotency-Key`, on which the notification service makes no second notification.
#[derive(Clone, Debug)]
pub struct Notifier {
    /// Levels, teams and flags.
    pub authority: Authority,
    /// The table, the directory and the clock.
    pub services: Services,
    /// The notification service.
    pub notifications: Notifications,
    /// Where messages go that are given up.
    pub dead_letters: DeadLetters,
    /// Base URL of the web application, without a slash at its end.
    pub app_url: String,
}

/// Why a mention's message comes back.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// Another worker is at it.
    #[error("another worker is notifying the person")]
    Claimed,
    /// The call failed and is worth another try.
    #[error(transparent)]
    Call(#[from] NotificationError),
    /// The table's trouble.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The company's flags could not be read.
    #[error(transparent)]
    Flags(#[from] AccessError),
    /// The message could not be given up.
    #[error(transparent)]
    DeadLetters(#[from] DeadLetterError),
}

impl From<TransactError> for NotifyError {
    fn from(error: TransactError) -> Self {
        match error {
            TransactError::Table(error) => Self::Table(error),
            TransactError::Conditions(_) => Self::Claimed,
        }
    }
}

/// What the table says of a mention.
struct Found {
    entry: LedgerEntry,
    /// The note and its contact, while both are there.
    note: Option<(Note, Contact)>,
    /// The company's flags, read with every try: turning one off works at once.
    flags: Flags,
}

impl Notifier {
    /// Tells the person, unless that was done, is being done or must not be done.
    ///
    /// # Errors
    /// When the message is to come back; its wait is then set on `lease`.
    pub async fn notify(&self, mention: &Mention, lease: &MessageLease) -> Result<(), NotifyError> {
        for _ in 0..ATTEMPTS {
            let Some(found) = self.read(mention).await? else { return Ok(()) };
            let now = self.services.clock.now();
            let note = found.note.as_ref().map(|(note, _)| note);
            match decide(&found.entry, note, found.flags, mention.round, now) {
                Decision::Nothing => return Ok(()),
                Decision::Wait(left) => {
                    lease.set_visibility(left + Duration::from_secs(1)).await;
                    return Err(NotifyError::Claimed);
                }
                Decision::GiveUp => {
                    return self.give_up(mention, &found.entry, "outcome unknown").await;
                }
                Decision::Drop => {
                    if self.drop_entry(mention, &found).await? {
                        return Ok(());
                    }
                }
                Decision::BeginAnew => {
                    let anew = found.entry.begun_anew(mention.round, now);
                    self.write(vec![found.entry.replace(&mention.company, &anew)?]).await?;
                }
                Decision::Notify => {
                    if self.deliver(mention, &found, lease).await? {
                        return Ok(());
                    }
                }
            }
        }
        Err(TableError::Contention("the mention keeps changing".to_owned()).into())
    }

    async fn read(&self, mention: &Mention) -> Result<Option<Found>, NotifyError> {
        let Mention { company, contact, note, person, .. } = mention;
        let keys = [
            Key::mention(company, *contact, *note, &person.to_string()),
            Key::note(company, *contact, *note),
            Key::contact(company, *contact),
        ];
        let (items, flags) = tokio::join!(
            self.table().batch_get(&keys, true),
            self.authority.company_flags(company)
        );
        let mut items: HashMap<Key, Item> = items?;
        let Some(entry) = items.remove(&keys[0]).map(from_item).transpose()? else {
            return Ok(None);
        };
        let note: Option<Note> = items.remove(&keys[1]).map(from_item).transpose()?;
        let contact = live_contact(items.remove(&keys[2]))?;
        Ok(Some(Found { entry, note: note.zip(contact), flags: flags? }))
    }

    /// Writes that the person is not to be told; `false` when the mention changed meanwhile. The
    /// note must still be as it was read: a save that makes it public is not overlooked.
    async fn drop_entry(&self, mention: &Mention, found: &Found) -> Result<bool, NotifyError> {
        let entry = &found.entry;
        let mut actions = vec![entry.replace(&mention.company, &entry.dropped())?];
        actions.extend(found.note.as_ref().map(|(note, _)| unchanged(mention, note)));
        Ok(self.write(actions).await?)
    }

    /// Claims the mention and tells the person; `false` when the mention changed meanwhile.
    async fn deliver(
        &self,
        mention: &Mention,
        found: &Found,
        lease: &MessageLease,
    ) -> Result<bool, NotifyError> {
        let Found { entry, note: Some((note, contact)), flags } = found else { return Ok(true) };
        let company = &mention.company;
        let (profile, on) = tokio::join!(
            self.services.directory.company(company),
            self.description(mention, contact, *flags)
        );
        let profile = match profile {
            Ok(profile) => profile,
            Err(error) => return self.postpone(mention, entry, &error).await.map(|()| true),
        };
        let on = on?;
        let now = self.services.clock.now();
        let claim = entry.claimed(now);
        let claims = vec![entry.replace(company, &claim)?, unchanged(mention, note)];
        if !self.write(claims).await? {
            return Ok(false);
        }
        let body = self.notification(mention, entry, &profile, on);
        let key = format!("{}:{}", mention.note, mention.person);
        match self.notifications.send(Channel::Mention, &key, &body).await {
            Ok(id) => {
                let sent = claim.sent(id.clone());
                if self.write(vec![claim.replace(company, &sent)?]).await? {
                    event::note_mention_notify_sent(mention.note, mention.person, &id);
                }
                Ok(true)
            }
            Err(error) if error.is_transient() && claim.attempts < MAX_TRIES => {
                self.write(vec![claim.replace(company, &claim.released())?]).await?;
                lease.set_visibility(wait_after(claim.attempts, error.retry_after())).await;
                Err(error.into())
            }
            Err(error) => {
                self.give_up(mention, &claim, &error.to_string()).await?;
                Ok(true)
            }
        }
    }

    fn notification(
        &self,
        mention: &Mention,
        entry: &LedgerEntry,
        profile: &Company,
        description: String,
    ) -> Notification {
        let title = format!("{} mentioned you in a note", entry.actor.actor_name);
        let url = format!("{}/customers/{}", self.app_url, mention.contact);
        let text = (title, description);
        Notification {
            event_type: Some("cdp_note_mention"),
            skip_fcm: Some(false),
            ..Notification::opening(url, mention.person, profile.id, CATEGORY, text)
        }
    }

    /// What the second line says: the contact's name, unless the recipient may not see the contact.
    /// While Launchpad cannot tell whether they may, nothing is leaked.
    async fn description(
        &self,
        mention: &Mention,
        contact: &Contact,
        flags: Flags,
    ) -> Result<String, TableError> {
        let name = contact.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
        Ok(match name {
            Some(name) if self.may_see(mention, contact, flags).await? => {
                format!("On contact {name}")
            }
            _ => "On a contact".to_owned(),
        })
    }

    async fn may_see(
        &self,
        mention: &Mention,
        contact: &Contact,
        flags: Flags,
    ) -> Result<bool, TableError> {
        if !flags.team_permission {
            return Ok(true);
        }
        let recipient = Viewer {
            company: mention.company.clone(),
            user: mention.person,
            name: None,
            email: None,
            platform: Platform::Unknown,
        };
        let needed = [Permission::ViewCustomers];
        let session = self.authority.strict_session(&recipient, &needed).await;
        match session.and_then(|session| session.scope(Permission::ViewCustomers)) {
            Ok(scope) => Ok(scope.admits(contact)),
            Err(AccessError::Table(error)) => Err(error),
            Err(AccessError::Disabled | AccessError::OutOfScope | AccessError::Directory(_)) => {
                Ok(false)
            }
        }
    }

    /// Leaves the mention for later while Launchpad cannot tell the company's UUID, without counting
    /// a try, and gives it up when its round's patience ends.
    async fn postpone(
        &self,
        mention: &Mention,
        entry: &LedgerEntry,
        error: &DirectoryError,
    ) -> Result<(), NotifyError> {
        let now = self.services.clock.now();
        let Some(at) = next_try(entry.since, now) else {
            return self.give_up(mention, entry, &error.to_string()).await;
        };
        tracing::warn!(error = %chain(error), "could not load the company from the directory; the mention will be tried again later");
        let due = retry_due(&mention.message(entry.round), at)?;
        self.table().transact(Transaction::from_iter([due.put()?])).await?;
        Ok(())
    }

    /// Puts the message among the dead letters, then writes that the person could not be told: in
    /// this order, so that a crash between the two costs a second dead letter, never the only one.
    async fn give_up(
        &self,
        mention: &Mention,
        entry: &LedgerEntry,
        reason: &str,
    ) -> Result<(), NotifyError> {
        let failed = entry.failed(reason.to_owned());
        self.dead_letters.put(&mention.message(entry.round + 1)).await?;
        if self.write(vec![entry.replace(&mention.company, &failed)?]).await? {
            let retries = entry.attempts.saturating_sub(1);
            event::note_mention_notify_failed(mention.note, mention.person, reason, retries);
        }
        Ok(())
    }

    /// Writes together; `false` when something is not as it was read.
    async fn write(&self, actions: Vec<Action>) -> Result<bool, TableError> {
        match self.table().transact(actions.into_iter().collect()).await {
            Ok(()) => Ok(true),
            Err(TransactError::Conditions(_)) => Ok(false),
            Err(TransactError::Table(error)) => Err(error),
        }
    }

    fn table(&self) -> &Table {
        &self.services.table
    }
}

impl Mention {
    fn message(&self, round: u32) -> MentionMessage {
        MentionMessage::Notify {
            company: self.company.clone(),
            contact_id: self.contact,
            note_id: self.note,
            sso_id: self.person,
            round,
        }
    }
}

/// The note must still be as it was read.
fn unchanged(mention: &Mention, note: &Note) -> Action {
    let key = Key::note(&mention.company, mention.contact, mention.note);
    Action::Check(key, Condition::Version(note.version))
}
