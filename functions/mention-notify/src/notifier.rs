//! Notifies a mentioned person.

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
    note::{LedgerEntry, MentionMessage, Note, live_contact, next_retry, retry_due},
    notification::{Notification, NotificationError, NotificationRoute, Notifications},
    outbox::{DeadLetterError, DeadLetters},
    services::Services,
    table::{
        Action, Attempt, Condition, Item, Key, Table, TableError, TransactError, Transaction,
        from_item, retry,
    },
};

use crate::decision::{Decision, MAX_ATTEMPTS, backoff, decide};

/// The notification service's id for the category "mention" (PRD §6).
const CATEGORY: &str = "2";

/// A mention whose person must be notified.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mention {
    /// The tenant.
    pub company: CompanyId,
    /// The contact that the note is about.
    pub contact: ContactId,
    /// The note that mentions the person.
    pub note: NoteId,
    /// The mentioned person.
    pub person: UserId,
    /// The number of times that the message was moved back from the dead-letter queue.
    pub round: u32,
}

/// Notifies mentioned people. Each person is notified at most once per note.
///
/// Before the call, the worker takes a lease in the ledger entry. The condition is that the entry
/// and the note still have the versions that were read. After the call, the worker writes the
/// result into the entry. If it crashes in between, the result is unknown. When the lease has
/// ended, another worker then repeats the call with the same `Idempotency-Key`, so that the
/// notification service sends no second notification.
#[derive(Clone, Debug)]
pub struct Notifier {
    /// Reads the flags, and checks whether a person may see a contact.
    pub authority: Authority,
    /// The table, the directory and the clock.
    pub services: Services,
    /// The client of the notification service.
    pub notifications: Notifications,
    /// The dead-letter queue. It receives the messages of mentions that are given up.
    pub dead_letters: DeadLetters,
    /// The base URL of the web application, without a slash at the end.
    pub app_url: String,
}

