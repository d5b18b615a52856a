//! Tests of which files a backfill accepts, and which errors it returns for other files.

use serde_json::{Value, json};
use tests::{World, team};

use super::backfill::{
    LEGACY_TEAMS, PEOPLE, TEAMS, company, contacts, owners, people, put, request, run, start,
};

#[tokio::test]
async fn an_unusable_file_is_refused_and_no_run_starts() {
    let world = World::with_flags().await;
    contacts(&world, 1).await;
    let people = people([(1, "1")]);
    type File<'a> = Option<&'a [u8]>;
    let cases: [(&str, File<'_>, File<'_>, &str); 9] = [
        ("no people file", None, Some(LEGACY_TEAMS.as_bytes()), "people_key"),
        ("no teams file", Some(people.as_bytes()), None, "teams_key"),
        ("an empty file", Some(b""), Some(LEGACY_TEAMS.as_bytes()), "people_key"),
        ("no rows", Some(b"id,crm_team_hierarchy_id\n\n"), None, "people_key"),
        ("no team column", Some(b"id,name\n1,x\n"), None, "people_key"),
        ("no id column", Some(b"crm_team_hierarchy_id\n1\n"), None, "people_key"),
        ("another encoding", Some(b"\xff\xfei\0d\0,\0c\0"), None, "people_key"),
        ("no team rows", Some(people.as_bytes()), Some(b"id,name\r\n"), "teams_key"),
        ("no team names", Some(people.as_bytes()), Some(b"id,title\n1,Sales\n"), "teams_key"),
    ];
    for (case, people, teams, field) in cases {
        let event = {
            let mut event = request("apply");
            for (name, file, content) in [
                ("people_key", format!("{case}/p.csv"), people),
                ("teams_key", format!("{case}/t.csv"), teams),
            ] {
                if let Some(content) = content {
                    put(&world, &file, content).await;
                }
                event[name] = json!(format!("private/backfill/{}/{file}", company("kopi")));
            }
            event
        };
        let response = world.invoke("TeamBackfill", event).await;
        assert_eq!(response["error"], "INVALID_REQUEST", "{case}: {response}");
        assert_eq!(response["details"]["field"], field, "{case}: {response}");
    }
    put(&world, TEAMS, LEGACY_TEAMS).await;
    put(&world, PEOPLE, people).await;
    assert_eq!(start(&world, "apply").await["state"], "completed");
}

