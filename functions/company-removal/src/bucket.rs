//! The files of a company in the bucket.

use shared::{
    aws::CallError,
    entry::{Code, Failure},
    export::Files,
    id::CompanyId,
};

/// The folders that contain files of the company. The exported data of a leaving company is not in
/// them: a lifecycle rule deletes it after 30 days.
fn folders(company: &CompanyId) -> [String; 2] {
    ["exports", "backfill"].map(|kind| format!("private/{kind}/{company}/"))
}

/// The key of one part of the exported data.
pub(crate) fn part_key(company: &CompanyId, run: &str, part: u32) -> String {
    format!("private/removal/{company}/{run}/{part:05}.jsonl")
}

fn failed(cause: CallError) -> Failure {
    Failure::new(Code::Unavailable, "the bucket could not be read or written").with_source(cause)
}

/// Writes one part of the exported data.
pub(crate) async fn put(files: &Files, key: &str, lines: Vec<u8>) -> Result<(), Failure> {
    let put = files.client().put_object().bucket(files.bucket()).key(key).body(lines.into());
    put.send().await.map_err(|error| failed(CallError::new(&error)))?;
    Ok(())
}

/// Counts the files of the company, and deletes them if `delete` is true. Files that are being
/// written at the moment have no object yet: a lifecycle rule ends such uploads after a day.
pub(crate) async fn files(
    files: &Files,
    company: &CompanyId,
    delete: bool,
) -> Result<u64, Failure> {
    let mut count = 0;
    for folder in folders(company) {
        let mut after = None;
        loop {
            let list = files.client().list_objects_v2().bucket(files.bucket()).prefix(&folder);
            let page = list.set_start_after(after).send().await;
            let page = page.map_err(|error| failed(CallError::new(&error)))?;
            let keys: Vec<&str> = page.contents().iter().filter_map(|file| file.key()).collect();
            for key in &keys {
                count += 1;
                if delete {
                    let request = files.client().delete_object().bucket(files.bucket()).key(*key);
                    request.send().await.map_err(|error| failed(CallError::new(&error)))?;
                }
            }
            after = keys.last().map(|key| (*key).to_owned());
            if after.is_none() || page.is_truncated() != Some(true) {
                break;
            }
        }
    }
    Ok(count)
}
