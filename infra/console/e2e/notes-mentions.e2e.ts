import { expect, test } from "vitest";
import { clearFaults, expectAccessible, fault, local } from "./harness";
import { createNoteScene, editNote, expectStored, mention, noteBy, notificationsOf, openContact, saveNote, shownNote, startNote, storedNotes, storeNote } from "./scenes/notes";

const options = { name: "People" };

test("NOTE-MENTION-S01 AC-1, CHG-001: typing @bu lists the active people of the company who match, with names and avatars", async () => {
  const scene = await createNoteScene({ people: { "Buana Putra": {}, "Bunga Lestari": { status: "inactive" } } });
  const page = await openContact(scene);
  await startNote(page);
  const requests: string[] = [];
  page.on("request", (request) => request.url().includes("/cdp/people?") && requests.push(request.url()));
  await page.keyboard.insertText("Hi @bu");

  const list = page.getByRole("listbox", options);
  await list.waitFor();
  expect((await list.getByRole("option").allInnerTexts()).map((text) => text.split("\n").filter(Boolean).at(-2))).toEqual(["Buana Putra", "Budi Hartono"]);
  expect(await list.locator(".avatar").count()).toBe(2);
  expect(requests.map((url) => new URL(url).searchParams.get("query"))).toEqual(["bu"]);
  await expectAccessible(page);
});

test("NOTE-MENTION-S01 AC-2, AC-3: a chosen person is a chip, and the saved note mentions them by id", async () => {
  const scene = await createNoteScene();
  const page = await openContact(scene);
  const text = await startNote(page);
  await page.keyboard.type("Please call, @bud");
  await page.getByRole("option", { name: /Budi Hartono/ }).waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  expect(await text.locator(`a[data-user-id="${scene.budi.id}"]`).innerText()).toBe("@Budi Hartono");
  await page.keyboard.type("today");
  await page.getByText("1 of 10 people").waitFor();
  await saveNote(page);

  const note = await expectStored(scene, `<p>Please call, ${mention(scene.budi)} today</p>`);
  expect(note.mentioned_user_ids).toEqual([scene.budi.id]);
  await noteBy(page, "Sinta Maharani").getByText("@Budi Hartono").waitFor();
});

test("NOTE-MENTION-S01 AC-4, S03 AC-3, CHG-001: an edit offers @, keeps chips, and mentions people again and anew; each is notified once", async () => {
  const scene = await createNoteScene({ people: { "Dewi Ayu": {} } });
  const dewi = scene.people["Dewi Ayu"]!;
  await storeNote(scene, scene.sinta, `<p>${mention(scene.budi)}</p>`);
  const page = await openContact(scene);
  await editNote(page);
  for (const typed of [" @bud", "and @dew"]) {
    await page.keyboard.type(typed);
    await page.getByRole("option").first().waitFor();
    await page.keyboard.press("Enter");
  }
  await saveNote(page);
  const note = await expectStored(scene, `<p>${mention(scene.budi)} ${mention(scene.budi)} and ${mention(dewi)} </p>`);
  expect(note.mentioned_user_ids).toEqual([scene.budi.id, dewi.id]);
  await expect.poll(async () => (await notificationsOf(dewi)).length).toBe(1);
  expect(await notificationsOf(scene.budi)).toHaveLength(1);
});

test("NOTE-MENTION-S01 AC-2: a chip is one character: Backspace turns it into @ again", async () => {
  const scene = await createNoteScene();
  const page = await openContact(scene);
  const text = await startNote(page);
  await page.keyboard.type("@bud");
  await page.getByRole("option").first().waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Backspace");
  await page.keyboard.press("Backspace");
  expect(await text.innerText()).toBe("@");
  await page.getByRole("listbox", options).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("listbox", options).waitFor({ state: "detached" });
});

test("NOTE-MENTION-S01 ERR-1: without the directory the picker says so, and the note is saved without a mention", async () => {
  const scene = await createNoteScene();
  const page = await openContact(scene);
  await startNote(page);
  try {
    await fault({ target: "launchpad.users", status: 500 });
    await page.keyboard.type("Call @bu");
    const again = page.getByRole("button", { name: "Couldn't load people — try again" });
    await again.waitFor();
    expect(JSON.stringify(await local("GET", "events?name=cdp_note_mention_picker_failed"))).toContain(scene.id);
    await expectAccessible(page);
    await clearFaults();
    await again.click();
    await page.getByRole("option", { name: /Budi/ }).waitFor();
    await page.keyboard.press("Escape");
    await saveNote(page);
    await expectStored(scene, "<p>Call @bu</p>");
  } finally {
    await clearFaults();
  }
});

test("NOTE-MENTION-S01 ERR-2: a text without a match and a deleted person both read \"No matching people\"", async () => {
  const scene = await createNoteScene({ people: { "Former Colleague": { status: "inactive" } } });
  const page = await openContact(scene);
  await startNote(page);
  await page.keyboard.type("@xyzzy");
  await page.getByText("No matching people").waitFor();
  await page.keyboard.type(" @former");
  await page.getByText("No matching people").waitFor();
  expect(await page.getByRole("option").count()).toBe(0);
});

test("NOTE-MENTION-S01 UI states: the picker shows that it searches", async () => {
  const scene = await createNoteScene();
  const page = await openContact(scene);
  await startNote(page);
  await page.route("**/cdp/people?*", async (route) => {
    await page.getByText("Searching people…").waitFor();
    await route.continue();
  });
  await page.keyboard.type("@bu");
  await page.getByRole("option", { name: /Budi/ }).waitFor();
});

