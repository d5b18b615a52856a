import type { Page, Route } from "playwright-core";
import { afterEach, expect, test } from "vitest";
import { clearFaults, createCompany, downloaded, expectAccessible, fault, readWorkbook, visit, type TestPerson } from "./harness";

afterEach(async () => void (await clearFaults()));

async function exporter(names: string[] = []): Promise<TestPerson> {
  const { people } = await createCompany({ people: { "Sinta Maharani": {} } });
  const sinta = people["Sinta Maharani"]!;
  for (const name of names) {
    await sinta.api.POST("/cdp/customers", { body: { name, phones: ["+628120000001"], custom_fields: { tier: "gold" } } });
  }
  return sinta;
}

const columns = (page: Page) => page.getByRole("list", { name: "Columns" });
/** The columns as the page shows them: their labels, or the names of their fields. */
const shown = (page: Page) =>
  columns(page).getByRole("textbox").evaluateAll((inputs: HTMLInputElement[]) => inputs.map((input) => input.value || input.placeholder));
const start = (page: Page) => page.getByRole("button", { name: "Start export" }).click();

/** Keeps exports in the queue, because no message reaches the worker. */
const keepQueued = () => fault({ target: "sqs", status: 400 });

async function requestExport(person: TestPerson, file_name: string) {
  const { data, error } = await person.api.POST("/cdp/exports", { body: { format: "csv", selection: { filter: {} }, fields: ["name"], file_name } });
  if (!data) throw new Error(JSON.stringify(error));
  return data.data;
}

/** Changes what the list of exports answers, for states that take hours to come about. */
async function answerJobs(page: Page, change: (job: Record<string, unknown>) => void): Promise<void> {
  await page.route(/\/cdp\/exports(\?|\/[\w-]+$)/, async (route: Route) => {
    if (route.request().method() !== "GET") return route.fallback();
    const response = await route.fetch();
    const { data, ...rest } = (await response.json()) as { data: Record<string, unknown> | Record<string, unknown>[] };
    for (const job of [data].flat()) change(job);
    await route.fulfill({ response, json: { data, ...rest } });
  });
}

test("Exports: two selected contacts become a workbook with the chosen columns, which opens", async () => {
  const sinta = await exporter(["Ayu", "Bayu", "Citra"]);
  const page = await visit(sinta, "/customers");
  await page.getByRole("checkbox", { name: "Select Ayu" }).check();
  await page.getByRole("checkbox", { name: "Select Citra" }).check();
  await page.getByRole("link", { name: "Export", exact: true }).click();
  await page.getByRole("heading", { name: "2 selected contacts" }).waitFor();
  await columns(page).waitFor();
  for (const name of ["All emails", "Company", "Owner", "Assignee", "Team owners", "Tags", "Source", "Created at"]) {
    await page.getByRole("button", { name: `Remove ${name}` }).click();
  }
  await page.getByRole("button", { name: "Add tier" }).click();
  await page.getByRole("button", { name: /^Add / }).and(page.locator(":focus")).waitFor();
  await page.getByLabel("File name").fill("my people");
  await expectAccessible(page);
  await start(page);

  await page.getByText("my people.xlsx").first().waitFor();
  await page.getByText("Ready", { exact: true }).waitFor();
  await page.getByText("2 rows").waitFor();
  await page.getByText(/^(48 hours|47 hours 59 minutes) left to download/).waitFor();
  const file = await downloaded(page, () => page.getByRole("button", { name: "Download my people.xlsx" }).click());
  expect(file.name).toBe("my people.xlsx");
  const [header, ...rows] = readWorkbook(file.bytes);
  expect(header).toEqual(["Name", "All phones", "tier"]);
  expect(rows.sort()).toEqual([
    ["Ayu", "+628120000001", "gold"],
    ["Citra", "+628120000001", "gold"],
  ]);
});

