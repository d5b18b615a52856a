use tests::{World, person};

async fn id_of(world: &World, name: &str) -> String {
    let list = world.get("maya", "/cdp/customers?limit=100").await;
    let contacts = list.data().as_array().unwrap().iter();
    let found = contacts.clone().find(|contact| contact["name"] == name).unwrap();
    found["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn team_s02_ac4_a_contact_out_of_scope_is_403() {
    let world = World::with_flags().await;
    let id = id_of(&world, "Johan Setiawan").await;
    let response = world.get("sinta", &format!("/cdp/customers/{id}")).await;
    assert_eq!((response.status, response.error()), (403, "FORBIDDEN"));
    assert_eq!(response.body["message"], "out of your team scope");
}

#[tokio::test]
async fn the_owner_and_the_assignee_can_read_a_contact_of_any_team() {
    let world = World::with_flags().await;
    let assigned = id_of(&world, "Made Wirawan").await;
    let response = world.get("putri", &format!("/cdp/customers/{assigned}")).await;
    assert_eq!(response.status, 200);
    assert_eq!(response.data()["assignee_id"], person("putri").as_str());
    let unowned = id_of(&world, "Puspa Dewi").await;
    assert_eq!(world.get("agus", &format!("/cdp/customers/{unowned}")).await.status, 200);
}

#[tokio::test]
async fn a_contact_of_another_company_and_an_invalid_id_are_404() {
    let world = World::with_flags().await;
    let id = id_of(&world, "Johan Setiawan").await;
    for (user, id) in [
        ("claire", id.as_str()),
        ("maya", "0190d1a2-7c3b-7abc-8def-0123456789ab"),
        ("maya", "nonsense"),
        ("maya", "%00"),
    ] {
        let response = world.get(user, &format!("/cdp/customers/{id}")).await;
        assert_eq!((response.status, response.error()), (404, "NOT_FOUND"), "{user} {id}");
    }
}

#[tokio::test]
async fn only_own_contacts_can_be_read_when_launchpad_fails() {
    let world = World::with_flags().await;
    let team = id_of(&world, "Gita Savitri").await;
    let own = id_of(&world, "Citra Anggraini").await;
    world.fault(&serde_json::json!({ "target": "launchpad.teams", "status": 503 }));
    let response = world.get("hendra", &format!("/cdp/customers/{team}")).await;
    assert_eq!(response.status, 403);
    let response = world.get("sinta", &format!("/cdp/customers/{own}")).await;
    assert_eq!(response.status, 200);
    assert_eq!(response.headers["x-team-permission-fallback"], "owned-only");
}

#[tokio::test]
async fn a_read_from_a_throttled_table_is_429_or_503_and_never_500() {
    let world = World::with_flags().await;
    let id = id_of(&world, "Johan Setiawan").await;
    world.fault(&serde_json::json!({ "target": "dynamodb", "kind": "throttle" }));
    let response = world.get("maya", &format!("/cdp/customers/{id}")).await;
    assert_eq!((response.status, response.error()), (429, "THROTTLED"));
    assert!(response.headers.contains_key("retry-after"));
}