/// Why the message of a mention must be delivered again.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// Another worker has the lease in the ledger entry.
    #[error("another worker is notifying the person")]
    LeaseHeld,
    /// The call to the notification service failed and will be retried.
    #[error(transparent)]
    Call(#[from] NotificationError),
    /// The call to the table failed.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The company's flags could not be read.
    #[error(transparent)]
    Flags(#[from] AccessError),
    /// The message could not be sent to the dead-letter queue.
    #[error(transparent)]
    DeadLetters(#[from] DeadLetterError),
}

impl From<TransactError> for NotifyError {
    fn from(error: TransactError) -> Self {
        match error {
            TransactError::Table(error) => Self::Table(error),
            TransactError::Conditions(_) => Self::LeaseHeld,
        }
    }
}

/// The data about a mention, as it was read from the table.
struct Found {
    entry: LedgerEntry,
    /// The note and its contact; `None` if one of them is deleted.
    note: Option<(Note, Contact)>,
    /// The company's flags. They are read for every attempt, so that a flag that is turned off
    /// takes effect at once.
    flags: Flags,
}

/// Converts the result of a write to an attempt. `false` means a conflict: another write has
/// changed the mention.
fn attempt(written: bool) -> Attempt<()> {
    if written { Attempt::Done(()) } else { Attempt::Conflict }
}

impl Notifier {
    /// Notifies the person, unless the notification was already sent, is being sent or must not be
    /// sent.
    ///
    /// # Errors
    /// [`NotifyError`] if the message must be delivered again. For a retry, this sets the delay on
    /// `lease`.
    pub async fn notify(&self, mention: &Mention, lease: &MessageLease) -> Result<(), NotifyError> {
        retry("the mention", async || {
            let done = Ok(Attempt::Done(()));
            let Some(found) = self.read(mention).await? else { return done };
            let now = self.services.clock.now();
            let note = found.note.as_ref().map(|(note, _)| note);
            match decide(&found.entry, mention.person, note, found.flags, mention.round, now) {
                Decision::Nothing => done,
                Decision::Wait(left) => {
                    lease.set_visibility(left + Duration::from_secs(1)).await;
                    Err(NotifyError::LeaseHeld)
                }
                Decision::GiveUp => {
                    self.give_up(mention, &found.entry, "outcome unknown").await?;
                    done
                }
                Decision::Drop => Ok(attempt(self.drop_entry(mention, &found).await?)),
                Decision::StartNewRound => {
                    let started = found.entry.new_round(mention.round, now);
                    self.write(vec![found.entry.replace(&mention.company, &started)?]).await?;
                    // Read the entry again and decide about the new round.
                    Ok(Attempt::Conflict)
                }
                Decision::Notify => Ok(attempt(self.deliver(mention, &found, lease).await?)),
            }
        })
        .await
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
        let entry: Option<LedgerEntry> = items.remove(&keys[0]).map(from_item).transpose()?;
        let Some(entry) = entry else { return Ok(None) };
        let entry = entry.observed_at(self.services.clock.now());
        let note: Option<Note> = items.remove(&keys[1]).map(from_item).transpose()?;
        let contact = live_contact(items.remove(&keys[2]))?;
        Ok(Some(Found { entry, note: note.zip(contact), flags: flags? }))
    }

    /// Records that the notification will not be sent. Returns `false` if another write has changed
    /// the entry or the note. The note's version is part of the condition, because a concurrent
    /// save may make the note public.
    async fn drop_entry(&self, mention: &Mention, found: &Found) -> Result<bool, NotifyError> {
        let entry = &found.entry;
        let mut actions = vec![entry.replace(&mention.company, &entry.dropped())?];
        actions.extend(found.note.as_ref().map(|(note, _)| unchanged(mention, note)));
        Ok(self.write(actions).await?)
    }

    /// Takes the lease and sends the notification. Returns `false` if another write has changed the
    /// entry or the note.
    async fn deliver(
        &self,
        mention: &Mention,
        found: &Found,
        lease: &MessageLease,
    ) -> Result<bool, NotifyError> {
        let Found { entry, note: Some((note, contact)), flags } = found else { return Ok(true) };
        let company = &mention.company;
        let (profile, is_active, description) = tokio::join!(
            self.services.directory.company(company),
            self.is_active(mention, entry),
            self.description(mention, contact, *flags)
        );
        let (profile, is_active) = match profile.and_then(|profile| Ok((profile, is_active?))) {
            Ok(known) => known,
            Err(error) => return self.postpone(mention, entry, &error).await.map(|()| true),
        };
        if !is_active {
            tracing::info!("the mentioned user is not active any more; no notification is sent");
            let inactive = entry.replace(company, &entry.inactive())?;
            return Ok(self.write(vec![inactive, unchanged(mention, note)]).await?);
        }
        let description = description?;
        let leased = entry.with_lease(self.services.clock.now());
        let take_lease = vec![entry.replace(company, &leased)?, unchanged(mention, note)];
        if !self.write(take_lease).await? {
            return Ok(false);
        }
        let body = self.notification(mention, entry, &profile, description);
        let key = format!("{}:{}", mention.note, mention.person);
        match self.notifications.send(NotificationRoute::Mention, &key, &body).await {
            Ok(id) => {
                let sent = leased.sent(id.clone());
                if self.write(vec![leased.replace(company, &sent)?]).await? {
                    event::note_mention_notify_sent(mention.note, mention.person, &id);
                }
                Ok(true)
            }
            Err(error) => {
                let leased = if error.is_refusal() { leased } else { leased.without_answer() };
                self.record_failure(mention, &leased, error, lease).await?;
                Ok(true)
            }
        }
    }

    /// Records an attempt that failed, and either delays the next one or gives up.
    async fn record_failure(
        &self,
        mention: &Mention,
        leased: &LedgerEntry,
        error: NotificationError,
        lease: &MessageLease,
    ) -> Result<(), NotifyError> {
        if !error.is_transient() || leased.attempts >= MAX_ATTEMPTS {
            return self.give_up(mention, leased, &chain(&error).to_string()).await;
        }
        let released = leased.replace(&mention.company, &leased.released())?;
        self.write(vec![released]).await?;
        lease.set_visibility(backoff(leased.attempts, error.retry_after())).await;
        Err(error.into())
    }

    /// Whether the person is still an active user of the company. A person whom the save has
    /// validated is not looked up again.
    async fn is_active(
        &self,
        mention: &Mention,
        entry: &LedgerEntry,
    ) -> Result<bool, DirectoryError> {
        if !entry.validates {
            return Ok(true);
        }
        let (company, id) = (&mention.company, mention.person.to_string());
        let person = self.services.directory.person(company, &id).await?;
        Ok(person.is_some_and(|person| person.is_active()))
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
            ..Notification::open_url(url, mention.person, profile.id, CATEGORY, text)
        }
    }

    /// The second line of the notification. It contains the contact's name only if the recipient
    /// certainly has access to the contact. If Launchpad is unavailable, this is not certain.
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
            Err(AccessError::Directory(error)) => {
                tracing::warn!(
                    error = %chain(&error),
                    remembered = error.remembered,
                    "could not check whether the recipient may see the contact; the notification does not name it"
                );
                Ok(false)
            }
            Err(
                AccessError::Disabled | AccessError::OutOfScope | AccessError::OutOfNarrowedScope,
            ) => Ok(false),
        }
    }

    /// Retries the mention later, because Launchpad did not return the company or the person. This does
    /// not count as an attempt. When the round's retry window has ended, the mention is given up.
    async fn postpone(
        &self,
        mention: &Mention,
        entry: &LedgerEntry,
        error: &DirectoryError,
    ) -> Result<(), NotifyError> {
        let now = self.services.clock.now();
        let Some(at) = next_retry(entry.since, now) else {
            return self.give_up(mention, entry, &chain(error).to_string()).await;
        };
        tracing::warn!(
            error = %chain(error),
            "could not load the company or the person from the directory; the mention will be tried again later"
        );
        let due = retry_due(&mention.message(entry.round), at)?;
        self.table().transact(Transaction::from_iter([due.put()?])).await?;
        Ok(())
    }

    /// Sends the message to the dead-letter queue, and then records that the notification failed.
    /// With this order, a crash between the two steps can cause a second dead letter, but never
    /// loses the message.
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

    /// Writes all actions in one transaction. Returns `false` if a condition failed because another
    /// write has changed an item.
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

/// A condition check that the note still has the version that was read.
fn unchanged(mention: &Mention, note: &Note) -> Action {
    let key = Key::note(&mention.company, mention.contact, mention.note);
    Action::Check(key, Condition::Version(note.version))
}
