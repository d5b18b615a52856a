//! File names and download links: names of every length and script through the whole chain, links
//! without a file, and what a job says about its request (SPEC §4).

use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::World;

use super::steps::{completed, link, objects, order, requested, view};

/// The longest names that a request can have, in four scripts, and one that failed in the past.
fn names() -> Vec<String> {
    let mut names: Vec<String> =
        ["a", "ж", "客", "ت"].iter().map(|letter| letter.repeat(180 / letter.len())).collect();
    names.push("Contacts of the Jakarta SMB team Q4".to_owned());
    names
}

#[tokio::test]
async fn a_file_name_of_180_bytes_in_any_script_reaches_the_email_the_link_and_the_file() {
    for format in ["csv", "xlsx"] {
        for name in names() {
            let world = World::with_flags().await;
            let mut body = order(format);
            body["file_name"] = json!(name);
            let job = completed(&world, "sinta", &body).await;
            let file_name = format!("{name}.{format}");
            let shown = view(&world, "sinta", &job).await;
            assert_eq!(shown["file_name"], file_name);
            let key = objects(&world).await.remove(0);
            assert!(key.ends_with(&file_name), "{key}");
            let bytes = world.files().await.read(&key).await.unwrap();
            let mail = world.aws.mailbox().list().pop().unwrap();
            assert_eq!(mail.attachments[0].name, file_name);
            let address = world.get("", &link(&world)).await.headers["location"].clone();
            let response = reqwest::get(&address).await.unwrap();
            assert_eq!(response.status(), 200);
            assert_eq!(response.bytes().await.unwrap(), bytes);
            world.advance(SignedDuration::from_hours(49));
            world.clean_up(world.clock.now()).await;
            assert_eq!(objects(&world).await, Vec::<String>::new());
        }
    }
}

#[tokio::test]
async fn head_on_a_link_redirects_to_an_address_for_head_and_does_not_open_the_link() {
    let world = World::with_flags().await;
    completed(&world, "sinta", &order("csv")).await;
    let link = link(&world);
    let log = tests::Log::capture();
    let head = world.call("", Method::HEAD, &link, None).await;
    assert_eq!(head.status, 302);
    let client = reqwest::Client::new();
    let address = &head.headers["location"];
    let response = client.head(address).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.headers()["content-length"].to_str().unwrap().parse::<u64>().unwrap() > 0);
    // A signature includes the method.
    assert_eq!(client.get(address).send().await.unwrap().status(), 403);
    assert!(!log.text().contains("cdp_contacts_export_link_opened"));
    world.get("", &link).await;
    assert!(log.text().contains("cdp_contacts_export_link_opened"));
    world.advance(SignedDuration::from_hours(49));
    assert_eq!(world.call("", Method::HEAD, &link, None).await.status, 410);
    let unknown = format!("/d/{}", "A".repeat(43));
    assert_eq!(world.call("", Method::HEAD, &unknown, None).await.status, 404);
}

/// Opens a link as a browser does. Returns the status, the headers and the page.
async fn open(world: &World, path: &str, language: &str) -> (u64, Value, String) {
    let headers = [("accept", "text/html,*/*;q=0.8"), ("accept-language", language)];
    let (function, event) = world.event("", Method::GET, path, &headers, &bytes::Bytes::new());
    let response = world.invoke(&function, event).await;
    let body = response["body"].as_str().unwrap_or_default().to_owned();
    (response["statusCode"].as_u64().unwrap(), response["headers"].clone(), body)
}

#[tokio::test]
async fn a_browser_gets_a_readable_page_for_a_link_without_a_file() {
    let world = World::with_flags().await;
    let mut body = order("csv");
    body["locale"] = json!("id");
    completed(&world, "sinta", &body).await;
    let link = link(&world);
    assert_eq!(open(&world, &link, "en").await.0, 302);
    world.advance(SignedDuration::from_hours(49));
    // The language is that of the job, whatever the browser prefers.
    let (status, headers, page) = open(&world, &link, "en").await;
    assert_eq!(status, 410);
    assert!(page.contains("Berkas ini sudah kedaluwarsa"), "{page}");
    assert_eq!(headers["content-type"], "text/html; charset=utf-8");
    assert_eq!(headers["content-security-policy"], "default-src 'none'");
    assert_eq!(
        (&headers["cache-control"], &headers["referrer-policy"]),
        (&json!("no-store"), &json!("no-referrer"))
    );
    for path in [format!("/d/{}", "A".repeat(43)), "/d/%3Cscript%3Ealert(1)".to_owned()] {
        for (language, text) in
            [("en-US", "This link does not work"), ("id-ID,en", "Tautan ini tidak berfungsi")]
        {
            let (status, _, page) = open(&world, &path, language).await;
            assert!(status == 404 && page.contains(text), "{status} {page}");
            assert!(!page.contains("alert") && !page.contains("AAAA"));
        }
        assert_eq!(world.get("", &path).await.error(), "NOT_FOUND", "other clients get JSON");
    }
}

