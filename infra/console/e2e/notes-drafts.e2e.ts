import { expect, test } from "vitest";
import { choosePerson, clearFaults, expectAccessible, fault, tokenLifetime } from "./harness";
import { createNoteScene, editNote, expectStored, hasCursor, mention, noteBy, notificationsOf, openContact, saveNote, startNote, storedNotes, storeNote, textOf } from "./scenes/notes";

/** The second at which the token of the page expires. */
const expiry = (page: Awaited<ReturnType<typeof openContact>>) =>
  page.evaluate(() => {
    const key = Object.keys(sessionStorage).find((name) => name.startsWith("oidc.user:"))!;
    return (JSON.parse(sessionStorage.getItem(key)!) as { expires_at: number }).expires_at;
  });

test("Drafts: the sign-in expires in the middle of a note; after signing in again the note is saved as it was typed", async () => {
  const scene = await createNoteScene();
  try {
    await tokenLifetime(6);
    const page = await openContact(scene);
    await startNote(page);
    await page.keyboard.type("Typed before the session ended, ");
    const end = await expiry(page);
    await tokenLifetime(3600);
    await expect.poll(() => Date.now() / 1000 > end, { timeout: 15_000 }).toBe(true);
    await page.keyboard.type("and after");
    await page.getByRole("button", { name: "Save note" }).click();
    const dialog = page.getByRole("dialog", { name: "Your session has ended" });
    await dialog.waitFor();
    await expectAccessible(page);
    const popup = page.waitForEvent("popup");
    await dialog.getByRole("button", { name: "Sign in again" }).click();
    await choosePerson(await popup, scene.sinta);
    await textOf(page).waitFor({ state: "detached" });
    await noteBy(page, "Sinta Maharani").getByText("Typed before the session ended, and after").waitFor();
    expect(await storedNotes(scene)).toHaveLength(1);
  } finally {
    await tokenLifetime(3600);
  }
});

test("Drafts: after a lost answer, saving again makes no second note, even if the text was changed meanwhile", async () => {
  const scene = await createNoteScene();
  const page = await openContact(scene);
  await startNote(page);
  await page.keyboard.type("First text");
  // The request arrives, its answer does not.
  let lost = false;
  await page.route("**/v1/contacts/*/notes", async (route) => {
    if (lost || route.request().method() !== "POST") return route.fallback();
    lost = true;
    await route.fetch();
    await route.abort("connectionreset");
  });
  await page.getByRole("button", { name: "Save note" }).click();
  await page.getByText("No connection, so the note is not saved yet.").waitFor();
  expect(await storedNotes(scene)).toHaveLength(1);
  await textOf(page).focus();
  await page.keyboard.press("End");
  await page.keyboard.type(", corrected");
  await saveNote(page);
  await expectStored(scene, "<p>First text, corrected</p>");
  expect(await storedNotes(scene)).toHaveLength(1);
});

test("Drafts: while a note is saved its text cannot be changed, and after a failure it can, where the user was", async () => {
  const scene = await createNoteScene();
  const page = await openContact(scene);
  let fail = () => {};
  const failed = new Promise<void>((resolve) => (fail = resolve));
  await page.route("**/v1/contacts/*/notes", async (route) => {
    if (route.request().method() !== "POST") return route.fallback();
    await failed;
    await route.abort("connectionreset");
  });
  const text = await startNote(page);
  await page.keyboard.type("Typed before");
  await page.keyboard.press("ControlOrMeta+Enter");
  await text.and(page.locator("[aria-readonly=true]")).waitFor();
  await page.keyboard.type(" and lost");
  await expectAccessible(page);
  expect(await text.innerText()).toBe("Typed before");
  fail();
  await page.getByText("No connection, so the note is not saved yet.").waitFor();
  await text.and(page.locator("[aria-readonly=false]")).waitFor();
  await hasCursor(page);
  await page.keyboard.type(" and after");
  await page.unroute("**/v1/contacts/*/notes");
  await saveNote(page);
  await expectStored(scene, "<p>Typed before and after</p>");
});

test("Drafts: typed text survives a lost connection and a reload, for this contact only", async () => {
  const scene = await createNoteScene();
  const { data } = await scene.sinta.api.POST("/cdp/customers", { body: { name: "Another contact" } });
  const page = await openContact(scene);
  await startNote(page);
  await page.keyboard.type("Do not lose me");
  await page.context().setOffline(true);
  await page.getByRole("button", { name: "Save note" }).click();
  await page.getByText("No connection, so the note is not saved yet.").waitFor();
  await page.context().setOffline(false);
  await page.goto(`/customers/${data!.data.id}`);
  await page.getByRole("button", { name: "Write a note" }).waitFor();
  await page.goto(`/customers/${scene.contactId}`);
  await textOf(page).getByText("Do not lose me").waitFor();
  await saveNote(page);
  await expectStored(scene, "<p>Do not lose me</p>");
  await page.reload();
  await noteBy(page, "Sinta Maharani").getByText("Do not lose me").waitFor();
  expect(await textOf(page).count()).toBe(0);
});

