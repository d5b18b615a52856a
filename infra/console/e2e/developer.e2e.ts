import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterEach, expect, test } from "vitest";
import { clearFaults, createCompany, downloaded, expectAccessible, fault, local, visit, type TestPerson } from "./harness";
import { asDeployed } from "./scenes/deployment";
import { createNoteScene, mention, storeNote } from "./scenes/notes";

afterEach(async () => void (await clearFaults()));

const openTab = (page: Page, name: string) => page.getByRole("navigation", { name: "Developer panel" }).getByRole("link", { name }).click();

/** A person of a company of its own, with a contact of the person's team. */
async function createOwner(): Promise<TestPerson> {
  const { people, teams } = await createCompany({ teams: ["Jakarta"], people: { Maya: { teams: ["Jakarta"] } } });
  const { response } = await people["Maya"]!.api.POST("/cdp/customers", { body: { name: "Citra", team_owner_ids: [teams["Jakarta"]!] } });
  expect(response.status).toBe(201);
  return people["Maya"]!;
}

test("Developer panel: a request shows the functions that it caused, across queues, with their calls, capacity and cost", async () => {
  const scene = await createNoteScene();
  await storeNote(scene, scene.sinta, `<p>${mention(scene.budi)}</p>`);
  const page = await visit(scene.sinta, "/exports");
  await page.getByRole("link", { name: "Developer panel" }).press("Enter");
  await page.getByRole("checkbox", { name: "Only mine" }).check();
  const path = `/v1/contacts/${scene.contactId}/notes`;
  const entry = page.getByRole("listitem").filter({ has: page.getByText(`POST ${path}`, { exact: true }) });
  await entry.getByText(/^2 invocations/).waitFor();
  await entry.locator("summary").press("Enter");
  await entry.getByText("Sent by you").waitFor();
  const functions = page.getByRole("region", { name: `Invocations of POST ${path}` });
  const rows = functions.getByRole("row").filter({ has: page.getByRole("rowheader") });
  expect(await rows.getByRole("rowheader").allInnerTexts()).toEqual(["NoteWrite", "MentionNotify"]);
  for (const [index, source] of ["the API", "a queue"].entries()) {
    const [from, status, start, duration, calls, read, write, cost] = await rows.nth(index).getByRole("cell").allInnerTexts();
    expect([from, status]).toEqual([source, "ok"]);
    expect(start).toMatch(/^(warm|cold, [\d,.]+ ms)$/);
    expect(duration).toMatch(/^[\d,.]+ ms$/);
    expect(calls).toMatch(/dynamodb\.\w+ × \d/);
    expect(Number(read) + Number(write)).toBeGreaterThan(0);
    expect(cost).toMatch(/^\$[\d,]+\.\d\d$/);
  }
  await expectAccessible(page);

  await page.getByRole("button", { name: "Clear" }).click();
  await entry.waitFor({ state: "detached" });
});

test("Developer panel: usage by function, events by name, and faults by switches", async () => {
  const maya = await createOwner();
  const page = await visit(maya, "/customers/teams");
  await page.getByRole("link", { name: "Citra" }).waitFor();
  await page.goto("/developer/usage");
  const usage = page.getByRole("region", { name: "Usage by function" });
  const list = usage.getByRole("row", { name: /^ContactList / });
  await list.waitFor();
  expect(Number((await list.getByRole("cell").allInnerTexts())[0])).toBeGreaterThan(0);
  await expectAccessible(page);
  await page.getByRole("button", { name: "Reset" }).click();
  await list.waitFor({ state: "detached" });

  await openTab(page, "Events");
  await page.getByLabel("Name").selectOption("cdp_team_filter_view_loaded");
  const event = page.getByRole("listitem").filter({ hasText: "result_count" }).first();
  const text = await event.innerText();
  for (const part of [/^cdp_team_filter_view_loaded\s+console\s/, /\bresult_count\s+1\b/, /\bis_empty\s+false\b/]) expect(text).toMatch(part);
  expect(await page.getByRole("listitem").filter({ hasText: "cdp_" }).filter({ hasNotText: "cdp_team_filter_view_loaded" }).count()).toBe(0);
  await expectAccessible(page);

  await openTab(page, "Faults");
  const rules = async () => ((await local("GET", "faults")) as { data: { target: string }[] }).data.map((rule) => rule.target);
  const teams = page.getByRole("switch", { name: "Teams cannot be loaded" });
  await teams.press("Space");
  await page.getByRole("switch", { name: "Teams cannot be loaded", checked: true }).waitFor();
  await fault({ target: "s3", latency_ms: 1 });
  await page.getByText("target: s3, latency_ms: 1").waitFor();
  expect(await rules()).toEqual(["launchpad.teams", "s3"]);
  await expectAccessible(page);
  await teams.press("Space");
  await page.getByRole("switch", { name: "Teams cannot be loaded", checked: false }).waitFor();
  expect(await rules()).toEqual(["s3"]);
  await page.getByRole("button", { name: "Clear all" }).click();
  await page.getByText("target: s3").waitFor({ state: "detached" });
  expect(await rules()).toEqual([]);

  // A phone shows the tab to which a link leads.
  await page.setViewportSize({ width: 390, height: 844 });
  await page.reload();
  const tab = page.getByRole("navigation", { name: "Developer panel" }).getByRole("link", { name: "Faults" });
  await expect.poll(() => tab.evaluate((element) => element.getBoundingClientRect().right <= window.innerWidth)).toBe(true);
});

