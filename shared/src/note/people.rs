//! Who the mentions of a draft are, as far as the directory can tell (SPEC §3, "On write").

use std::collections::BTreeSet;

use futures::future::join_all;

use super::{Draft, MENTION_LIMIT, MentionOutcome, MentionRef, Note, NoteError};
use crate::{
    directory::{Directory, Person},
    error::chain,
    id::{CompanyId, UserId},
    table::Table,
};

/// The most references that the directory is asked for: somebody may be mentioned by more than one
/// id, and what is past this cannot be so by accident.
const MAX_REFERENCES: usize = 2 * MENTION_LIMIT;

/// What is known of one reference.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Standing {
    /// An active user of the company.
    Active { user: UserId, name: String },
    /// Nobody, or not an active user of the company.
    NotActive,
    /// Launchpad cannot tell.
    Unknown,
    /// Not judged as a mention: plain text.
    Text,
}

/// The people that a draft mentions.
#[derive(Clone, Debug)]
pub(super) struct People {
    known: Vec<(MentionRef, Standing)>,
    /// Those whom Launchpad told just now.
    fresh: Vec<Person>,
}

/// The verified mentions of a stored note by the names that it shows, and its pending ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Stored {
    verified: Vec<(UserId, String)>,
    pending: Vec<MentionRef>,
}

impl Stored {
    /// Those of `note`. What a pending anchor shows was never checked, so it is no name.
    pub(super) fn of(note: &Note, draft: &Draft) -> Self {
        let is_verified = |user: &UserId| note.mentioned_user_ids.contains(user);
        let shown = draft.shown_names().into_iter();
        let verified: Vec<_> = shown
            .map(|(user, name)| (UserId::from_uuid(user), name))
            .filter(|(user, _)| is_verified(user))
            .collect();
        let pending = draft.references().iter().filter(|reference| match reference {
            MentionRef::User(user) => !is_verified(&UserId::from_uuid(*user)),
            MentionRef::Raw(_) => true,
            MentionRef::Malformed(_) => false,
        });
        Self { verified, pending: pending.cloned().collect() }
    }

    /// The references that the note waits for to be verified.
    pub(super) fn pending(&self) -> &[MentionRef] {
        &self.pending
    }

    /// Whether the note waits for this reference to be verified.
    pub(super) fn is_pending(&self, reference: &MentionRef) -> bool {
        self.pending.contains(reference)
    }

    fn name_of(&self, reference: &MentionRef) -> Option<(UserId, String)> {
        let MentionRef::User(user) = reference else { return None };
        self.verified.iter().find(|(known, _)| known.as_uuid() == *user).cloned()
    }
}

impl People {
    /// Asks the directory for the draft's references, all at once. Those that it cannot tell keep
    /// the name that the stored note shows, if it does.
    ///
    /// # Errors
    /// [`NoteError::TooManyMentions`] past [`MENTION_LIMIT`] people.
    pub(super) async fn resolve(
        directory: &Directory,
        company: &CompanyId,
        draft: &Draft,
        stored: &Stored,
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
        let people = Self::ask(directory, company, references, stored).await;
        people.check_count()?;
        Ok(people)
    }

    /// Asks for the stored note's pending references only; the verified ones stay.
    pub(super) async fn verify(
        directory: &Directory,
        company: &CompanyId,
        stored: &Stored,
    ) -> Self {
        let mut people = Self::ask(directory, company, stored.pending.clone(), stored).await;
        people.known.extend(stored.verified.iter().map(|(user, name)| {
            let standing = Standing::Active { user: *user, name: name.clone() };
            (MentionRef::User(user.as_uuid()), standing)
        }));
        people
    }

    /// Asks nobody: mentions of the stored note stay as they are, new ones are text (SPEC §3, "Mention flag").
    pub(super) fn as_before(draft: &Draft, stored: &Stored) -> Self {
        let standing = |reference: &MentionRef| match stored.name_of(reference) {
            Some((user, name)) => Standing::Active { user, name },
            None if stored.is_pending(reference) => Standing::Unknown,
            None => Standing::Text,
        };
        let known = draft.references().iter().map(|r| (r.clone(), standing(r))).collect();
        Self { known, fresh: Vec::new() }
    }

