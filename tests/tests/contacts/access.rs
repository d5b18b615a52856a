use http::Method;
use serde_json::{Value, json};
use tests::{Response, World, person, team};

async fn create(world: &World, body: Value) -> String {
    let response = world.post("maya", "/cdp/customers", &body).await;
    assert_eq!(response.status, 201, "{response:?}");
    response.data()["id"].as_str().unwrap().to_owned()
}

async fn explain(world: &World, caller: &str, id: &str, about: &str) -> Response {
    world.get(caller, &format!("/cdp/customers/{id}/access?user={}", person(about))).await
}

fn decision<'a>(response: &'a Response, permission: &str) -> &'a Value {
    let permissions = response.data()["permissions"].as_array().unwrap();
    permissions.iter().find(|entry| entry["permission"] == permission).unwrap()
}

const VIEW: &str = "customers_customers_view";

#[tokio::test]
async fn the_explanation_names_the_deciding_rule_and_the_matching_teams() {
    let world = World::with_flags().await;
    let body = |teams: Value, owner: Value, assignee: Value| json!({ "name": "A", "owner_id": owner, "assignee_id": assignee, "team_owner_ids": teams });
    let sales = create(&world, body(json!([team("Sales")]), json!(null), json!(null))).await;
    let unassigned = create(&world, body(json!([]), json!(person("andre")), json!(null))).await;
    let owned =
        create(&world, body(json!([team("Sales")]), json!(person("sinta")), json!(null))).await;
    let assigned =
        create(&world, body(json!([team("Sales")]), json!(null), json!(person("andre")))).await;
    for (id, about, rule, allowed) in [
        (&sales, "maya", "everything", true),
        (&sales, "hendra", "team", true),
        (&sales, "sinta", "out_of_scope", false),
        (&sales, "andre", "out_of_scope", false),
        (&sales, "yuki", "disabled", false),
        (&unassigned, "sinta", "unassigned", true),
        (&unassigned, "putri", "unassigned", true),
        (&unassigned, "andre", "owner", true),
        (&owned, "sinta", "owner", true),
        (&assigned, "andre", "assignee", true),
    ] {
        let response = explain(&world, "maya", id, about).await;
        assert_eq!(response.status, 200, "{response:?}");
        for permission in [VIEW, "customers_customers_manage", "customers_customers_searchassoc"] {
            let explained = decision(&response, permission);
            assert_eq!(
                (&explained["rule"], &explained["allowed"]),
                (&json!(rule), &json!(allowed)),
                "{about}"
            );
        }
        // The explanation gives the same result as a read by that person.
        let seen = world.get(about, &format!("/cdp/customers/{id}")).await;
        assert_eq!(seen.status == 200, allowed, "{about}");
    }
    let explained = explain(&world, "maya", &sales, "hendra").await;
    let matched = json!([{ "id": team("Sales"), "name": "Sales" }]);
    assert_eq!(decision(&explained, VIEW)["matched_teams"], matched);
    assert_eq!(explained.data()["team_flag_counts"], true);
}

#[tokio::test]
async fn the_explanation_also_names_matching_child_teams() {
    let world = World::with_flags().await;
    let list = world.get("maya", "/cdp/customers?limit=100").await;
    let contacts = list.data().as_array().unwrap();
    let child_team_contact =
        contacts.iter().find(|contact| contact["name"] == "Citra Anggraini").unwrap();
    let response =
        explain(&world, "maya", child_team_contact["id"].as_str().unwrap(), "budi").await;
    let explained = decision(&response, VIEW);
    assert_eq!((&explained["rule"], &explained["level"]), (&json!("team"), &json!("team")));
    let matched = json!([{ "id": team("Jakarta SMB"), "name": "Jakarta SMB" }]);
    assert_eq!(explained["matched_teams"], matched);
}

