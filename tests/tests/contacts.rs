//! Contacts: levels, flag, fallback, guard, cursor, sync (SPEC §2, RFC TEAM-S02 to S05).

mod contacts {
    mod list;
    mod read;
    mod sync;
}
