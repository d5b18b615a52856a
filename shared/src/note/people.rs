//! Looks up the mentioned people in the directory (SPEC §3, "On write").

use std::collections::BTreeSet;

use futures::future::join_all;

use super::{Draft, MENTION_LIMIT, MentionOutcome, MentionRef, Note, NoteError};
use crate::{
    bidi::without_bidi_controls,
    directory::{Directory, DirectoryError, Person},
    error::chain,
    id::{CompanyId, UserId},
    table::Table,
};

/// The maximum number of references that are looked up for one note. It is more than
/// [`MENTION_LIMIT`], because a note may refer to the same person by several ids.
const MAX_REFERENCES: usize = 2 * MENTION_LIMIT;

/// The result of looking up one reference.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Resolution {
    /// The reference is an active user of the company.
    ActiveUser { user: UserId, name: String },
    /// The stored note has a verified mention of the person, so it stays, with the stored name. The
    /// person was not looked up, and may have left the company since.
    Kept { user: UserId, name: String },
    /// The directory has no such person, or the person is not an active user of the company.
    NotAnActiveUser,
    /// The directory is unavailable.
    Unknown,
    /// The reference was not looked up, because mentions are turned off.
    PlainText,
}

/// The people whom a draft mentions.
#[derive(Clone, Debug)]
pub(super) struct People {
    known: Vec<(MentionRef, Resolution)>,
    /// Further names that an anchor of a person may show: the email, and the name in the stored
    /// note.
    other_names: Vec<(UserId, String)>,
    /// The people whom Launchpad returned for this look-up. People from the cache are not included.
    loaded: Vec<Person>,
    /// The error of a failed look-up; `None` if no look-up failed. If several failed, it is the
    /// error of one of them.
    failure: Option<DirectoryError>,
}

/// The mentions of a stored note: the verified people with the names that the note shows, and the
/// pending references.
#[derive(Clone, Debug, Default)]
pub(super) struct StoredMentions {
    verified: Vec<(UserId, String)>,
    pending: Vec<MentionRef>,
}

impl StoredMentions {
    /// The mentions of `note`, whose HTML was parsed into `draft`. The text of a pending anchor is
    /// not used as a name, because it was never verified.
    pub(super) fn from_note(note: &Note, draft: &Draft) -> Self {
        let is_verified = |user: &UserId| note.mentioned_user_ids.contains(user);
        let shown = draft.shown_names().into_iter();
        let verified: Vec<_> = shown
            .map(|(user, name)| (UserId::from_uuid(user), without_bidi_controls(&name)))
            .filter(|(user, _)| is_verified(user))
            .collect();
        let pending = draft.references().iter().filter(|reference| match reference {
            MentionRef::User(user) => !is_verified(&UserId::from_uuid(*user)),
            MentionRef::Raw(_) => true,
            MentionRef::Malformed(_) => false,
        });
        Self { verified, pending: pending.cloned().collect() }
    }

    /// The references that are not verified yet.
    pub(super) fn pending(&self) -> &[MentionRef] {
        &self.pending
    }

    /// Whether this reference is not verified yet.
    pub(super) fn is_pending(&self, reference: &MentionRef) -> bool {
        self.pending.contains(reference)
    }

    /// The references of a draft of which the stored note has no verified mention.
    pub(super) fn new_references(&self, draft: &Draft) -> Vec<MentionRef> {
        let is_new = |reference: &&MentionRef| !self.is_verified(reference);
        draft.references().iter().filter(is_new).cloned().collect()
    }

    fn is_verified(&self, reference: &MentionRef) -> bool {
        self.kept(reference).is_some()
    }

    /// The resolution of a reference of which the stored note has a verified mention; `None` if it
    /// has none.
    fn kept(&self, reference: &MentionRef) -> Option<Resolution> {
        let MentionRef::User(user) = reference else { return None };
        let known = self.verified.iter().find(|(known, _)| known.as_uuid() == *user)?;
        Some(Resolution::Kept { user: known.0, name: known.1.clone() })
    }
}

