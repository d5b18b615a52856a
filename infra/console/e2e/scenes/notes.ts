import type { Locator, Page } from "playwright-core";
import { expect } from "vitest";
import type { components } from "@generated/api";
import { createCompany, local, visit, type Company, type TestPerson } from "../harness";

export type Note = components["schemas"]["Note"];

type Plan = Parameters<typeof createCompany>[0];

export interface NoteScene extends Company {
  contactId: string;
  sinta: TestPerson;
  budi: TestPerson;
}

/** A company with two people and a contact. */
export async function createNoteScene(plan: Partial<Plan> = {}): Promise<NoteScene> {
  const company = await createCompany({ ...plan, people: { "Sinta Maharani": {}, "Budi Hartono": { staffLevel: "Supervisor" }, ...plan.people } });
  const sinta = company.people["Sinta Maharani"]!;
  const { data } = await sinta.api.POST("/cdp/customers", { body: { name: "Citra Anggraini" } });
  return { ...company, contactId: data!.data.id, sinta, budi: company.people["Budi Hartono"]! };
}

/** The API's form of a mention. */
export const mention = ({ id, name }: { id: string; name: string }) => `<a data-user-id="${id}" data-mention="true">@${name}</a>`;

/** Stores a note with the API. */
export async function storeNote({ contactId }: { contactId: string }, author: TestPerson, html: string, more: Partial<Note> = {}): Promise<Note> {
  const { data, error } = await author.api.POST("/v1/contacts/{contact_id}/notes", {
    params: { path: { contact_id: contactId } },
    body: { note: html, ...more } as never,
  });
  if (!data) throw new Error(JSON.stringify(error));
  return data.data;
}

/** The stored notes of the contact, the newest first. */
export async function storedNotes({ contactId, sinta }: NoteScene): Promise<Note[]> {
  const { data } = await sinta.api.GET("/v1/contacts/{contact_id}/notes", { params: { path: { contact_id: contactId }, query: { limit: 100 } } });
  return data!.data;
}

/** Opens the contact as a person. */
export const openContact = (scene: NoteScene, person = scene.sinta, options = {}) => visit(person, `/customers/${scene.contactId}`, options);

export const textOf = (page: Page): Locator => page.getByRole("textbox", { name: "Text of the note" });

/** Waits until what the user types goes into the text. */
export const hasCursor = (page: Page): Promise<void> => textOf(page).and(page.locator(":focus")).waitFor();

/** Opens the editor of a new note. */
export async function startNote(page: Page): Promise<Locator> {
  await page.getByRole("button", { name: "Write a note" }).click();
  await hasCursor(page);
  return textOf(page);
}

/** Opens the editor of the only note that is shown. */
export async function editNote(page: Page): Promise<void> {
  await page.getByRole("button", { name: /^Actions for/ }).click();
  await page.getByRole("menuitem", { name: "Edit" }).click();
  await hasCursor(page);
}

/** Saves the note, and waits until the list shows it. */
export async function saveNote(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Save note" }).click();
  await textOf(page).waitFor({ state: "detached" });
}

/** The text of a shown note as the server stored it, without what the page adds for the keyboard. */
export async function shownNote(note: Locator): Promise<string> {
  return note.locator(".note-text").evaluate((element) => {
    const copy = element.cloneNode(true) as HTMLElement;
    for (const chip of copy.querySelectorAll("a[data-user-id]")) {
      for (const name of ["tabindex", "role", "aria-describedby"]) chip.removeAttribute(name);
    }
    for (const box of copy.querySelectorAll("input")) {
      for (const name of ["tabindex", "aria-label", "aria-readonly"]) box.removeAttribute(name);
    }
    return copy.innerHTML;
  });
}

export const noteBy = (page: Page, name: string): Locator => page.getByRole("article", { name: `Note by ${name}` });

/** Marks a person as inactive in the directory. */
export const deactivate = ({ id: company }: NoteScene, { id, name, email }: TestPerson) =>
  local("POST", "directory", {
    people: [{ sso_id: id, company_sso_id: company, full_name: name, email, status: "inactive", staff_level: "Agent", team_ids: [], levels: {} }],
  });

/** Checks the stored HTML of the newest note. */
export async function expectStored(scene: NoteScene, html: string): Promise<Note> {
  const [note] = await storedNotes(scene);
  expect(note?.note).toBe(html);
  return note!;
}

/** The addresses to which the notifications of a person lead. */
export async function notificationsOf({ id }: TestPerson): Promise<string[]> {
  const { data } = (await local("GET", "notifications")) as { data: { body: { sso_id: string; click_action_url: string } }[] };
  return data.filter(({ body }) => body.sso_id === id).map(({ body }) => body.click_action_url);
}
