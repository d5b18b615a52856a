use futures::future::join_all;
use http::Method;
use serde_json::{Value, json};
use tests::{Response, World};

use super::{
    file::{header, rows},
    steps::{completed, objects, order, requested, view},
};

fn layout(name: &str) -> Value {
    json!({ "name": name, "fields": [
        { "field": "name", "label": "Pelanggan" },
        { "field": "phones" },
        { "field": "custom.tier", "label": "Tier" },
    ] })
}

async fn save(world: &World, user: &str, body: &Value) -> String {
    let response = world.post(user, "/cdp/export-layouts", body).await;
    assert_eq!(response.status, 201, "{}", response.body);
    response.data()["id"].as_str().unwrap().to_owned()
}

async fn change(world: &World, user: &str, method: Method, id: &str, body: &Value) -> Response {
    let body = (method == Method::PUT).then_some(body);
    world.call(user, method, &format!("/cdp/export-layouts/{id}"), body).await
}

/// The body of an export request for all contacts with the columns of a layout.
fn order_by(layout: &str, format: &str) -> Value {
    let mut body = order(format);
    let body_map = body.as_object_mut().unwrap();
    body_map.remove("fields");
    body_map.insert("layout_id".to_owned(), json!(layout));
    body
}

#[tokio::test]
async fn fields_are_labeled_in_the_requested_language_or_in_the_companys_language() {
    let world = World::with_flags().await;
    for (user, query, label) in [
        ("sinta", "", "Nama"),
        ("sinta", "?locale=en", "Name"),
        ("claire", "", "Name"),
        ("claire", "?locale=id", "Nama"),
    ] {
        let response = world.get(user, &format!("/cdp/export-fields{query}")).await;
        assert_eq!(response.status, 200, "{}", response.body);
        let fields = response.data().as_array().unwrap();
        let name = fields.iter().find(|field| field["field"] == "name").unwrap();
        assert_eq!(
            name,
            &json!({ "field": "name", "label": label, "type": "text", "default": true }),
            "{user}{query}"
        );
    }
    for query in ["?locale=tlh", "?colour=red"] {
        let response = world.get("sinta", &format!("/cdp/export-fields{query}")).await;
        assert_eq!((response.status, response.error()), (400, "INVALID_REQUEST"), "{query}");
    }
}

#[tokio::test]
async fn custom_fields_are_listed_with_their_types_and_custom_dates_are_exported_as_dates() {
    let world = World::with_flags().await;
    let contact = json!({ "external_id": "1", "name": "One", "custom_fields": {
        "tier": "gold", "points": 3, "member": true, "codes": ["a"],
        "since": "2026-11-21", "seen": "2026-11-21T20:00:00Z",
    } });
    let synced = world.post("maya", "/cdp/customers/sync", &json!({ "contacts": [contact] })).await;
    let response = world.get("sinta", "/cdp/export-fields").await;
    let own: Vec<_> = response.data().as_array().unwrap().iter().skip(18).collect();
    let types: Vec<_> = own
        .iter()
        .map(|it| (it["label"].as_str().unwrap(), it["type"].as_str().unwrap()))
        .collect();
    let expected = [
        ("codes", "list"),
        ("member", "boolean"),
        ("points", "number"),
        ("seen", "date"),
        ("since", "date"),
        ("tier", "text"),
    ];
    assert_eq!(types, expected);
    assert_eq!(
        world.get("claire", "/cdp/export-fields").await.data().as_array().unwrap().len(),
        18
    );
    for (format, day) in [("xlsx", "2026-11-21 00:00:00"), ("csv", "2026-11-21")] {
        let mut body = order(format);
        body["selection"] = json!({ "ids": synced.ids() });
        body["fields"] = json!(own.iter().map(|it| &it["field"]).collect::<Vec<_>>());
        completed(&world, "maya", &body).await;
        let mail = world.aws.mailbox().list().pop().unwrap();
        let expected_row = ["a", "true", "3", "2026-11-22 03:00:00", day, "gold"];
        assert_eq!(rows(format, &mail.attachments[0].content), [expected_row], "{format}");
    }
}