test("Exports: all matching contacts become a CSV file with semicolons, in Indonesian", async () => {
  const sinta = await exporter(["Ayu Lestari", "Bayu"]);
  const page = await visit(sinta, "/customers?q=lestari");
  await page.getByRole("checkbox", { name: "Select Ayu Lestari" }).check();
  await page.getByRole("button", { name: "Select all that match" }).click();
  await page.getByRole("link", { name: "Export", exact: true }).click();
  await page.getByRole("heading", { name: "All contacts that match" }).waitFor();
  await page.getByText("“lestari”").waitFor();
  await page.getByRole("radio", { name: "CSV" }).click();
  await page.getByLabel("Separator").selectOption({ label: "Semicolon (;)" });
  await page.getByLabel("Time zone of dates").selectOption("UTC");
  await page.getByLabel("Language").selectOption({ label: "Bahasa Indonesia" });
  // The page itself stays in the language of the console.
  await page.getByRole("button", { name: "Remove Owner" }).waitFor();
  await start(page);
  await page.getByText("Ready", { exact: true }).waitFor();
  const file = await downloaded(page, () => page.getByRole("button", { name: /^Download contacts-/ }).click());
  expect(file.name).toMatch(/^contacts-[\d-]+\.csv$/);
  const [header, row, end] = file.bytes.toString().split("\r\n");
  expect(header).toMatch(/^\ufeffNama;Semua email;Semua telepon;.*;Dibuat pada \(UTC\)$/);
  expect([row?.split(";")[0], end]).toEqual(["Ayu Lestari", ""]);
});

test("Exports: columns are ordered by drag, by buttons and by keys, and moves are announced", async () => {
  const page = await visit(await exporter(), "/exports/new");
  await columns(page).waitFor();
  expect((await shown(page)).slice(0, 3)).toEqual(["Name", "All emails", "All phones"]);

  const [from, to] = await Promise.all(["Move Name", "Move All phones"].map((name) => page.getByRole("button", { name, exact: true }).boundingBox()));
  await page.mouse.move(from!.x + 8, from!.y + 8);
  await page.mouse.down();
  let y = to!.y;
  const drag = async () => {
    await page.mouse.move(to!.x + 8, (y += 1));
    return (await shown(page)).slice(0, 3);
  };
  await expect.poll(drag).toEqual(["All emails", "All phones", "Name"]);
  await page.mouse.up();
  await page.getByText("Name is now at place 3 of 10.").waitFor({ state: "attached" });
  expect((await shown(page)).slice(0, 3)).toEqual(["All emails", "All phones", "Name"]);

  await page.getByRole("button", { name: "Move Name up" }).click();
  await page.getByText("Name is now at place 2 of 10.").waitFor({ state: "attached" });

  const handle = page.getByRole("button", { name: "Move Name", exact: true });
  await handle.focus();
  await page.keyboard.press("Space");
  await page.getByText("Name is lifted. Place 2 of 10.").waitFor({ state: "attached" });
  await page.keyboard.press("ArrowDown");
  await page.getByText("Name is now at place 3 of 10.").waitFor({ state: "attached" });
  await page.keyboard.press("ArrowDown");
  await page.getByText("Name is now at place 4 of 10.").waitFor({ state: "attached" });
  expect(await handle.evaluate((element) => element === document.activeElement)).toBe(true);
  await page.keyboard.press("Space");
  await page.getByText("Name was dropped at place 4 of 10.").waitFor({ state: "attached" });
  expect((await shown(page)).slice(0, 4)).toEqual(["All emails", "All phones", "Company", "Name"]);

  await page.keyboard.press("Enter");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Escape");
  await page.getByText("Name is back at place 4 of 10.").waitFor({ state: "attached" });
  expect((await shown(page))[3]).toBe("Name");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByText("Name was removed.").waitFor({ state: "attached" });
  await expectAccessible(page);

  for (let left = 9; left > 0; left -= 1) await page.getByRole("button", { name: /^Remove / }).first().press("Enter");
  await page.getByRole("button", { name: /^Add / }).and(page.locator(":focus")).waitFor();
  await page.getByRole("button", { name: "Account of Sinta Maharani" }).click();
  await page.getByRole("menuitemcheckbox", { name: "Bahasa Indonesia" }).click();
  await page.getByRole("button", { name: "Tambahkan Pemilik" }).waitFor();
  expect(await shown(page)).toEqual([]);
});

test("Exports: labels of the user's own are in the file, by a layout that is saved first", async () => {
  const page = await visit(await exporter(["Ayu"]), "/exports/new");
  await columns(page).waitFor();
  await page.getByLabel("Label of Name").fill("Customer");
  await page.getByRole("radio", { name: "CSV" }).click();
  await start(page);
  const dialog = page.getByRole("dialog", { name: "Save as a layout" });
  await dialog.getByRole("button", { name: "Save and start export" }).click();
  await dialog.getByText("Enter a name.").waitFor();
  await expectAccessible(page);
  await dialog.getByLabel("Name").fill("Sales");
  await dialog.getByRole("button", { name: "Save and start export" }).click();
  await page.getByText("Ready", { exact: true }).waitFor();
  const file = await downloaded(page, () => page.getByRole("button", { name: /^Download contacts-/ }).click());
  expect(file.bytes.toString()).toMatch(/^\ufeffCustomer,All emails/);
});

