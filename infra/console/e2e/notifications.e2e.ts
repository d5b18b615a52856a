import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { createCompany, expectAccessible, local, visit, type TestPerson } from "./harness";
import { createNoteScene, mention, openContact, saveNote, startNote, storeNote } from "./scenes/notes";

interface Notification {
  body: { click_action_url: string };
  read_at: string | null;
}

/** The notifications that are addressed to a person, as the local cloud has them. */
async function stored({ id }: TestPerson): Promise<Notification[]> {
  return ((await local("GET", `notifications?user=${id}`)) as { data: Notification[] }).data;
}

const bell = (page: Page, unread: string) => page.getByRole("button", { name: `Notifications, ${unread} unread` });

/** Counts how often the bell rings. */
async function countRings(page: Page): Promise<() => Promise<number>> {
  await page.evaluate(() => {
    const counter = window as unknown as { rings: number };
    counter.rings = 0;
    document.addEventListener("animationstart", (event) => (counter.rings += event.animationName.startsWith("ring") ? 1 : 0));
  });
  return () => page.evaluate(() => (window as unknown as { rings: number }).rings);
}

/** Waits until the page has asked for notifications again. */
const nextAnswer = (page: Page) => page.waitForResponse((response) => response.url().includes("/_local/notifications?") && response.request().method() === "GET");

test("NOTE-MENTION-S03 AC-1, AC-2: one person mentions another, whose bell rings once, leads to the contact and is read", async () => {
  const scene = await createNoteScene();
  const [author, reader] = await Promise.all([openContact(scene), visit(scene.budi, "/exports")]);
  await bell(reader, "none").waitFor();
  const rings = await countRings(reader);
  await startNote(author);
  await author.keyboard.type("Please call, @bud");
  await author.getByRole("option", { name: /Budi Hartono/ }).waitFor();
  await author.keyboard.press("Enter");
  await saveNote(author);

  await bell(reader, "1").waitFor();
  await reader.getByRole("status").filter({ hasText: /^New notification: .+/ }).waitFor({ state: "attached" });
  await nextAnswer(reader);
  expect(await rings()).toBe(1);
  expect(await bell(author, "none").count()).toBe(1);

  await bell(reader, "1").press("Enter");
  const list = reader.getByRole("dialog", { name: "Notifications" });
  const entry = list.getByRole("link", { name: /^Unread: .*Sinta Maharani/ });
  await entry.waitFor();
  await expectAccessible(reader);
  await entry.press("Enter");
  await reader.getByRole("heading", { name: "Citra Anggraini", level: 1 }).waitFor();
  expect(new URL(reader.url()).pathname).toBe(`/customers/${scene.contactId}`);
  await list.waitFor({ state: "detached" });
  await bell(reader, "none").waitFor();
  expect((await stored(scene.budi)).map((one) => one.read_at !== null)).toEqual([true]);
  await reader.reload();
  await bell(reader, "none").waitFor();
  await nextAnswer(reader);
  expect(await bell(reader, "none").count()).toBe(1);
});

test("NOTE-MENTION-S06 NEG-1: the bell of a person of another company stays silent", async () => {
  const other = await createNoteScene();
  const scene = await createNoteScene();
  const page = await visit(other.budi, "/exports");
  await bell(page, "none").waitFor();
  await storeNote(scene, scene.sinta, `<p>${mention(scene.budi)} and ${mention(other.budi)}</p>`);
  await expect.poll(() => stored(scene.budi)).toHaveLength(1);
  await nextAnswer(page);
  expect(await bell(page, "none").count()).toBe(1);
  expect(await stored(other.budi)).toEqual([]);
});

test("Notifications: a finished export rings, and its file opens in a tab of its own; texts are in the user's language", async () => {
  const { people } = await createCompany({ locale: "id", people: { Maya: {} } });
  const maya = people["Maya"]!;
  await maya.api.POST("/cdp/customers", { body: { name: "Citra" } });
  const page = await visit(maya, "/exports", { viewport: { width: 360, height: 740 } });
  await page.getByRole("button", { name: "Notifikasi, semua sudah dibaca" }).click();
  await page.getByText("Belum ada notifikasi.").waitFor();
  await expectAccessible(page);
  await maya.api.POST("/cdp/exports", { body: { format: "csv", selection: { filter: {} }, fields: ["name"], file_name: "people" } });
  const entry = page.getByRole("dialog", { name: "Notifikasi" }).getByRole("link", { name: /^Belum dibaca: / });
  await entry.waitFor();
  const [{ body }] = (await stored(maya)) as [Notification];
  expect(await entry.getAttribute("href")).toBe(body.click_action_url);
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true);
  const [tab] = await Promise.all([page.waitForEvent("popup"), entry.click()]);
  await page.getByRole("button", { name: "Notifikasi, semua sudah dibaca" }).waitFor();
  expect(new URL(page.url()).pathname).toBe("/exports");
  await tab.close();
});
