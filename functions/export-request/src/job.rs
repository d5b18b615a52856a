use jiff::Timestamp;
use shared::{
    access::Viewer,
    directory::Directory,
    entry::Failure,
    export::{Delivery, ExportOrder, Job, QUEUE_TIME, Status},
    id::JobId,
};

/// A new job out of what was ordered. Its owner's name and address come from the token, or from
/// the directory where the token has none.
///
/// # Errors
/// When the directory is needed and does not answer.
pub(crate) async fn new(
    directory: &Directory,
    viewer: &Viewer,
    order: &ExportOrder,
    now: Timestamp,
) -> Result<Job, Failure> {
    let (user_name, email) = match (&viewer.name, &viewer.email) {
        (name, Some(email)) => (name.clone(), Some(email.clone())),
        (name, None) => {
            let person = directory.person(&viewer.company, &viewer.user.to_string()).await?;
            let (full_name, email) =
                person.map_or((None, None), |person| (person.full_name, Some(person.email)));
            (name.clone().or(full_name), email)
        }
    };
    Ok(Job {
        id: JobId::generate(now),
        company: viewer.company.clone(),
        user: viewer.user,
        user_name,
        email_status: if email.is_some() { Delivery::Pending } else { Delivery::Skipped },
        email,
        platform: viewer.platform,
        format: order.format,
        selection: order.selection.clone(),
        columns: order.columns.clone(),
        file_name: order.file_name.clone(),
        time_zone: order.time_zone.clone(),
        locale: order.locale,
        status: Status::Queued,
        attempt: 0,
        requeued: false,
        heartbeat_at: None,
        upload: None,
        rows: 0,
        skipped: 0,
        cut_cells: 0,
        progress: 0.0,
        size_bytes: None,
        created_at: now,
        started_at: None,
        completed_at: None,
        deadline: now + QUEUE_TIME,
        expires_at: None,
        email_changed_at: now,
        notification_status: Delivery::Pending,
        notification_changed_at: now,
        error: None,
        version: 1,
    })
}