test("Drafts: a conflict loses no text, and another person's version is not overwritten without asking", async () => {
  const scene = await createNoteScene();
  const stored = await storeNote(scene, scene.sinta, "<p>Start</p>");
  const page = await openContact(scene);
  await editNote(page);
  await page.keyboard.type(" mine");
  await scene.budi.api.PUT("/v1/contacts/{contact_id}/notes/{id}", { params: { path: { contact_id: scene.contactId, id: stored.id } }, body: { note: "<p>Start theirs</p>" } });
  await page.getByRole("button", { name: "Save note" }).click();
  await page.getByText("Another person changed this note while you were editing it. Your text is kept here.").waitFor();
  await page.getByRole("button", { name: "Show their version" }).click();
  await page.getByRole("dialog").getByText("Start theirs").waitFor();
  await page.getByRole("button", { name: "Close" }).click();
  await page.getByRole("button", { name: "Save mine instead" }).click();
  await noteBy(page, "Sinta Maharani").and(page.locator(":focus")).waitFor();
  await expectStored(scene, "<p>Start mine</p>");

  // A conflict in the table.
  await startNote(page);
  await page.keyboard.type("Another");
  try {
    await fault({ target: "dynamodb", kind: "conflict" });
    await page.getByRole("button", { name: "Save note" }).click();
    await page.getByRole("alert").getByText("Your text is kept here", { exact: false }).or(page.getByRole("alert").getByText("temporarily unavailable", { exact: false })).waitFor();
  } finally {
    await clearFaults();
  }
  await saveNote(page);
  await expectStored(scene, "<p>Another</p>");
});

test("Notes: private and public, attachments by link, edit and delete", async () => {
  const scene = await createNoteScene();
  const page = await openContact(scene);
  await page.getByText("No notes yet").waitFor();
  await startNote(page);
  expect(await page.getByText("No notes yet").count()).toBe(0);
  await page.getByRole("button", { name: "Save note" }).click();
  await page.getByText("Write something, or attach a file.").waitFor();
  await textOf(page).focus();
  await page.keyboard.type("For me");
  await page.getByRole("button", { name: "Who can see this note: Everyone" }).click();
  await page.getByRole("menuitem", { name: "Only me" }).click();
  await page.getByRole("button", { name: "Attach a link" }).click();
  const dialog = page.getByRole("dialog", { name: "Attach a file by its link" });
  await dialog.getByRole("button", { name: "Attach" }).click();
  await dialog.getByText("Enter a link that starts with https://").waitFor();
  await dialog.getByLabel("Link", { exact: true }).fill("http://files.example.com/offer.pdf");
  await dialog.getByText("Enter a link that starts with https://").waitFor();
  await dialog.getByLabel("Link", { exact: true }).fill("https://files.example.com/Q4%20offer.pdf");
  expect(await dialog.getByLabel("File name").inputValue()).toBe("Q4 offer.pdf");
  await dialog.getByLabel("Size in MB").fill("1.5");
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Attach" }).click();
  await saveNote(page);
  await page.getByRole("button", { name: "Write a note" }).and(page.locator(":focus")).waitFor();
  const note = (await storedNotes(scene))[0]!;
  expect([note.visibility, note.attachments]).toEqual(["private", [{ name: "Q4 offer.pdf", content_type: "application/pdf", size: 1500000, url: "https://files.example.com/Q4%20offer.pdf" }]]);
  const shown = noteBy(page, "Sinta Maharani");
  await shown.getByText("Only me").waitFor();
  expect(await shown.getByRole("link", { name: "Q4 offer.pdf" }).getAttribute("href")).toBe("https://files.example.com/Q4%20offer.pdf");
  await shown.getByText("1.5 MB").waitFor();

  await page.getByRole("button", { name: /^Actions for/ }).click();
  await page.getByRole("menuitem", { name: "Delete" }).click();
  await page.getByRole("dialog", { name: "Delete this note?" }).getByRole("button", { name: "Delete" }).click();
  await page.getByText("No notes yet").waitFor();
  await page.getByRole("heading", { name: "Notes" }).and(page.locator(":focus")).waitFor();
  expect(await storedNotes(scene)).toEqual([]);
});