#[tokio::test]
async fn a_bad_row_is_reported_by_its_number_and_does_not_stop_the_other_rows() {
    let world = World::with_flags().await;
    let ids = contacts(&world, 4).await;
    put(&world, TEAMS, LEGACY_TEAMS).await;
    let mut file = b"id,crm_team_hierarchy_id\nP-1,1\nP-2\n\n,1\n\xffP-2,1\n".to_vec();
    file.extend(format!("P-2,{}\n", "1,".repeat(1024 * 1024)).bytes());
    file.extend(format!("\"{}\",1\n", "x\n\"\"".repeat(600 * 1024)).bytes());
    let many: Vec<String> = (100..300).map(|n| n.to_string()).collect();
    file.extend(format!("P-3,{}\n", many.join(";")).bytes());
    file.extend(format!("{},1\nP-4,2\nP-9,1", "y".repeat(3000)).bytes());
    put(&world, PEOPLE, file).await;
    let report = run(&world, "apply").await;
    let errors: Vec<(u64, &str)> = report["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["row"].as_u64().unwrap(), error["code"].as_str().unwrap()))
        .collect();
    let expected = [
        (3, "MALFORMED_ROW"),
        (4, "MALFORMED_ROW"),
        (5, "MALFORMED_ROW"),
        (6, "ROW_TOO_LONG"),
        (7, "ROW_TOO_LONG"),
        (8, "TOO_MANY_TEAMS"),
        (9, "NO_SUCH_CONTACT"),
        (11, "NO_SUCH_CONTACT"),
    ];
    assert_eq!(errors, expected, "{report}");
    let totals = &report["totals"];
    assert_eq!((&totals["rows"], &totals["errors"]), (&json!(10), &json!(8)));
    assert_eq!((&totals["written"], &totals["duplicates"]), (&json!(2), &json!(0)));
    let expected = [json!([team("Sales")]), json!([]), json!([]), json!([team("Jakarta SMB")])];
    assert_eq!(owners(&world, &ids).await, expected);
}

#[tokio::test]
async fn files_can_have_other_delimiters_byte_order_marks_and_header_spellings() {
    for file in [
        "\u{feff}External ID;CRM Team Hierarchy ID\r\nP-1;\"[1, 2]\"\r\nP-2;3\r\n",
        "crm_team_ids\tname\tid\n{1|2}\t\"a\nb\"\tP-1\n\"3.0\"\tc\tP-2\n",
        "\"id\",\"crm_team_hierarchy_id\"\r\"P-1\",\"1;2;1\"\r\" P-2 \",\" 3 \"",
    ] {
        let world = World::with_flags().await;
        let ids = contacts(&world, 2).await;
        put(&world, TEAMS, format!("\u{feff}{LEGACY_TEAMS}")).await;
        put(&world, PEOPLE, file).await;
        run(&world, "apply").await;
        let both = json!([team("Sales"), team("Jakarta SMB")]);
        assert_eq!(owners(&world, &ids).await, [both, json!([team("Bandung")])], "{file}");
    }
}

#[tokio::test]
async fn the_last_of_several_rows_for_one_person_counts() {
    let world = World::with_flags().await;
    let ids = contacts(&world, 60).await;
    put(&world, TEAMS, LEGACY_TEAMS).await;
    let rows = [(1, "1"), (1, "2")].into_iter().chain((2..=60).map(|n| (n, "1"))).chain([(2, "3")]);
    put(&world, PEOPLE, people(rows)).await;
    let report = run(&world, "apply").await;
    let totals = &report["totals"];
    assert_eq!((&totals["rows"], &totals["duplicates"]), (&json!(62), &json!(1)), "{report}");
    let expected = [json!([team("Jakarta SMB")]), json!([team("Bandung")])];
    assert_eq!(owners(&world, &ids[..2]).await, expected);
}

#[tokio::test]
async fn keys_outside_the_backfill_folder_of_the_company_are_refused() {
    let world = World::with_flags().await;
    let mut other = request("apply");
    other["people_key"] = json!(format!("private/backfill/{}/p.csv", company("meridian")));
    let mut exports = request("dry_run");
    exports["teams_key"] = json!("private/exports/x/y.csv");
    for (event, field) in [(other, "people_key"), (exports, "teams_key")] {
        let response: Value = world.invoke("TeamBackfill", event).await;
        assert_eq!(response["error"], "INVALID_REQUEST", "{response}");
        assert_eq!(response["details"]["field"], field, "{response}");
    }
}

#[tokio::test]
async fn a_file_larger_than_the_read_window_is_read_row_by_row() {
    let world = World::with_flags().await;
    let ids = contacts(&world, 3).await;
    put(&world, TEAMS, LEGACY_TEAMS).await;
    // The rows have 40 KB, so a read window ends within a row. One field contains line breaks in
    // quotes.
    let filler = "line\r\n".repeat(7000);
    let mut file = "id,notes,crm_team_hierarchy_id\r\n".to_owned();
    for n in 0..70 {
        file.push_str(&format!("P-{},\"{filler}\",{}\r\n", n + 1, n % 3 + 1));
    }
    put(&world, PEOPLE, file).await;
    let report = run(&world, "apply").await;
    let totals = &report["totals"];
    assert_eq!((&totals["rows"], &totals["written"]), (&json!(70), &json!(3)), "{report}");
    let expected = ["Sales", "Jakarta SMB", "Bandung"].map(|name| json!([team(name)]));
    assert_eq!(owners(&world, &ids).await, expected);
}