test("Exports: a layout is loaded, changed, saved under another name and deleted", async () => {
  const sinta = await exporter();
  await sinta.api.POST("/cdp/export-layouts", { body: { name: "Sales", fields: [{ field: "company_name" }, { field: "name", label: "Customer" }] } });
  const page = await visit(sinta, "/exports/new");
  await page.getByLabel("Layout", { exact: true }).selectOption({ label: "Sales" });
  await expect.poll(() => shown(page)).toEqual(["Company", "Customer"]);
  await page.getByLabel("Label of Company").fill("Firm");
  await page.getByRole("button", { name: "Save changes" }).click();
  await page.getByText("The layout Sales was saved.").first().waitFor();
  const layouts = await sinta.api.GET("/cdp/export-layouts");
  expect(layouts.data?.data.map(({ name, fields }) => [name, fields.map(({ label }) => label)])).toEqual([["Sales", ["Firm", "Customer"]]]);

  const menu = async (item: string) => {
    await page.getByRole("button", { name: "More actions for layouts" }).click();
    await page.getByRole("menuitem", { name: item }).click();
  };
  await menu("Save as a new layout…");
  await page.getByRole("dialog").getByLabel("Name").fill("sales");
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await page.getByText("Another layout has this name.").waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await menu("Delete the layout");
  await page.getByRole("dialog", { name: "Delete the layout Sales?" }).getByRole("button", { name: "Delete" }).click();
  await page.getByText("No saved layouts").waitFor({ state: "attached" });
  expect((await sinta.api.GET("/cdp/export-layouts")).data?.data).toEqual([]);
});

test("Exports: an export that waits is canceled", async () => {
  const sinta = await exporter(["Ayu"]);
  await keepQueued();
  await requestExport(sinta, "waiting");
  const page = await visit(sinta, "/exports");
  await page.getByText("Waiting", { exact: true }).waitFor();
  await page.getByRole("progressbar", { name: "Progress of waiting.csv" }).waitFor();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Cancel waiting.csv" }).click();
  await page.getByText("Cancelled").waitFor();
  expect((await sinta.api.GET("/cdp/exports")).data?.data.map(({ status }) => status)).toEqual(["cancelled"]);
});

test("Exports: the quota of active exports is explained", async () => {
  const sinta = await exporter(["Ayu"]);
  await keepQueued();
  for (const name of ["one", "two", "three"]) await requestExport(sinta, name);
  const page = await visit(sinta, "/exports/new");
  await columns(page).waitFor();
  await start(page);
  await page.getByText("Too many exports are in progress: a person can have 3, and a company 20.").waitFor();
});

test("Exports: a plan without exports is explained, and so is one that the API refuses", async () => {
  const { people } = await createCompany({ plan: "starter", people: { "Sinta Maharani": {} } });
  const page = await visit(people["Sinta Maharani"]!, "/exports");
  await page.getByText("Your company's plan does not include exports.").waitFor();
  await page.getByText("No exports yet").waitFor();
  expect(await page.getByRole("link", { name: "New export" }).count()).toBe(0);
  await expectAccessible(page);
  await page.goto("/exports/new");
  await page.getByText("Not part of your plan").waitFor();

  // The plan was changed while the page was open.
  const grown = await visit(await exporter(), "/exports/new");
  await grown.route(/\/cdp\/exports$/, (route) =>
    route.request().method() === "POST"
      ? route.fulfill({ status: 403, headers: { "Access-Control-Allow-Origin": "*" }, json: { error: "PLAN_NOT_ALLOWED", message: "", details: {} } })
      : route.fallback(),
  );
  await columns(grown).waitFor();
  await start(grown);
  await grown.getByText("They need a Growth or Enterprise plan.").waitFor();
  await grown.unroute(/\/cdp\/exports$/);
  await grown.route(/\/cdp\/exports$/, (route) =>
    route.request().method() === "POST"
      ? route.fulfill({ status: 404, headers: { "Access-Control-Allow-Origin": "*" }, json: { error: "FEATURE_DISABLED", message: "", details: {} } })
      : route.fallback(),
  );
  await start(grown);
  await grown.getByText("This feature is not enabled for your company.").waitFor();
});