impl People {
    /// Looks up all references of the draft concurrently, except those of which the stored note has
    /// a verified mention: these stay without validation.
    ///
    /// # Errors
    /// [`NoteError::TooManyMentions`] if the draft mentions more than [`MENTION_LIMIT`] people.
    pub(super) async fn resolve(
        directory: &Directory,
        company: &CompanyId,
        draft: &Draft,
        stored: &StoredMentions,
    ) -> Result<Self, NoteError> {
        let references: Vec<MentionRef> = draft
            .references()
            .iter()
            .filter(|reference| !matches!(reference, MentionRef::Malformed(_)))
            .cloned()
            .collect();
        let users = references.iter().filter(|r| matches!(r, MentionRef::User(_))).count();
        if users > MENTION_LIMIT || references.len() > MAX_REFERENCES {
            draft.check_mention_count()?;
        }
        let (kept, new): (Vec<_>, Vec<_>) =
            references.into_iter().partition(|reference| stored.is_verified(reference));
        let mut people = Self::look_up(directory, company, new, stored).await;
        let kept = kept.into_iter().filter_map(|r| stored.kept(&r).map(|kept| (r, kept)));
        people.known.extend(kept);
        people.check_count()?;
        Ok(people)
    }

    /// Looks up only the pending references of the stored note. The verified people stay as they
    /// are.
    pub(super) async fn verify(
        directory: &Directory,
        company: &CompanyId,
        stored: &StoredMentions,
    ) -> Self {
        let mut people = Self::look_up(directory, company, stored.pending.clone(), stored).await;
        people.known.extend(stored.verified.iter().map(|(user, name)| {
            let kept = Resolution::Kept { user: *user, name: name.clone() };
            (MentionRef::User(user.as_uuid()), kept)
        }));
        people
    }

    /// Makes no look-up, because mentions are turned off: mentions of the stored note stay as they
    /// are, and new ones become text (SPEC §3, "Mention flag").
    pub(super) fn from_stored(draft: &Draft, stored: &StoredMentions) -> Self {
        let resolution = |reference: &MentionRef| match stored.kept(reference) {
            Some(kept) => kept,
            None if stored.is_pending(reference) => Resolution::Unknown,
            None => Resolution::PlainText,
        };
        let known = draft.references().iter().map(|r| (r.clone(), resolution(r))).collect();
        Self { known, other_names: stored.verified.clone(), loaded: Vec::new(), failure: None }
    }

    async fn look_up(
        directory: &Directory,
        company: &CompanyId,
        references: Vec<MentionRef>,
        stored: &StoredMentions,
    ) -> Self {
        let results = join_all(references.iter().map(|reference| async move {
            directory.look_up_person(company, &reference.id()).await
        }))
        .await;
        let known = Vec::with_capacity(references.len());
        let mut people =
            Self { known, other_names: stored.verified.clone(), loaded: Vec::new(), failure: None };
        for (reference, result) in references.into_iter().zip(results) {
            let resolution = match result {
                Ok((Some(person), from_launchpad)) if person.is_active() => {
                    let name = without_bidi_controls(person.display_name());
                    let user = person.sso_id;
                    people.other_names.push((user, person.email.clone()));
                    if from_launchpad {
                        people.loaded.push(person);
                    }
                    Resolution::ActiveUser { user, name }
                }
                Ok(_) => Resolution::NotAnActiveUser,
                Err(error) => {
                    if people.failure.as_ref().is_none_or(|known| known.remembered) {
                        people.failure = Some(error);
                    }
                    Resolution::Unknown
                }
            };
            people.known.push((reference, resolution));
        }
        people.resolve_by_uuid();
        people
    }

