//! What the sample events and the documented examples are about: by the ids that they name stand
//! here records that were made for the test.

use local::demo_company;
use serde_json::{Value, json};
use tests::{PUBLIC_URL, World, person};

const CONTACT: &str = "019b8be1-f500-7a8a-b49f-1af85278bb50";
const NOTE: &str = "019b8be1-f9e8-7c11-9f00-6f4c1d2a7b31";
const EXPORT: &str = "019aa52c-2c00-7000-8000-000000000001";
const LAYOUT: &str = "0190d1a2-7c3b-7abc-8def-0123456789ab";
const TOKEN: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A world with a note that mentions somebody, a layout and an export, and how they are called.
pub(crate) struct Scene {
    pub(crate) world: World,
    names: Vec<(&'static str, String)>,
}

impl Scene {
    /// What was asked for just now: nobody is notified yet, and no file is made.
    pub(crate) async fn asked() -> Self {
        let world = World::with_flags().await;
        put_files(&world).await;
        let mention = format!(r#"<a data-user-id="{}" data-mention="true">@</a>"#, person("budi"));
        let note = json!({ "note": format!("<p>Asked for a quote. {mention}</p>") });
        let note = made(&world, "sinta", &format!("/v1/contacts/{CONTACT}/notes"), &note).await;
        let layout = json!({ "name": "Leads", "fields": [{ "field": "name" }] });
        let layout = made(&world, "budi", "/cdp/export-layouts", &layout).await;
        let export =
            json!({ "format": "csv", "selection": { "filter": {} }, "fields": ["name", "phones"] });
        let export = made(&world, "budi", "/cdp/exports", &export).await;
        Self { world, names: vec![(NOTE, note), (LAYOUT, layout), (EXPORT, export)] }
    }

    /// The same after the queues were worked off: the file can be had.
    pub(crate) async fn done() -> Self {
        let mut scene = Self::asked().await;
        scene.world.work().await;
        let mails = scene.world.aws.mailbox().list();
        let text = mails.first().and_then(|mail| mail.text.clone()).expect("a mail");
        let (_, link) = text.split_once(&format!("{PUBLIC_URL}/d/")).expect("a link");
        let token = link.split_whitespace().next().expect("a token");
        scene.names.push((TOKEN, token.to_owned()));
        scene
    }

    /// A text with the ids of this world.
    pub(crate) fn named(&self, text: &str) -> String {
        let of_world = |text: String, (name, id): &(&str, String)| text.replace(name, id);
        self.names.iter().fold(text.to_owned(), of_world)
    }

    /// An event with the ids of this world.
    pub(crate) fn event(&self, event: &Value) -> Value {
        serde_json::from_str(&self.named(&event.to_string())).expect("an event")
    }

    /// The export as its owner sees it.
    pub(crate) async fn export(&self) -> Value {
        let path = self.named(&format!("/cdp/exports/{EXPORT}"));
        self.world.get("budi", &path).await.data().clone()
    }
}

/// A scene for one request after another: reads share one, and after a write it is made anew.
#[derive(Default)]
pub(crate) struct Scenes(Option<Scene>);

impl Scenes {
    pub(crate) async fn unchanged(&mut self) -> &Scene {
        match &mut self.0 {
            Some(scene) => scene,
            none => none.insert(Scene::done().await),
        }
    }

    /// Leaves a scene behind in which a request of this method may have changed something.
    pub(crate) fn after(&mut self, method: &str) {
        if method != "GET" {
            self.0 = None;
        }
    }
}

async fn made(world: &World, user: &str, path: &str, body: &Value) -> String {
    let answer = world.post(user, path, body).await;
    assert!(answer.status < 300, "{path}: {}", answer.body);
    answer.data()["id"].as_str().expect("an id").to_owned()
}

/// The files that the samples name.
async fn put_files(world: &World) {
    let files = world.files().await;
    let folder = format!("private/backfill/{}", demo_company::id("company", "kopi"));
    let people = "id,crm_team_hierarchy_id\n1,1\n";
    for (name, content) in [("people", people), ("teams", "id,name\n1,Sales\n")] {
        let put = files.client().put_object().bucket(files.bucket());
        let put = put.key(format!("{folder}/{name}.csv")).body(content.as_bytes().to_vec().into());
        put.send().await.expect("the bucket");
    }
}