test("NOTE-MENTION-S01 boundary: a person without a name and an avatar is listed by email, and more than a page of people can be reached", async () => {
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`Agent ${String(index).padStart(2, "0")}`, {}]));
  const scene = await createNoteScene({ people: { ...many, Nameless: { fullName: null } } });
  const page = await openContact(scene);
  await startNote(page);
  await page.keyboard.type("@nameless");
  await page.getByRole("option", { name: scene.people["Nameless"]!.email }).waitFor();
  for (let count = 0; count < "nameless".length; count += 1) await page.keyboard.press("Backspace");
  await page.keyboard.type("agent");
  await page.getByRole("option", { name: /Agent 00/ }).waitFor();
  for (let count = 0; count < 24; count += 1) await page.keyboard.press("ArrowDown");
  await expect.poll(() => page.getByRole("option").count()).toBe(40);
});

test("NOTE-MENTION-S01 permission, S05 permission: a reader without the add permission is offered no editor, and can open the card", async () => {
  const scene = await createNoteScene({ people: { Reader: { levels: { customers_customernotes_add: "disabled", customers_customernotes_manage: "disabled", customers_customernotes_delete: "disabled" } } } });
  await storeNote(scene, scene.sinta, `<p>Hello ${mention(scene.budi)}</p>`);
  const page = await openContact(scene, scene.people["Reader"]!);
  await page.getByRole("button", { name: "@Budi Hartono" }).hover();
  await page.getByRole("tooltip").getByText(scene.budi.email).waitFor();
  expect(await page.getByRole("button", { name: "Write a note" }).count()).toBe(0);
  expect(await page.getByRole("button", { name: /^Actions for/ }).count()).toBe(0);
});

test("NOTE-MENTION-S01 boundary: the counters stop an eleventh person and the 10,001st character", async () => {
  const people = Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`Agent ${index}`, {}]));
  const scene = await createNoteScene({ people });
  const all = Object.keys(people).map((name) => scene.people[name]!);
  await storeNote(scene, scene.sinta, `<p>${all.slice(0, 10).map(mention).join(" ")}</p>`);
  const page = await openContact(scene);
  await editNote(page);
  await page.getByText("10 of 10 people").waitFor();
  await page.keyboard.type(" @agent");
  await page.getByRole("option").first().waitFor();
  await page.getByRole("option", { name: /Agent 10/ }).click();
  await page.getByText("The note mentions 11 people; at most 10 are allowed.").waitFor();
  expect(await page.getByRole("button", { name: "Save note" }).isDisabled()).toBe(true);
  await page.getByRole("button", { name: "Discard" }).click();

  await startNote(page);
  await page.keyboard.insertText("x".repeat(9_993));
  await page.getByText("10,000 of 10,000 characters").waitFor();
  await page.keyboard.type("y");
  await page.getByText("The note has 10,001 characters with its formatting; at most 10,000 are allowed.").waitFor();
  await page.keyboard.press("Backspace");
  await saveNote(page);
  await expectStored(scene, `<p>${"x".repeat(9_993)}</p>`);
});

test("CHG-002: a mention in a note is a styled chip that keeps its identity and cannot be edited", async () => {
  const scene = await createNoteScene();
  const stored = await storeNote(scene, scene.sinta, `<p>Hi ${mention(scene.budi)}</p>`);
  const page = await openContact(scene);
  const note = noteBy(page, "Sinta Maharani");
  await note.waitFor();
  expect(await shownNote(note)).toBe(stored.note);
  const chip = note.locator(`a[data-user-id="${scene.budi.id}"][data-mention="true"]`);
  expect(await chip.evaluate((element) => [getComputedStyle(element).fontWeight, (element as HTMLElement).isContentEditable])).toEqual(["550", false]);
  await expectAccessible(page);
});

test("NOTE-MENTION-S06 NEG-1: a person of another company is not offered, and their mention becomes text with a warning", async () => {
  const other = await createNoteScene({ people: { "Zulfikar Other": {} } });
  const stranger = other.people["Zulfikar Other"]!;
  const scene = await createNoteScene();
  const page = await openContact(scene);
  await startNote(page);
  await page.keyboard.type("@zulf");
  await page.getByText("No matching people").waitFor();
  await page.keyboard.press("Escape");
  await page.evaluate((html) => {
    const data = new DataTransfer();
    data.setData("text/html", html);
    document.querySelector(".ProseMirror")!.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
  }, `<p>and ${mention(stranger)}</p>`);
  await saveNote(page);
  await page.getByText(`${stranger.name} is not an active user of your company. The mention is plain text now, and no notification is sent.`).waitFor();
  expect((await storedNotes(scene))[0]!.mentioned_user_ids).toEqual([]);
});

test("NOTE-MENTION-S06 NEG-2: with the flag off, @ opens nothing, mentions have no card, and notes work as before", async () => {
  const scene = await createNoteScene({ flags: { mention: false } });
  const page = await openContact(scene);
  const asked: string[] = [];
  page.on("request", (request) => request.url().includes("/cdp/people") && asked.push(request.url()));
  await startNote(page);
  expect(await page.getByRole("button", { name: "Mention a colleague" }).count()).toBe(0);
  await page.keyboard.type("Hi @bu");
  await saveNote(page);
  await expectStored(scene, "<p>Hi @bu</p>");
  await noteBy(page, "Sinta Maharani").getByText("Hi @bu").waitFor();
  expect(asked).toEqual([]);
});