#[tokio::test]
async fn fields_are_labeled_in_the_default_language_while_launchpad_cannot_return_the_companys() {
    let world = World::with_flags().await;
    world.fault(&json!({ "target": "launchpad.companies", "status": 503 }));
    let response = world.get("sinta", "/cdp/export-fields").await;
    assert_eq!((response.status, &response.data()[2]["label"]), (200, &json!("Name")));
}

#[tokio::test]
async fn every_listed_field_can_be_saved_in_a_layout_and_exported() {
    let world = World::with_flags().await;
    let offered = world.get("sinta", "/cdp/export-fields?locale=en").await;
    let layout = save(&world, "sinta", &json!({ "name": "All", "fields": offered.data() })).await;
    completed(&world, "sinta", &order_by(&layout, "csv")).await;
    let file = world.aws.mailbox().list().pop().unwrap().attachments.remove(0);
    let labels: Vec<&str> =
        offered.data().as_array().unwrap().iter().filter_map(|it| it["label"].as_str()).collect();
    assert_eq!(header("csv", &file.content), labels);
}

#[tokio::test]
async fn a_layout_can_be_read_listed_replaced_and_deleted() {
    let world = World::with_flags().await;
    let created = world.post("sinta", "/cdp/export-layouts", &layout(" Sales  call ")).await;
    assert_eq!(created.status, 201, "{}", created.body);
    let (id, data) = (created.data()["id"].as_str().unwrap(), created.data());
    assert_eq!(
        (&data["name"], &data["owner_id"]),
        (&json!("Sales  call"), &json!(tests::person("sinta")))
    );
    assert_eq!(data["fields"][1], json!({ "field": "phones", "label": null }));
    let read = world.get("sinta", &format!("/cdp/export-layouts/{id}")).await;
    assert_eq!((read.status, read.data()), (200, data));
    // A client can send back a layout exactly as it received it.
    let echoed = change(&world, "sinta", Method::PUT, id, data).await;
    assert_eq!(
        (echoed.status, &echoed.data()["fields"]),
        (200, &data["fields"]),
        "{}",
        echoed.body
    );
    let replaced = change(
        &world,
        "sinta",
        Method::PUT,
        id,
        &json!({ "name": "New", "fields": [{ "field": "id" }] }),
    )
    .await;
    assert_eq!((replaced.status, &replaced.data()["name"]), (200, &json!("New")));
    assert_eq!(replaced.data()["fields"], json!([{ "field": "id", "label": null }]));
    assert_eq!(world.get("sinta", "/cdp/export-layouts").await.data(), &json!([replaced.data()]));
    // The old name can be used again.
    save(&world, "sinta", &layout("SALES CALL")).await;
    let deleted = change(&world, "sinta", Method::DELETE, id, &Value::Null).await;
    assert_eq!((deleted.status, deleted.data()), (200, &json!({})));
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let gone = change(&world, "sinta", method, id, &layout("Another")).await;
        assert_eq!((gone.status, gone.error()), (404, "NOT_FOUND"));
    }
    assert_eq!(world.get("sinta", "/cdp/export-layouts").await.ids().len(), 1);
}