    /// Resolves an unknown UUID if the look-up of another id in the note has returned the same
    /// person.
    fn resolve_by_uuid(&mut self) {
        let active = |resolution: &Resolution| match resolution {
            Resolution::ActiveUser { user, .. } => Some((user.as_uuid(), resolution.clone())),
            Resolution::Kept { .. }
            | Resolution::NotAnActiveUser
            | Resolution::Unknown
            | Resolution::PlainText => None,
        };
        let people: Vec<_> = self.known.iter().filter_map(|(_, known)| active(known)).collect();
        for (reference, resolution) in &mut self.known {
            if let (MentionRef::User(user), Resolution::Unknown) = (&*reference, &*resolution)
                && let Some((_, known)) = people.iter().find(|(known, _)| known == user)
            {
                *resolution = known.clone();
            }
        }
    }

    fn check_count(&self) -> Result<(), NoteError> {
        let distinct: BTreeSet<String> = self
            .known
            .iter()
            .map(|(reference, resolution)| match resolution {
                Resolution::ActiveUser { user, .. } | Resolution::Kept { user, .. } => {
                    user.to_string()
                }
                Resolution::NotAnActiveUser | Resolution::Unknown | Resolution::PlainText => {
                    reference.id()
                }
            })
            .collect();
        if distinct.len() > MENTION_LIMIT {
            let (count, limit) = (distinct.len(), MENTION_LIMIT);
            return Err(NoteError::TooManyMentions { count, limit });
        }
        Ok(())
    }

    /// Treats unknown references as invalid, because the time for retries is over.
    pub(super) fn end_retries(&mut self) {
        for (_, resolution) in &mut self.known {
            if *resolution == Resolution::Unknown {
                *resolution = Resolution::NotAnActiveUser;
            }
        }
    }

    /// The outcome for a reference, which decides what its anchors become.
    pub(super) fn outcome(&self, reference: &MentionRef) -> MentionOutcome {
        let known = self.known.iter().find(|(known, _)| known == reference);
        match known.map(|(_, resolution)| resolution) {
            Some(Resolution::ActiveUser { user, name } | Resolution::Kept { user, name }) => {
                MentionOutcome::Verified {
                    user: user.as_uuid(),
                    display_name: name.clone(),
                    known_names: self.other_names(*user),
                }
            }
            Some(Resolution::Unknown) => MentionOutcome::Pending,
            Some(Resolution::NotAnActiveUser | Resolution::PlainText) | None => {
                MentionOutcome::Text
            }
        }
    }

    /// The names other than the display name that an anchor of this person may show.
    fn other_names(&self, user: UserId) -> Vec<String> {
        let names = self.other_names.iter().filter(|(known, _)| *known == user);
        names.map(|(_, name)| name.clone()).collect()
    }

    /// The references that were looked up and are active users, with their SSO UUIDs.
    pub(super) fn validated(&self) -> Vec<(MentionRef, UserId)> {
        let validated = self.known.iter().filter_map(|(reference, resolution)| match resolution {
            Resolution::ActiveUser { user, .. } => Some((reference.clone(), *user)),
            Resolution::Kept { .. }
            | Resolution::NotAnActiveUser
            | Resolution::Unknown
            | Resolution::PlainText => None,
        });
        validated.collect()
    }

    /// Logs the error if people could not be looked up. `fallback` describes what happens instead.
    pub(super) fn log_failure(&self, fallback: &'static str) {
        if let Some(error) = &self.failure {
            let remembered = error.remembered;
            tracing::warn!(
                error = %chain(error),
                remembered,
                "could not look up mentioned people; {fallback}"
            );
        }
    }

    /// Stores the names of the people whom Launchpad returned, once. Only the preview cards show
    /// these names, so a failure is logged and has no other effect.
    pub(super) async fn store_names(&mut self, directory: &Directory, table: &Table) {
        let loaded = std::mem::take(&mut self.loaded);
        let writes = loaded.iter().map(|person| directory.store_last_known(table, person));
        for error in join_all(writes).await.into_iter().filter_map(Result::err) {
            tracing::warn!(error = %chain(&error), "could not store a person's last-known name");
        }
    }
}
