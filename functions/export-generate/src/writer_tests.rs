use std::{collections::HashMap, sync::Arc};

use jiff::tz::TimeZone;
use serde_json::json;
use shared::{
    access::Scope,
    contact::StoredContact,
    export::{Column, Field, Format},
    locale::Locale,
};
use tokio::{
    sync::mpsc::{Sender, channel},
    task::JoinHandle,
};

use super::*;
use crate::file::tests::settings;

fn contact(name: &str) -> StoredContact {
    serde_json::from_value(json!({
        "id": "0190d1a2-7c3b-7abc-8def-0123456789ab", "name": name, "custom_fields": "{}",
        "created_at": "2026-11-21T20:00:00Z", "updated_at": "2026-11-21T20:00:00Z", "version": 1,
    }))
    .unwrap()
}

fn chunk(names: &[&str], skipped: u64, progress: f64) -> Feed {
    let authorized = names.iter().filter_map(|name| Scope::Everything.authorize(contact(name)));
    Feed::Contacts(Chunk { contacts: authorized.collect(), skipped, progress })
}

struct Started {
    feed: Sender<Feed>,
    progress: Arc<Progress>,
    writer: JoinHandle<Result<Written, WriteError>>,
}

fn start(format: Format, max_rows: u64) -> Started {
    let (feed, feed_out) = channel(8);
    let progress = Arc::new(Progress::default());
    let plan = FilePlan {
        directory: std::env::temp_dir(),
        settings: settings(format),
        max_rows,
        rows: RowPlan {
            columns: vec![Column::new(Field::Name, Locale::En)],
            zone: TimeZone::UTC,
            teams: HashMap::new(),
            people: HashMap::new(),
        },
    };
    let shared = Arc::clone(&progress);
    let writer = tokio::task::spawn_blocking(move || {
        write(&plan, feed_out, &shared, &CancellationToken::new())
    });
    Started { feed, progress, writer }
}

#[tokio::test]
async fn a_file_is_finished_at_the_end_of_its_feed() {
    let started = start(Format::Csv, 10);
    started.feed.send(chunk(&["Ann", "=1"], 1, 0.5)).await.unwrap();
    started.feed.send(Feed::End).await.unwrap();
    let written = started.writer.await.unwrap().unwrap();
    let file = std::fs::read_to_string(written.file.path()).unwrap();
    assert_eq!(file, "\u{feff}Name\r\nAnn\r\n'=1\r\n");
    assert_eq!((written.rows, written.skipped), (2, 1));
    assert_eq!(
        started.progress.snapshot(),
        AttemptProgress { rows: 2, skipped: 1, progress: 0.45 }
    );
}

#[tokio::test]
async fn an_interrupted_feed_creates_no_file() {
    for format in [Format::Csv, Format::Xlsx] {
        let started = start(format, 10);
        started.feed.send(chunk(&["Ann"], 0, 0.5)).await.unwrap();
        drop(started.feed);
        assert!(matches!(started.writer.await.unwrap(), Err(WriteError::Interrupted)));
    }
}

#[tokio::test]
async fn a_row_over_the_limit_fails_the_export() {
    let started = start(Format::Csv, 2);
    started.feed.send(chunk(&["a", "b"], 0, 0.5)).await.unwrap();
    started.feed.send(chunk(&["c"], 0, 0.6)).await.unwrap();
    assert!(matches!(started.writer.await.unwrap(), Err(WriteError::TooLarge)));
}

#[test]
fn the_limits_count_rows_and_cells() {
    let most = |columns| Limits::default().max_rows(columns);
    assert_eq!((most(1), most(50), most(100)), (2_000_000, 2_000_000, 1_000_000));
}