#[tokio::test]
async fn layouts_are_listed_by_name_in_pages() {
    let world = World::with_flags().await;
    for name in ["delta", "Álpha", "Charlie", "bravo", "echo"] {
        save(&world, "sinta", &layout(name)).await;
    }
    let (mut names, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/cdp/export-layouts?limit=2&cursor={cursor}");
        let page = world.get("lars", &path).await;
        let records = page.data().as_array().unwrap().iter();
        names.extend(records.map(|it| it["name"].as_str().unwrap().to_owned()));
        match page.body["meta"]["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(names, ["Álpha", "bravo", "Charlie", "delta", "echo"]);
    for query in ["limit=0", "limit=101", "cursor=!", "colour=red"] {
        let response = world.get("lars", &format!("/cdp/export-layouts?{query}")).await;
        assert_eq!((response.status, response.error()), (400, "INVALID_REQUEST"), "{query}");
    }
}

#[tokio::test]
async fn a_layout_name_is_unique_in_a_company_ignoring_case_and_accents() {
    let world = World::with_flags().await;
    let first = save(&world, "sinta", &layout("Résumé")).await;
    let second = save(&world, "sinta", &layout("Other")).await;
    let taken = world.post("lars", "/cdp/export-layouts", &layout(" RESUME ")).await;
    assert_eq!((taken.status, taken.error()), (409, "CONFLICT"));
    assert_eq!(taken.body["details"]["field"], "name");
    let renamed = change(&world, "sinta", Method::PUT, &second, &layout("resume")).await;
    assert_eq!((renamed.status, renamed.error()), (409, "CONFLICT"));
    assert_eq!(change(&world, "sinta", Method::PUT, &first, &layout("RÉSUMÉ")).await.status, 200);
    // Another company can use the same name.
    save(&world, "claire", &layout("Résumé")).await;
    let bodies: Vec<Value> = (0..6).map(|_| layout("At once")).collect();
    let responses =
        join_all(bodies.iter().map(|body| world.post("sinta", "/cdp/export-layouts", body))).await;
    let created = responses.iter().filter(|response| response.status == 201).count();
    let refused = responses.iter().filter(|response| response.status == 409).count();
    assert_eq!((created, refused), (1, 5));
}

#[tokio::test]
async fn a_layout_can_be_changed_by_its_owner_and_by_viewers_at_level_everything() {
    let world = World::with_flags().await;
    let id = save(&world, "sinta", &layout("Sinta's")).await;
    for method in [Method::PUT, Method::DELETE] {
        let refused = change(&world, "lars", method, &id, &layout("Lars'")).await;
        assert_eq!((refused.status, refused.error()), (403, "FORBIDDEN"));
    }
    let may = json!({ "update": true, "delete": true });
    let path = format!("/cdp/export-layouts/{id}");
    let may_not = json!({ "update": false, "delete": false });
    assert_eq!(world.get("lars", &path).await.data()["permission"], may_not);
    assert_eq!(world.get("sinta", &path).await.data()["permission"], may);
    assert_eq!(world.get("maya", &path).await.data()["permission"], may);
    assert_eq!(change(&world, "maya", Method::PUT, &id, &layout("Ours")).await.status, 200);
    assert_eq!(change(&world, "maya", Method::DELETE, &id, &Value::Null).await.status, 200);
}

#[tokio::test]
async fn layouts_are_separate_per_company_and_require_the_view_permission_and_a_growth_plan() {
    let world = World::with_flags().await;
    let id = save(&world, "sinta", &layout("Ours")).await;
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let foreign = change(&world, "claire", method, &id, &layout("Theirs")).await;
        assert_eq!((foreign.status, foreign.error()), (404, "NOT_FOUND"));
    }
    assert_eq!(world.get("claire", "/cdp/export-layouts").await.data(), &json!([]));
    let body = order_by(&id, "csv");
    let foreign = world.post("claire", "/cdp/exports", &body).await;
    assert_eq!((foreign.status, &foreign.body["details"]["field"]), (400, &json!("layout_id")));
    for path in ["/cdp/export-fields", "/cdp/export-layouts"] {
        let disabled = world.get("yuki", path).await;
        assert_eq!((disabled.status, disabled.error()), (403, "FORBIDDEN"), "{path}");
    }
    let starter = world.post("dewi", "/cdp/export-layouts", &layout("None")).await;
    assert_eq!((starter.status, starter.error()), (403, "PLAN_NOT_ALLOWED"));
    assert_eq!(world.get("dewi", "/cdp/export-fields").await.status, 200);
}

#[tokio::test]
async fn an_invalid_layout_is_refused_with_the_name_of_the_field() {
    let world = World::with_flags().await;
    let name = json!({ "field": "name" });
    for (field, body) in [
        ("name", json!({ "fields": [name] })),
        ("name", json!({ "name": "", "fields": [name] })),
        ("name", json!({ "name": 1, "fields": [name] })),
        ("fields", json!({ "name": "n" })),
        ("fields", json!({ "name": "n", "fields": [] })),
        ("fields", json!({ "name": "n", "fields": vec![&name; 101] })),
        ("fields[0]", json!({ "name": "n", "fields": ["name"] })),
        ("fields[0].field", json!({ "name": "n", "fields": [{ "field": "salary" }] })),
        ("fields[0].field", json!({ "name": "n", "fields": [{ "field": "custom." }] })),
        ("fields[0].width", json!({ "name": "n", "fields": [{ "field": "id", "width": 3 }] })),
        ("colour", json!({ "name": "n", "fields": [name], "colour": "red" })),
    ] {
        let response = world.post("sinta", "/cdp/export-layouts", &body).await;
        assert_eq!((response.status, response.error()), (400, "INVALID_REQUEST"), "{field}");
        assert_eq!(response.body["details"]["field"], field, "{}", response.body);
    }
    assert_eq!(world.get("sinta", "/cdp/export-layouts").await.data(), &json!([]));
}

#[tokio::test]
async fn the_201st_layout_of_a_company_is_refused_with_409() {
    let world = World::with_flags().await;
    for at in 0..shared::export::MAX_LAYOUTS {
        save(&world, "sinta", &layout(&format!("Layout {at}"))).await;
    }
    let response = world.post("lars", "/cdp/export-layouts", &layout("One more")).await;
    assert_eq!((response.status, response.error()), (409, "CONFLICT"));
    save(&world, "claire", &layout("One more")).await;
}

#[tokio::test]
async fn an_export_by_layout_has_the_layouts_columns_and_labels_and_typed_custom_fields() {
    let world = World::with_flags().await;
    let contact = json!({ "external_id": "1", "name": "One", "phones": ["0012"],
        "custom_fields": { "tier": "=gold", "points": 12.5, "member": true, "codes": ["a", "b"] } });
    let synced = world.post("maya", "/cdp/customers/sync", &json!({ "contacts": [contact] })).await;
    let fields = [
        "name",
        "phones",
        "custom.tier",
        "custom.points",
        "custom.member",
        "custom.codes",
        "custom.none",
    ];
    let fields = fields.map(|field| json!({ "field": field }));
    let mut body = json!({ "name": "Typed", "fields": fields });
    body["fields"][0]["label"] = json!("=Customer");
    let id = save(&world, "maya", &body).await;
    for (format, label, tier) in [("xlsx", "=Customer", "=gold"), ("csv", "'=Customer", "'=gold")] {
        let mut body = order_by(&id, format);
        body["selection"] = json!({ "ids": synced.ids() });
        completed(&world, "maya", &body).await;
        let mail = world.aws.mailbox().list().pop().unwrap();
        let file = &mail.attachments[0].content;
        assert_eq!(
            header(format, file),
            [label, "All phones", "tier", "points", "member", "codes", "none"]
        );
        assert_eq!(rows(format, file), [["One", "0012", tier, "12.5", "true", "a; b", ""]]);
    }
}

#[tokio::test]
async fn an_export_uses_the_layout_as_it_was_when_the_export_was_requested() {
    let world = World::with_flags().await;
    let id = save(&world, "sinta", &layout("Before")).await;
    let job = requested(&world, "sinta", &order_by(&id, "csv")).await;
    let after = json!({ "name": "After", "fields": [{ "field": "id" }] });
    assert_eq!(change(&world, "sinta", Method::PUT, &id, &after).await.status, 200);
    assert_eq!(change(&world, "sinta", Method::DELETE, &id, &Value::Null).await.status, 200);
    world.process_queues().await;
    assert_eq!(view(&world, "sinta", &job).await["status"], "completed");
    let key = objects(&world).await.remove(0);
    let file = world.files().await.read(&key).await.unwrap();
    assert_eq!(header("csv", &file), ["Pelanggan", "All phones", "Tier"]);
}

#[tokio::test]
async fn an_export_must_name_either_fields_or_an_existing_layout() {
    let world = World::with_flags().await;
    let id = save(&world, "sinta", &layout("One")).await;
    let mut both = order("csv");
    both["layout_id"] = json!(id);
    let mut neither = order("csv");
    neither.as_object_mut().unwrap().remove("fields");
    let unknown = order_by("0190d1a2-7c3b-7abc-8def-0123456789ab", "csv");
    for (body, field) in [
        (both, "fields"),
        (neither, "fields"),
        (unknown, "layout_id"),
        (order_by("x", "csv"), "layout_id"),
    ] {
        let response = world.post("sinta", "/cdp/exports", &body).await;
        assert_eq!((response.status, response.error()), (400, "INVALID_REQUEST"), "{field}");
        assert_eq!(response.body["details"]["field"], field, "{}", response.body);
    }
}
