//! Notes.

use http::Method;
use serde_json::json;
use shared::{contact::Contact, note::Note};

use super::{
    ViewerCheck,
    company::public_note,
    rule::{ADD, DELETE, UPDATE, VIEW},
};

impl ViewerCheck<'_> {
    /// Lists, reads and writes each contact's notes.
    pub(super) async fn notes(&mut self) {
        for contact in self.company.contacts.clone() {
            self.list_notes(&contact).await;
            let about = |note: &&Note| note.contact_id == contact.id;
            let notes: Vec<Note> = self.company.notes.iter().filter(about).cloned().collect();
            for note in notes {
                self.one_note(&contact, &note).await;
            }
        }
        let index = self.index % self.company.contacts.len();
        let contact = self.company.contacts[index].clone();
        self.add_note(&contact).await;
    }

    async fn list_notes(&mut self, contact: &Contact) {
        let path = format!("/v1/contacts/{}/notes?limit=100", contact.id);
        let response = self.get(&path).await;
        let (company, viewer) = (&self.company, self.viewer());
        let expected =
            self.status(VIEW, contact, company.can_access_notes(viewer, VIEW, contact), 200);
        assert_eq!(response.status, expected, "{}", self.about(&path));
        if expected != 200 {
            return;
        }
        let mut notes: Vec<&Note> = company.notes.iter().collect();
        notes.retain(|one| one.contact_id == contact.id && company.may(viewer, VIEW, one, contact));
        notes.sort_by_key(|note| std::cmp::Reverse(note.id.to_string()));
        let expected: Vec<String> = notes.iter().map(|note| note.id.to_string()).collect();
        assert_eq!(response.ids(), expected, "{}", self.about(&path));
        for (record, note) in response.data().as_array().unwrap().iter().zip(notes) {
            let may = json!({
                "update": company.may(viewer, UPDATE, note, contact),
                "delete": company.may(viewer, DELETE, note, contact),
            });
            assert_eq!(record["permission"], may, "{}", self.about(&path));
        }
    }

    async fn one_note(&mut self, contact: &Contact, note: &Note) {
        let path = format!("/v1/contacts/{}/notes/{}", contact.id, note.id);
        let body = json!({ "note": note.note });
        let steps = [(VIEW, Method::GET, None), (UPDATE, Method::PUT, Some(body))];
        for (action, method, body) in steps {
            let response = self.call(method, &path, body).await;
            let may = self.company.may(self.viewer(), action, note, contact);
            let expected = self.status(action, contact, may, 200);
            assert_eq!(response.status, expected, "{}", self.about(&format!("{action} {path}")));
        }
    }

    async fn add_note(&mut self, contact: &Contact) {
        let path = format!("/v1/contacts/{}/notes", contact.id);
        let response = self.call(Method::POST, &path, Some(json!({ "note": "<p>New.</p>" }))).await;
        let may = self.company.can_access_notes(self.viewer(), ADD, contact);
        let expected = self.status(ADD, contact, may, 201);
        assert_eq!(response.status, expected, "{}", self.about(&format!("{ADD} {path}")));
        if expected == 201 {
            let id = response.data()["id"].as_str().unwrap().parse().unwrap();
            let note = public_note(id, contact, self.viewer().id);
            self.company.notes.push(note);
        }
    }

    /// The HTTP status that the rule requires. A deleted contact gives 404, unless the viewer's
    /// level is disabled.
    fn status(&self, action: &str, contact: &Contact, may: bool, success: u16) -> u16 {
        let disabled = self.company.level(self.viewer(), action) == "disabled";
        match contact.deleted_at {
            Some(_) if !disabled => 404,
            None if may => success,
            _ => 403,
        }
    }
}