#[tokio::test]
async fn notes_are_explained_with_their_own_rules() {
    let world = World::with_flags().await;
    let body = json!({ "name": "A", "owner_id": null, "team_owner_ids": [team("Sales")] });
    let id = create(&world, body).await;
    let rules = |response: &Response| -> Vec<String> {
        ["view", "add", "manage", "delete"]
            .map(|action| {
                let explained = decision(response, &format!("customers_customernotes_{action}"));
                explained["rule"].as_str().unwrap().to_owned()
            })
            .to_vec()
    };
    assert_eq!(rules(&explain(&world, "maya", &id, "hendra").await), ["team"; 4]);
    assert_eq!(rules(&explain(&world, "maya", &id, "maya").await), ["everything"; 4]);
    assert_eq!(rules(&explain(&world, "maya", &id, "sinta").await), ["parent_out_of_scope"; 4]);
    assert_eq!(rules(&explain(&world, "maya", &id, "yuki").await), ["disabled"; 4]);
    let path = format!("/cdp/customers/{id}");
    let owner = json!({ "owner_id": person("andre") });
    assert_eq!(world.call("maya", Method::PATCH, &path, Some(&owner)).await.status, 200);
    // Level `own` gives no access to the notes of other users, even on the viewer's own contact.
    let expected = ["owner", "owner", "note_owner", "note_owner"];
    assert_eq!(rules(&explain(&world, "maya", &id, "andre").await), expected);
    world.flags(false, false).await;
    let expected = ["team_flag_off", "team_flag_off", "note_owner", "note_owner"];
    assert_eq!(rules(&explain(&world, "maya", &id, "sinta").await), expected);
}

#[tokio::test]
async fn the_explanation_shows_the_flag_and_a_launchpad_failure() {
    let world = World::with_flags().await;
    let body =
        json!({ "name": "A", "owner_id": person("lars"), "team_owner_ids": [team("Sales")] });
    let id = create(&world, body).await;
    world.fault(&json!({ "target": "launchpad.teams", "status": 500 }));
    for (about, rule) in [("lars", "fallback_owner"), ("hendra", "fallback_out_of_scope")] {
        let response = explain(&world, "maya", &id, about).await;
        let explained = decision(&response, VIEW);
        assert_eq!(
            (&explained["rule"], &explained["narrowed"]),
            (&json!(rule), &json!(true)),
            "{about}"
        );
    }
    world.flags(false, false).await;
    let response = explain(&world, "maya", &id, "hendra").await;
    assert_eq!(decision(&response, VIEW)["rule"], "team_flag_off");
    assert_eq!(response.data()["team_flag_counts"], false);
    assert_eq!(decision(&response, VIEW)["narrowed"], false);
}

#[tokio::test]
async fn only_viewers_at_level_everything_can_request_an_explanation() {
    let world = World::with_flags().await;
    let id = create(&world, json!({ "name": "A" })).await;
    for caller in ["hendra", "andre", "yuki"] {
        let response = explain(&world, caller, &id, "sinta").await;
        assert_eq!((response.status, response.error()), (403, "FORBIDDEN"), "{caller}");
    }
}

#[tokio::test]
async fn an_explanation_for_a_person_or_contact_of_another_company_is_404() {
    let world = World::with_flags().await;
    let id = create(&world, json!({ "name": "A" })).await;
    for (caller, id, about) in [
        ("maya", id.as_str(), "claire"),
        ("maya", id.as_str(), "unknown"),
        ("claire", id.as_str(), "piet"),
        ("maya", "0190d1a2-7c3b-7abc-8def-0123456789ab", "sinta"),
        ("maya", "nonsense", "sinta"),
    ] {
        let response = explain(&world, caller, id, about).await;
        assert_eq!((response.status, response.error()), (404, "NOT_FOUND"), "{caller} {about}");
    }
    for (query, field) in [
        ("", "user"),
        ("user=x", "user"),
        ("user=", "user"),
        (&format!("user={0}&user={0}", person("sinta")), "user"),
        (&format!("user={}&x=1", person("sinta")), "x"),
    ] {
        let response = world.get("maya", &format!("/cdp/customers/{id}/access?{query}")).await;
        assert_eq!((response.status, response.error()), (400, "INVALID_REQUEST"), "{query}");
        assert_eq!(response.body["details"]["field"], field, "{query}");
    }
}