test("Developer panel: mail is read as text and as HTML in a frame that runs nothing, and attachments are downloaded", async () => {
  const maya = await createOwner();
  await maya.api.POST("/cdp/exports", { body: { format: "csv", selection: { filter: {} }, fields: ["name"], file_name: "people" } });
  const page = await visit(maya, "/exports");
  // The functions send links, so a file is added to what the mailbox answers.
  await page.route("**/_local/mail", async (route) => {
    const response = await route.fetch();
    const { data } = (await response.json()) as { data: { attachments: object[] }[] };
    for (const mail of data) mail.attachments = [{ name: "people.csv", content_type: "text/csv", size: 5, base64: btoa("name\n") }];
    await route.fulfill({ response, json: { data } });
  });
  await page.getByRole("link", { name: "Developer panel" }).click();
  await openTab(page, "Mail");
  await page.getByRole("list", { name: "Messages" }).getByRole("button", { name: maya.email }).click();
  const mail = page.getByRole("article");
  await mail.getByText(maya.email).waitFor();
  const frame = page.frameLocator("iframe");
  await frame.getByRole("link").first().waitFor();
  expect(await page.locator("iframe").getAttribute("sandbox")).toBe("");
  await expectAccessible(page);
  await mail.getByRole("tab", { name: "HTML" }).press("ArrowRight");
  await mail.getByRole("tabpanel").getByText(/https?:\/\//).waitFor();
  const file = await downloaded(page, () => mail.getByRole("button", { name: "people.csv" }).click());
  expect([file.name, file.bytes.toString()]).toEqual(["people.csv", "name\n"]);
});

test("Developer panel: the API reference sends requests as the person who is signed in", async () => {
  const maya = await createOwner();
  const page = await visit(maya, "/developer/api");
  const operation = page.locator(".opblock", { has: page.locator("[data-path='/cdp/me']") });
  await operation.locator(".opblock-summary-control").press("Enter");
  await operation.getByRole("button", { name: "Try it out" }).click();
  await operation.getByRole("button", { name: "Execute" }).click();
  await operation.locator(".live-responses-table").getByText(`"${maya.email}"`).waitFor();
  await operation.locator(".curl").getByText("Authorization: Bearer").waitFor();
  await expectAccessible(page);

  // Optional parameters are empty, so that the first request of a list is one that the API accepts.
  const list = page.locator("#operations-contacts-listContacts");
  await list.locator(".opblock-summary-control").press("Enter");
  await list.getByRole("button", { name: "Try it out" }).click();
  await list.getByRole("button", { name: "Execute" }).click();
  await list.locator(".live-responses-table").getByText('"Citra"').waitFor();
  expect(await list.locator(".request-url pre").innerText()).toMatch(/\/cdp\/customers$/);
});

test("Deployment: without localUrl the console has neither the bell nor the panel, and without analyticsUrl it sends no events", async () => {
  const maya = await createOwner();
  const page = await visit(maya, "/exports");
  await asDeployed(page);
  // The page that is open has the bell, which asks for notifications again and again.
  await page.goto("about:blank");
  const requests: string[] = [];
  page.on("request", (request) => requests.push(new URL(request.url()).pathname));
  await page.goto("/customers/teams");
  await page.getByRole("link", { name: "Citra" }).waitFor();
  expect(await page.getByRole("button", { name: /^Notifications/ }).count()).toBe(0);
  expect(await page.getByRole("link", { name: "Developer panel" }).count()).toBe(0);
  await page.goto("/developer/requests");
  await page.getByText("There is no page at this address.").waitFor();
  expect(requests.filter((path) => path.startsWith("/local/") || path.startsWith("/_local/"))).toEqual([]);
});

test("Deployment: only the folder local of the build has the bell and the panel", () => {
  const build = join(import.meta.dirname, "../dist");
  const files = readdirSync(build, { recursive: true, encoding: "utf8" }).filter((file) => /\.(js|css|html|yaml)$/.test(file));
  const local = files.filter((file) => file.startsWith("local"));
  const textOf = (list: string[]) => list.map((file) => readFileSync(join(build, file), "utf8")).join("\n");
  // What the sources of the bell, of each tab and of Swagger UI have, and nothing else.
  const marks = ["read_at", "cost_usd", "peak_memory_bytes", "mail-subject", "event_name", "latency_ms", "swagger-ui", "records-table", "openapi: 3"];
  const deployed = textOf(files.filter((file) => !local.includes(file)));
  expect(marks.filter((mark) => deployed.includes(mark))).toEqual([]);
  expect(marks.filter((mark) => !textOf(local).includes(mark))).toEqual([]);
});