    async fn ask(
        directory: &Directory,
        company: &CompanyId,
        references: Vec<MentionRef>,
        stored: &Stored,
    ) -> Self {
        let answers = join_all(
            references
                .iter()
                .map(|reference| async move { directory.look_up(company, &reference.id()).await }),
        )
        .await;
        let mut people = Self { known: Vec::with_capacity(references.len()), fresh: Vec::new() };
        for (reference, answer) in references.into_iter().zip(answers) {
            let standing = match answer {
                Ok((Some(person), asked)) if person.is_active() => {
                    let name = person.display_name().to_owned();
                    let user = person.sso_id;
                    if asked {
                        people.fresh.push(person);
                    }
                    Standing::Active { user, name }
                }
                Ok(_) => Standing::NotActive,
                Err(_) => match stored.name_of(&reference) {
                    Some((user, name)) => Standing::Active { user, name },
                    None => Standing::Unknown,
                },
            };
            people.known.push((reference, standing));
        }
        people.agree();
        people
    }

    /// One person has one standing: who is known by one id is known by the UUID too.
    fn agree(&mut self) {
        let active = |standing: &Standing| match standing {
            Standing::Active { user, .. } => Some((user.as_uuid(), standing.clone())),
            Standing::NotActive | Standing::Unknown | Standing::Text => None,
        };
        let people: Vec<_> = self.known.iter().filter_map(|(_, known)| active(known)).collect();
        for (reference, standing) in &mut self.known {
            if let (MentionRef::User(user), Standing::Unknown) = (&*reference, &*standing)
                && let Some((_, known)) = people.iter().find(|(known, _)| known == user)
            {
                *standing = known.clone();
            }
        }
    }

    fn check_count(&self) -> Result<(), NoteError> {
        let distinct: BTreeSet<String> = self
            .known
            .iter()
            .map(|(reference, standing)| match standing {
                Standing::Active { user, .. } => user.to_string(),
                Standing::NotActive | Standing::Unknown | Standing::Text => reference.id(),
            })
            .collect();
        if distinct.len() > MENTION_LIMIT {
            let (count, limit) = (distinct.len(), MENTION_LIMIT);
            return Err(NoteError::TooManyMentions { count, limit });
        }
        Ok(())
    }

    /// Takes those whom Launchpad cannot tell for nobody: its time is up.
    pub(super) fn give_up_unknown(&mut self) {
        for (_, standing) in &mut self.known {
            if *standing == Standing::Unknown {
                *standing = Standing::NotActive;
            }
        }
    }

    /// What becomes of a reference's anchors.
    pub(super) fn outcome(&self, reference: &MentionRef) -> MentionOutcome {
        let known = self.known.iter().find(|(known, _)| known == reference);
        match known.map(|(_, standing)| standing) {
            Some(Standing::Active { user, name }) => {
                MentionOutcome::Verified { user: user.as_uuid(), display_name: name.clone() }
            }
            Some(Standing::Unknown) => MentionOutcome::Pending,
            Some(Standing::NotActive | Standing::Text) | None => MentionOutcome::Text,
        }
    }

    /// Everybody who is known, by the references.
    pub(super) fn active(&self) -> impl Iterator<Item = (&MentionRef, UserId)> {
        self.known.iter().filter_map(|(reference, standing)| match standing {
            Standing::Active { user, .. } => Some((reference, *user)),
            Standing::NotActive | Standing::Unknown | Standing::Text => None,
        })
    }

    /// Keeps the names of those whom Launchpad told just now. The cards that show them are a
    /// convenience: what cannot be written is only logged.
    pub(super) async fn remember(&self, directory: &Directory, table: &Table) {
        let writes = self.fresh.iter().map(|person| directory.store_last_known(table, person));
        for error in join_all(writes).await.into_iter().filter_map(Result::err) {
            tracing::warn!(error = %chain(&error), "could not store a person's last-known name");
        }
    }
}
