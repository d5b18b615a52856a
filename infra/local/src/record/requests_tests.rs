use super::super::cost::InvocationCost;
use super::*;

const START: &str = "2026-11-21T08:00:00Z";

fn receive(requests: &Requests, id: &str) {
    requests.receive(ReceivedRequest {
        id: id.to_owned(),
        method: "GET".to_owned(),
        path: format!("/{id}?limit=1"),
        started_at: START.parse().unwrap(),
    });
}

fn answered(requests: &Requests, id: &str) {
    receive(requests, id);
    requests.answer(id, 200, Duration::from_millis(20));
}

fn invocation(function: &str, by_message: bool) -> CausedInvocation {
    let mut calls = ActionCosts::default();
    calls.add("dynamodb.Query", InvocationCost { calls: 2, read_units: 3.0, write_units: 0.0 });
    calls.add("sqs.SendMessage", InvocationCost { calls: 1, ..Default::default() });
    CausedInvocation {
        function: function.to_owned(),
        by_message,
        status: "ok".to_owned(),
        started_at: START.parse().unwrap(),
        init: (!by_message).then_some(Duration::from_millis(10)),
        duration: Duration::from_micros(1_500),
        memory_mib: 512,
        calls,
    }
}

/// The paths of listed requests, without their query.
fn paths(listed: &[Value]) -> Vec<&str> {
    let paths = listed.iter().filter_map(|request| request["path"].as_str());
    paths.map(|path| path.trim_end_matches("?limit=1")).collect()
}

#[test]
fn a_request_is_listed_with_its_invocations_and_their_cost() {
    let requests = Requests::new();
    answered(&requests, "a");
    requests.sign_in("a", "maya");
    requests.add_invocation(["a"].into_iter(), &invocation("NoteWrite", false));
    requests.add_invocation(["a"].into_iter(), &invocation("MentionNotify", true));
    insta::assert_json_snapshot!(requests.list(None, 10));
}

#[test]
fn requests_are_listed_newest_first_once_they_have_an_answer() {
    let requests = Requests::new();
    answered(&requests, "a");
    receive(&requests, "waiting");
    answered(&requests, "b");
    assert_eq!(paths(&requests.list(None, 10)), ["/b", "/a"]);
    assert_eq!(paths(&requests.list(None, 1)), ["/b"]);
    requests.answer("waiting", 503, Duration::from_secs(30));
    assert_eq!(paths(&requests.list(None, 10)), ["/b", "/waiting", "/a"]);
}

#[test]
fn a_person_has_only_their_own_requests() {
    let requests = Requests::new();
    for (id, person) in [("a", "maya"), ("b", "sinta"), ("c", "maya")] {
        answered(&requests, id);
        requests.sign_in(id, person);
    }
    answered(&requests, "anonymous");
    assert_eq!(paths(&requests.list(Some("maya"), 10)), ["/c", "/a"]);
    assert_eq!(requests.list(None, 10).len(), 4);
    assert_eq!(requests.list(None, 10)[0]["sso_id"], Value::Null);
}

#[test]
fn an_invocation_of_a_batch_belongs_to_all_requests_that_caused_it() {
    let requests = Requests::new();
    answered(&requests, "a");
    answered(&requests, "b");
    requests.add_invocation(["a", "b", "unknown"].into_iter(), &invocation("MentionNotify", true));
    for request in requests.list(None, 10) {
        assert_eq!(request["invocations"].as_array().unwrap().len(), 1, "{request}");
    }
}

#[test]
fn invocations_are_listed_in_the_order_in_which_they_began() {
    let requests = Requests::new();
    answered(&requests, "a");
    let mut first = invocation("NoteWrite", false);
    first.started_at = "2026-11-21T07:59:59.999Z".parse().unwrap();
    for one in [invocation("MentionNotify", true), first] {
        requests.add_invocation(["a"].into_iter(), &one);
    }
    let listed = requests.list(None, 1);
    let names = [0, 1].map(|index| &listed[0]["invocations"][index]["function"]);
    assert_eq!(names, ["NoteWrite", "MentionNotify"]);
}

#[test]
fn only_the_last_requests_are_kept_and_all_can_be_removed() {
    let requests = Requests::new();
    for number in 0..=MAX_REQUESTS {
        answered(&requests, &number.to_string());
    }
    let listed = requests.list(None, usize::MAX);
    assert_eq!(listed.len(), MAX_REQUESTS);
    assert_eq!(paths(&listed).last(), Some(&"/1"));
    requests.clear();
    requests.answer("1", 200, Duration::ZERO);
    assert!(requests.list(None, 10).is_empty());
}