test("Notes: edit and delete are offered only as the note's permission allows, and only its owner may change who sees it", async () => {
  const scene = await createNoteScene({ people: { Andre: { levels: { customers_customernotes_manage: "own", customers_customernotes_delete: "disabled" } } } });
  const andre = scene.people["Andre"]!;
  await storeNote(scene, scene.sinta, "<p>Of Sinta</p>");
  await storeNote(scene, andre, "<p>Of Andre</p>");
  const page = await openContact(scene, andre);
  await noteBy(page, "Andre").getByRole("button", { name: /^Actions for/ }).click();
  expect(await page.getByRole("menuitem").allInnerTexts()).toEqual(["Edit"]);
  await page.keyboard.press("Escape");
  expect(await noteBy(page, "Sinta Maharani").getByRole("button", { name: /^Actions for/ }).count()).toBe(0);

  const other = await openContact(scene, scene.budi);
  await noteBy(other, "Andre").getByRole("button", { name: /^Actions for/ }).click();
  await other.getByRole("menuitem", { name: "Edit" }).click();
  await textOf(other).waitFor();
  expect(await other.getByRole("button", { name: /^Who can see this note/ }).count()).toBe(0);
});

test("Notes: the API's warnings are shown in words, with the names of people", async () => {
  const scene = await createNoteScene({ teams: ["Jakarta"], people: { "Yuki Tanaka": { level: "own" }, "Agus Wijaya": {} } });
  const page = await openContact(scene);
  const paste = (html: string) =>
    page.evaluate((text) => {
      const data = new DataTransfer();
      data.setData("text/html", text);
      document.querySelector(".ProseMirror")!.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
    }, html);

  await startNote(page);
  await page.keyboard.type("@yuki");
  await page.getByRole("option").first().waitFor();
  await page.keyboard.press("Enter");
  await paste('<p><span style="color: var(--brand)">x</span><img src="https://files.example.com/a.png"></p>');
  await page.getByText("A note cannot have images. Add the file as an attachment instead.").waitFor();
  await saveNote(page);
  await page.getByText("Yuki Tanaka cannot open this contact with their current teams and permissions.").waitFor();
  await page.getByText("A note cannot have some of what you added, so it was removed: styles that hide or move text.").waitFor();
  await page.getByRole("region", { name: "Notes" }).getByRole("button", { name: "Dismiss" }).click();

  await startNote(page);
  await page.keyboard.type("@agus");
  await page.getByRole("option").first().waitFor();
  await page.keyboard.press("Enter");
  try {
    await fault({ target: "launchpad.users", status: 500 });
    await saveNote(page);
  } finally {
    await clearFaults();
  }
  const pending = page.getByText("The user directory is temporarily unavailable. These mentions are checked later, and the people are notified then: Agus Wijaya.");
  await pending.waitFor();
  await expectAccessible(page);
  expect((await storedNotes(scene))[0]!.note).toContain('data-mention="pending"');

  // Without its note, a warning says nothing.
  await page.getByRole("button", { name: /^Actions for/ }).first().click();
  await page.getByRole("menuitem", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await noteBy(page, "Sinta Maharani").and(page.locator(":focus")).waitFor();
  expect(await pending.count()).toBe(0);
});

test("NOTE-MENTION-S03 AC-1, AC-2: a note typed here notifies the mentioned person, and the notification leads to this page", async () => {
  const scene = await createNoteScene();
  const page = await openContact(scene);
  await startNote(page);
  await page.keyboard.type("@budi");
  await page.getByRole("option").first().waitFor();
  await page.keyboard.press("Enter");
  await saveNote(page);
  await expect.poll(async () => (await notificationsOf(scene.budi)).length).toBe(1);
  const [link] = await notificationsOf(scene.budi);
  const other = await openContact(scene, scene.budi);
  await other.goto(link!);
  await noteBy(other, "Sinta Maharani").getByText("@Budi Hartono").waitFor();
  expect(new URL(other.url()).pathname).toBe(`/customers/${scene.contactId}`);
});

test("NOTE-MENTION-S03 permission: a mention that is removed from a note does not recall its notification, and deleting says so", async () => {
  const scene = await createNoteScene();
  await storeNote(scene, scene.sinta, `<p>${mention(scene.budi)}</p>`);
  const page = await openContact(scene);
  await page.getByRole("button", { name: /^Actions for/ }).click();
  await page.getByRole("menuitem", { name: "Delete" }).click();
  await page.getByText("Notifications that were sent are not recalled.").waitFor();
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  await noteBy(page, "Sinta Maharani").and(page.locator(":focus")).waitFor();
});
