//! Records for the sample events and the documented examples. Samples and examples contain fixed
//! ids, and the tests replace each fixed id with the id of a record that the test created.

use local::demo_company;
use serde_json::{Value, json};
use tests::{PUBLIC_URL, World, person};

const CONTACT: &str = "019b8be1-f500-7a8a-b49f-1af85278bb50";
const NOTE: &str = "019b8be1-f9e8-7c11-9f00-6f4c1d2a7b31";
const EXPORT: &str = "019aa52c-2c00-7000-8000-000000000001";
const LAYOUT: &str = "0190d1a2-7c3b-7abc-8def-0123456789ab";
const TOKEN: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A world with a note that mentions a person, a layout and an export. `names` maps the fixed ids
/// to the ids of the records in this world.
pub(crate) struct Scene {
    pub(crate) world: World,
    names: Vec<(&'static str, String)>,
}

impl Scene {
    /// Creates the records without processing the queues: no notification is sent and no file
    /// exists.
    pub(crate) async fn requested() -> Self {
        let world = World::with_flags().await;
        put_files(&world).await;
        let mention = format!(r#"<a data-user-id="{}" data-mention="true">@</a>"#, person("budi"));
        let note = json!({ "note": format!("<p>Asked for a quote. {mention}</p>") });
        let note = create(&world, "sinta", &format!("/v1/contacts/{CONTACT}/notes"), &note).await;
        let layout = json!({ "name": "Leads", "fields": [{ "field": "name" }] });
        let layout = create(&world, "budi", "/cdp/export-layouts", &layout).await;
        let export =
            json!({ "format": "csv", "selection": { "filter": {} }, "fields": ["name", "phones"] });
        let export = create(&world, "budi", "/cdp/exports", &export).await;
        Self { world, names: vec![(NOTE, note), (LAYOUT, layout), (EXPORT, export)] }
    }

    /// Creates the records and processes the queues: the export's file can be downloaded.
    pub(crate) async fn completed() -> Self {
        let mut scene = Self::requested().await;
        scene.world.process_queues().await;
        let mails = scene.world.aws.mailbox().list();
        let text = mails.first().and_then(|mail| mail.text.clone()).expect("an email with a text");
        let (_, link) = text.split_once(&format!("{PUBLIC_URL}/d/")).expect("the email has a link");
        let token = link.split_whitespace().next().expect("the link has a token");
        scene.names.push((TOKEN, token.to_owned()));
        scene
    }

    /// Replaces the fixed ids in a text with the ids of this world.
    pub(crate) fn with_ids(&self, text: &str) -> String {
        let replace = |text: String, (name, id): &(&str, String)| text.replace(name, id);
        self.names.iter().fold(text.to_owned(), replace)
    }

    /// Replaces the fixed ids in an event with the ids of this world.
    pub(crate) fn event(&self, event: &Value) -> Value {
        serde_json::from_str(&self.with_ids(&event.to_string())).expect("the event is JSON")
    }

    /// The export as its owner receives it from the API.
    pub(crate) async fn export(&self) -> Value {
        let path = self.with_ids(&format!("/cdp/exports/{EXPORT}"));
        self.world.get("budi", &path).await.data().clone()
    }
}

/// Provides scenes for a series of requests. Requests that only read share a scene, and a new scene
/// is created after a write.
#[derive(Default)]
pub(crate) struct Scenes(Option<Scene>);

impl Scenes {
    pub(crate) async fn unchanged(&mut self) -> &Scene {
        match &mut self.0 {
            Some(scene) => scene,
            none => none.insert(Scene::completed().await),
        }
    }

    /// Drops the scene if a request with this method may have changed its records.
    pub(crate) fn after(&mut self, method: &str) {
        if method != "GET" {
            self.0 = None;
        }
    }
}

async fn create(world: &World, user: &str, path: &str, body: &Value) -> String {
    let response = world.post(user, path, body).await;
    assert!(response.status < 300, "{path}: {}", response.body);
    response.data()["id"].as_str().expect("the response has an id").to_owned()
}

/// Stores the files that the sample events name in the bucket.
async fn put_files(world: &World) {
    let files = world.files().await;
    let folder = format!("private/backfill/{}", demo_company::id("company", "kopi"));
    let people = "id,crm_team_hierarchy_id\n1,1\n";
    for (name, content) in [("people", people), ("teams", "id,name\n1,Sales\n")] {
        let put = files.client().put_object().bucket(files.bucket());
        let put = put.key(format!("{folder}/{name}.csv")).body(content.as_bytes().to_vec().into());
        put.send().await.expect("the file is stored");
    }
}