test("Exports: an export runs again with its filter, columns and format", async () => {
  const sinta = await exporter(["Ayu"]);
  await requestExport(sinta, "people");
  const page = await visit(sinta, "/exports");
  await page.getByText("Ready", { exact: true }).waitFor();
  await page.getByRole("button", { name: "More actions for people.csv" }).click();
  await page.getByRole("menuitem", { name: "Run again", exact: true }).click();
  await page.getByText("The export has started.").first().waitFor();
  await page.getByText("Ready", { exact: true }).nth(1).waitFor();

  await page.getByRole("button", { name: "More actions for people.csv" }).first().click();
  await page.getByRole("menuitem", { name: "Change and run again" }).click();
  await columns(page).waitFor();
  expect([await shown(page), await page.getByLabel("File name").inputValue(), await page.getByRole("radio", { name: "CSV" }).isChecked()]).toEqual([["Name"], "people", true]);
  await page.getByText("All contacts that you can see").waitFor();
});

test("Exports: contacts that were selected one by one are asked for again after a reload", async () => {
  const sinta = await exporter(["Ayu"]);
  const { data } = await sinta.api.GET("/cdp/customers");
  await sinta.api.POST("/cdp/exports", { body: { format: "csv", selection: { ids: [data!.data[0]!.id] }, fields: ["name"], file_name: "chosen" } });
  const page = await visit(sinta, "/exports");
  await page.getByText("Ready", { exact: true }).waitFor();
  await page.getByRole("button", { name: "More actions for chosen.csv" }).click();
  await page.getByRole("menuitem", { name: "Run again", exact: true }).click();
  await page.getByRole("heading", { name: "No contacts are selected" }).waitFor();
  expect(await page.getByRole("button", { name: "Start export" }).isDisabled()).toBe(true);
  await page.getByRole("button", { name: "Export all contacts" }).click();
  await page.getByRole("heading", { name: "All contacts that you can see" }).waitFor();
});

test("Exports: progress, row counts, failures and the end of the 48 hours are shown", async () => {
  const sinta = await exporter(["Ayu"]);
  await requestExport(sinta, "people");
  const page = await visit(sinta, "/exports");
  await page.getByText("Ready", { exact: true }).waitFor();
  let state: Record<string, unknown> = { status: "running", progress: 0.42, rows: 42_000, skipped: 3 };
  await answerJobs(page, (job) => Object.assign(job, state));
  await page.reload();
  await page.getByText("Running, 42%").waitFor();
  await page.getByText("42,000 rows · 3 contacts skipped").waitFor();
  expect(await page.getByRole("progressbar").getAttribute("aria-valuenow")).toBe("42");
  await expectAccessible(page);

  // The file is deleted between the list and the click.
  state = { status: "completed", progress: 1, email_status: "pending", download_url: undefined, expires_at: new Date(Date.now() + 90 * 60_000).toISOString() };
  await page.getByText(/^1 hour (30|29) minutes left to download/).waitFor();
  state["email_status"] = "sent";
  await page.getByText("also sent to you by email").waitFor();
  await page.getByRole("button", { name: "Download people.csv" }).click();
  await page.getByText("The file has expired and was deleted.").first().waitFor();
  state = { status: "expired", expires_at: "2026-01-01T00:00:00Z" };
  await page.reload();
  await page.getByText("Expired").waitFor();
  await page.getByText("The file was deleted. Run the export again for a new one.").waitFor();
  state = { status: "failed", error: { code: "EXPORT_TOO_LARGE", message: "" } };
  await page.reload();
  await page.getByText("The file would be too large. Export fewer contacts or fewer columns.").waitFor();
});

test("Exports: loading, errors and a missing permission are explained", async () => {
  const { people } = await createCompany({ people: { "Sinta Maharani": {}, Budi: { levels: { customers_customers_view: "disabled" } } } });
  const page = await visit(people["Sinta Maharani"]!, "/exports");
  await page.getByText("No exports yet").waitFor();
  let release = () => {};
  await page.route(/\/cdp\/exports\?/, async (route) => {
    await new Promise<void>((resolve) => (release = resolve));
    await route.abort();
  });
  await page.reload();
  await page.getByRole("heading", { name: "Exports" }).waitFor();
  await page.locator("main [aria-busy=true]").waitFor();
  release();
  await page.getByText("No connection. Check your network and try again.").waitFor();
  await expectAccessible(page);
  await page.unroute(/\/cdp\/exports\?/);
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByText("No exports yet").waitFor();

  const other = await visit(people["Budi"]!, "/exports/new");
  await other.getByRole("heading", { name: "No access" }).waitFor();
  expect(await other.getByRole("link", { name: "Exports" }).count()).toBe(0);
});
