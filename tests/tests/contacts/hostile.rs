use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use tests::{Log, World, person, team};

const SECRET: &str = "do-not-repeat-me";

/// Request bodies from which the API cannot create a contact.
fn bodies() -> Vec<Bytes> {
    let mut bodies: Vec<Bytes> = [
        &b""[..],
        b"{",
        b"[]",
        b"null",
        b"7",
        b"\xff\xfe",
        b"{\"name\":\"\xc3\x28\"}",
        b"{\"name\":\"a\",\"name\":\"b\"}",
        b"{\"team_owner_ids\":[],\"team_owner_ids\":[]}",
        b"{\"name\":\"a\"} {\"name\":\"b\"}",
        b"{\"name\":\"\\ud800\"}",
        b"{\"custom_fields\":[1]}",
        b"{\"name\":{\"$ne\":null}}",
        b"{\"__proto__\":{}}",
        b"{\"company_sso_id\":\"other\"}",
        b"{\"deleted_by\":null}",
        b"{\"pk\":\"x\"}",
    ]
    .map(Bytes::from_static)
    .to_vec();
    for field in ["name", "emails", "phones", "tags", "owner_id", "external_id", "source"] {
        for value in [json!(7), json!({}), json!([[1]]), json!(true), json!([{}])] {
            bodies.push(json!({ field: value }).to_string().into());
        }
    }
    for field in ["owner_id", "assignee_id"] {
        bodies.push(json!({ field: SECRET }).to_string().into());
    }
    bodies.push(json!({ "emails": [format!("{SECRET} no address")] }).to_string().into());
    bodies.push(json!({ "name": "x".repeat(1_000_000) }).to_string().into());
    bodies.push(json!({ "tags": vec![SECRET; 100_000] }).to_string().into());
    let many: Vec<String> = (0..110_000).map(|n| format!("{n:x}")).collect();
    for field in ["tags", "phones", "team_owner_ids"] {
        bodies.push(json!({ field: many }).to_string().into());
    }
    bodies.push(json!({ "custom_fields": { "x": "y".repeat(40_000) } }).to_string().into());
    bodies.push(
        format!("{{\"custom_fields\":{{\"x\":{}1{}}}}}", "[".repeat(5_000), "]".repeat(5_000))
            .into(),
    );
    bodies
}

#[tokio::test]
async fn every_malformed_contact_body_is_a_clear_400() {
    let world = World::with_flags().await;
    let log = Log::capture();
    let created = world.post("maya", "/cdp/customers", &json!({ "name": "A" })).await;
    let path = format!("/cdp/customers/{}", created.data()["id"].as_str().unwrap());
    for body in bodies() {
        for (method, path) in [(Method::POST, "/cdp/customers"), (Method::PATCH, &path)] {
            let headers = [("content-type", "application/json")];
            let response = world.send("maya", method.clone(), path, &headers, body.clone()).await;
            let shown = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
            assert_eq!(
                (response.status, response.error()),
                (400, "INVALID_REQUEST"),
                "{method} {shown}"
            );
            assert!(response.body["details"]["field"].is_string(), "{shown}");
            assert!(!response.body.to_string().contains(SECRET), "{shown}: {response:?}");
        }
    }
    assert_eq!(world.get("maya", &path).await.data(), created.data(), "nothing was written");
    assert!(!log.text().contains(SECRET));
}

#[tokio::test]
async fn unusual_texts_are_stored_without_invisible_ends_and_listed() {
    let world = World::with_flags().await;
    let names = [
        ("\u{0}\u{1}\u{2}", Value::Null),
        ("#", json!("#")),
        ("CO#x#ALL", json!("CO#x#ALL")),
        ("'; DROP", json!("'; DROP")),
        ("=1+1", json!("=1+1")),
        ("\u{202e}abc", json!("abc")),
        ("e\u{301}", json!("\u{e9}")),
        ("🦀", json!("🦀")),
    ];
    for (name, stored) in names {
        let body = json!({ "name": name, "external_id": name, "emails": ["a#b@c.example"],
            "tags": [name], "custom_fields": { name: name } });
        let response = world.post("maya", "/cdp/customers", &body).await;
        assert_eq!(response.status, 201, "{name:?} {response:?}");
        assert_eq!(response.data()["name"], stored);
        let values: Vec<&Value> = [&stored].into_iter().filter(|text| !text.is_null()).collect();
        assert_eq!(response.data()["tags"], json!(values));
        let id = response.data()["id"].as_str().unwrap();
        let list = world.get("maya", "/cdp/customers?order_by=name&limit=100").await;
        assert!(list.ids().iter().any(|one| one == id), "{name:?}");
    }
}

#[tokio::test]
async fn ids_of_other_companies_in_a_body_give_no_access() {
    let world = World::with_flags().await;
    let theirs = world.get("claire", "/cdp/customers?limit=1").await;
    let before = theirs.data()[0].clone();
    // The API ignores the id in a body, because clients send back the record that they received.
    let mut echo = before.clone();
    echo["team_owner_ids"] = json!([]);
    echo["owner_id"] = Value::Null;
    let created = world.post("maya", "/cdp/customers", &echo).await;
    assert_eq!(created.status, 201, "{created:?}");
    assert_ne!(created.data()["id"], before["id"]);
    let foreign = local::demo_company::team_id("meridian", "Accounts");
    for body in [
        json!({ "owner_id": person("claire") }),
        json!({ "assignee_id": person("piet") }),
        json!({ "team_owner_ids": [foreign] }),
        json!({ "team_owner_ids": [team("Sales"), foreign] }),
    ] {
        let status = world.post("maya", "/cdp/customers", &body).await.status;
        assert!([400, 422].contains(&status), "{body}");
    }
    assert_eq!(world.get("claire", "/cdp/customers?limit=1").await.data()[0], before);
}

#[tokio::test]
async fn no_log_line_of_a_write_contains_a_name_an_email_or_a_phone() {
    let world = World::with_flags().await;
    let log = Log::capture();
    let private = json!({
        "name": "Zanzibar Quux", "emails": ["zq@private.example"], "phones": ["+62 812 9999 7777"],
        "company_name": "Quuxworks", "custom_fields": { "hobby": "xylophone" },
        "team_owner_ids": ["Quuxteam"],
    });
    assert_eq!(world.post("maya", "/cdp/customers", &private).await.status, 422);
    let mut fine = private.clone();
    fine["team_owner_ids"] = json!([team("Sales")]);
    let created = world.post("maya", "/cdp/customers", &fine).await;
    let path = format!("/cdp/customers/{}", created.data()["id"].as_str().unwrap());
    let change = json!({ "name": "Quuxina", "phones": ["+62 812 9999 7778"] });
    assert_eq!(world.call("maya", Method::PATCH, &path, Some(&change)).await.status, 200);
    assert_eq!(world.call("maya", Method::DELETE, &path, None).await.status, 200);
    let text = log.text();
    assert!(text.contains("cdp_team_owner_set"), "the log was captured");
    let phones = ["812 9999 777", "8129999777"];
    for word in ["Quux", "zq@", "xylophone", "hobby", "Maya"].into_iter().chain(phones) {
        assert!(!text.contains(word), "{word}");
    }
}