#[tokio::test]
async fn a_job_returns_what_was_requested() {
    let world = World::with_flags().await;
    let layout = json!({ "name": "Short", "fields": [{ "field": "name", "label": "Who" }] });
    let layout = world.post("maya", "/cdp/export-layouts", &layout).await.data()["id"].clone();
    let filter = json!({ "tags": ["vip"], "updated_from": "2026-01-01T00:00:00Z" });
    let by_layout = json!({ "format": "csv", "selection": { "filter": filter },
        "layout_id": layout, "time_zone": "Europe/Berlin", "locale": "en" });
    let job = requested(&world, "maya", &by_layout).await;
    let shown = view(&world, "maya", &job).await;
    assert_eq!(shown["selection"], json!({ "filter": filter }), "nothing but what was set");
    assert_eq!((&shown["layout_id"], &shown["fields"]), (&layout, &json!(["name"])));
    assert_eq!((&shown["time_zone"], &shown["locale"]), (&json!("Europe/Berlin"), &json!("en")));
    let ids = world.get("maya", "/cdp/customers?limit=3").await.ids();
    let mut by_ids = order("csv");
    by_ids["selection"] = json!({ "ids": ids });
    let job = requested(&world, "maya", &by_ids).await;
    let shown = view(&world, "maya", &job).await;
    assert_eq!(shown["selection"], json!({ "ids": { "count": 3 } }));
    assert_eq!((&shown["fields"], &shown["layout_id"]), (&by_ids["fields"], &Value::Null));
}

#[tokio::test]
async fn a_filter_that_is_too_large_for_a_job_is_400_with_its_name() {
    let world = World::with_flags().await;
    let values: Vec<String> = (0..100).map(|n| format!("{n:0>250}")).collect();
    let custom: serde_json::Map<String, Value> =
        (0..20).map(|n| (format!("field{n}"), json!(values))).collect();
    let mut body = order("csv");
    body["selection"] = json!({ "filter": { "custom": custom } });
    let response = world.post("maya", "/cdp/exports", &body).await;
    assert_eq!((response.status, response.error()), (400, "INVALID_REQUEST"));
    assert_eq!(response.body["details"]["field"], "selection.filter");
}

#[tokio::test]
async fn the_texts_of_a_filter_are_not_in_the_table_and_are_deleted_with_the_file() {
    let world = World::with_flags().await;
    let filter = json!({ "q": "citra angg", "tags": ["secret"], "custom": { "tier": ["secret"] },
        "owner_id": [tests::person("sinta")] });
    let rest = json!({ "filter": { "owner_id": [tests::person("sinta")] },
        "removed": ["q", "tags", "custom"] });
    let complete = json!({ "filter": filter });
    let mut body = order("csv");
    body["selection"] = complete.clone();
    let headers = [("content-type", "application/json"), ("idempotency-key", "k")];
    let send = async || {
        let bytes = bytes::Bytes::from(body.to_string());
        world.send("maya", http::Method::POST, "/cdp/exports", &headers, bytes).await
    };
    let first = send().await;
    let job = first.data()["id"].as_str().unwrap().to_owned();
    let selection = async || view(&world, "maya", &job).await["selection"].clone();
    assert_eq!(first.data()["selection"], complete);
    assert_eq!(send().await.data()["selection"], complete, "repeated");
    assert_eq!(selection().await, complete, "queued");
    let table = world.table().await;
    let stored = table.client().scan().table_name(table.name()).send().await.unwrap();
    let of_exports = |item: &&shared::table::Item| item["pk"].as_s().unwrap().contains("#EXPORTS#");
    for item in stored.items().iter().filter(of_exports) {
        let shown = format!("{item:?}").to_lowercase();
        assert!(!shown.contains("citra angg") && !shown.contains("secret"), "{shown}");
    }
    world.process_queues().await;
    assert_eq!(selection().await, complete, "completed");
    let listed = world.get("maya", "/cdp/exports").await;
    assert_eq!(listed.data()[0]["selection"], complete, "{}", listed.body);
    let path = format!("/cdp/exports/{job}");
    let cancelled = world.call("maya", http::Method::DELETE, &path, None).await;
    assert_eq!(cancelled.data()["selection"], rest, "{}", cancelled.body);
    let listed = world.get("maya", "/cdp/exports").await;
    assert_eq!(listed.data()[0]["selection"], rest);
    assert!(
        world
            .files()
            .await
            .read(&format!(
                "private/exports/{}/{job}/filter.json",
                local::demo_company::id("company", "kopi")
            ))
            .await
            .is_err()
    );
}
