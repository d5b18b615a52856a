import { afterEach, expect, test } from "vitest";
import { clearFaults, createCompany, expectAccessible, expectFocus, fault, visit, type Company } from "./harness";

/** Sinta sees by team, in Jakarta; Budi is in a team below; Rina is in another. Maya sees everything. */
async function salesCompany(): Promise<Company> {
  return createCompany({
    teams: ["Jakarta", "Jakarta SMB < Jakarta", "Surabaya"],
    people: {
      Sinta: { level: "team", teams: ["Jakarta"] },
      Budi: { level: "team", teams: ["Jakarta SMB"] },
      Rina: { level: "team", teams: ["Surabaya"] },
      Maya: { level: "everything", teams: ["Jakarta", "Surabaya"] },
      Andre: { level: "own" },
      Yuki: { level: "disabled" },
    },
  });
}

async function create(company: Company, person: string, name: string, teams: string[], more: object = {}): Promise<string> {
  const ids = teams.map((team) => company.teams[team]!);
  const { data, error } = await company.people[person]!.api.POST("/cdp/customers", { body: { name, team_owner_ids: ids, ...more } });
  if (!data) throw new Error(JSON.stringify(error));
  return data.data.id;
}

afterEach(async () => void (await clearFaults()));

test("TEAM-S02 AC-1: a viewer by team sees the contacts of the team, of teams below, Unassigned and own ones", async () => {
  const company = await salesCompany();
  await create(company, "Sinta", "Contact of Jakarta", ["Jakarta"]);
  await create(company, "Budi", "Contact of SMB", ["Jakarta SMB"]);
  await create(company, "Rina", "Contact of Surabaya", ["Surabaya"]);
  await create(company, "Maya", "Contact of all teams", []);
  await create(company, "Maya", "Contact of two teams", ["Jakarta", "Surabaya"]);
  const page = await visit(company.people["Sinta"]!, "/customers");

  await page.getByTitle(/^(Jakarta, Another team|Another team, Jakarta)$/).getByText("+1").waitFor();
  for (const name of ["Contact of Jakarta", "Contact of SMB", "Contact of all teams"]) await page.getByRole("link", { name }).waitFor();
  expect(await page.getByText("Contact of Surabaya").count()).toBe(0);
  await expectAccessible(page);

  // The team list view: what shares a team with the viewer, without Unassigned ones.
  await page.getByRole("link", { name: "Teams", exact: true }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Teams", level: 1 }).waitFor();
  await expect.poll(() => page.getByText("Contact of all teams").count()).toBe(0);
  await page.getByRole("link", { name: "Contact of SMB" }).waitFor();
  expect(new URL(page.url()).search).toBe("?view=teams");
});

test("TEAM-S02 AC-1: the address /customers/teams shows the team list view", async () => {
  const { people } = await salesCompany();
  const page = await visit(people["Sinta"]!, "/customers/teams");
  await page.getByRole("heading", { name: "Teams", level: 1 }).waitFor();
  await page.getByText("No contacts in your team yet.").waitFor();
});

test("TEAM-S02 AC-4: the address of a contact out of scope shows the refusal in words", async () => {
  const company = await salesCompany();
  const id = await create(company, "Rina", "Contact of Surabaya", ["Surabaya"]);
  const page = await visit(company.people["Sinta"]!, `/customers/${id}`);
  await page.getByRole("heading", { name: "No access" }).waitFor();
  await page.getByText("You do not have permission to see this.").waitFor();
  expect(await page.getByText("Contact of Surabaya").count()).toBe(0);
  await expectAccessible(page);
});

test("TEAM-S02: with the level disabled the entry points are hidden, and an address shows the refusal in words", async () => {
  const { people } = await salesCompany();
  const page = await visit(people["Yuki"]!, "/customers");
  await page.getByText("You do not have permission to see this.").waitFor();
  for (const name of ["All contacts", "Teams", "Recently deleted", "Exports", "Import"]) expect(await page.getByRole("link", { name, exact: true }).count(), name).toBe(0);
  expect(await page.getByRole("link", { name: "New contact" }).count()).toBe(0);
  expect(await page.getByRole("combobox", { name: "Find a contact" }).count()).toBe(0);
  expect(await page.getByRole("searchbox").count()).toBe(0);
  await expectAccessible(page);
  for (const path of ["/customers/new", "/customers?view=deleted", "/exports"]) {
    await page.goto(path);
    await page.getByText("You do not have permission to see this.").waitFor();
    expect(await page.getByRole("main").getByRole("button").or(page.getByRole("main").getByRole("textbox")).count(), path).toBe(0);
  }
});

test("TEAM-S02 ERR-1: while teams cannot be loaded, a banner says so above the own contacts, and it goes away afterwards", async () => {
  const company = await salesCompany();
  await create(company, "Maya", "My own contact", [], { owner_id: company.people["Sinta"]!.id });
  await create(company, "Maya", "Contact of all teams", []);
  const banner = "Showing only your contacts — team filter temporarily unavailable";
  await fault({ target: "launchpad.teams", status: 500 });
  const page = await visit(company.people["Sinta"]!, "/customers");

  await page.getByText(banner).waitFor();
  await page.getByRole("link", { name: "My own contact" }).waitFor();
  expect(await page.getByText("Contact of all teams").count()).toBe(0);
  await expectAccessible(page);

  await clearFaults();
  const retry = page.getByRole("button", { name: "Try again" });
  // A failure is remembered for 3 s.
  await expect.poll(async () => {
    if (await retry.isVisible()) await retry.click();
    return page.getByText(banner).count();
  }, { timeout: 12_000 }).toBe(0);
  await page.getByRole("link", { name: "Contact of all teams" }).waitFor();
});

test("TEAM-S02 ERR-1: while teams cannot be loaded, a contact that only the team admits reads as temporarily unavailable", async () => {
  const company = await salesCompany();
  const id = await create(company, "Budi", "Contact of SMB", ["Jakarta SMB"]);
  await fault({ target: "launchpad.teams", status: 500 });
  const page = await visit(company.people["Sinta"]!, `/customers/${id}`);
  await page.getByText("This is temporarily unavailable, because your teams could not be loaded.").waitFor();
  await page.getByText("Showing only your contacts — team filter temporarily unavailable").waitFor();
  await clearFaults();
  await expect.poll(async () => {
    const retry = page.getByRole("alert").getByRole("button", { name: "Try again" });
    if (await retry.isVisible()) await retry.click();
    return page.getByRole("heading", { name: "Contact of SMB", level: 1 }).count();
  }, { timeout: 12_000 }).toBe(1);
});

test("RFC 2.C, customer list: skeleton, then \"No contacts in your team yet.\"", async () => {
  const { people } = await salesCompany();
  const page = await visit(people["Sinta"]!, "/exports");
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route(/\/cdp\/customers\?/, async (route) => {
    await held;
    await route.continue();
  });
  await page.getByRole("link", { name: "All contacts" }).click();
  await page.locator(".list [aria-busy='true']").waitFor();
  release();
  await page.getByText("No contacts in your team yet.").waitFor();
  await expectAccessible(page);
});

test("RFC 2.C, customer list: an error is explained, and trying again shows the list", async () => {
  const company = await salesCompany();
  await create(company, "Maya", "Found again", []);
  await fault({ target: "launchpad.permissions", status: 500 });
  const page = await visit(company.people["Maya"]!, "/customers");
  await page.getByText("The user directory is temporarily unavailable. Try again.").waitFor();
  await expectAccessible(page);
  await clearFaults();
  await expect.poll(async () => {
    const retry = page.getByRole("button", { name: "Try again" });
    if (await retry.isVisible()) await retry.click();
    return page.getByRole("link", { name: "Found again" }).count();
  }, { timeout: 12_000 }).toBe(1);
});

test("TEAM-S08 AC-1, RFC 2.C: the search from the top bar finds contacts in scope as the user types, and opens one", async () => {
  const company = await salesCompany();
  await create(company, "Sinta", "Citra Anggraini", ["Jakarta"]);
  await create(company, "Rina", "Citra Wulandari", ["Surabaya"]);
  const page = await visit(company.people["Sinta"]!, "/customers");
  const search = page.getByRole("combobox", { name: "Find a contact" });

  await search.fill("Citra Wul");
  await page.getByText("No contacts found in your team.").waitFor();
  await search.fill("cit");
  await page.getByRole("option", { name: "Citra Anggraini" }).waitFor();
  expect(await page.getByRole("option").count()).toBe(1);
  await expectAccessible(page);
  await search.press("ArrowDown");
  await search.press("Enter");
  await page.getByRole("heading", { name: "Citra Anggraini", level: 1 }).waitFor();
});

test("TEAM-S08, RFC 2.C: a failed search says \"Could not load contacts.\"", async () => {
  const { people } = await salesCompany();
  const page = await visit(people["Sinta"]!, "/customers");
  await page.route(/search-assoc/, (route) => route.fulfill({ status: 503, contentType: "application/json", body: JSON.stringify({ error: "DIRECTORY_UNAVAILABLE", message: "", details: {} }), headers: { "Access-Control-Allow-Origin": "*" } }));
  await page.getByRole("combobox", { name: "Find a contact" }).fill("citra");
  await page.getByText("Could not load contacts.").waitFor();
});

test("List: search as you type, filters and order are in the address, and a shared link shows the same list", async () => {
  const company = await createCompany({ people: { Maya: {}, Budi: {} } });
  const { Maya, Budi } = company.people;
  await create(company, "Maya", "Ayu Lestari", [], { tags: ["vip"], custom_fields: { tier: "gold", active: true } });
  await create(company, "Maya", "Bayu Lestari", [], { tags: ["new"], custom_fields: { tier: "silver", active: false } });
  const page = await visit(Maya!, "/customers");
  await page.getByRole("searchbox", { name: "Search contacts" }).fill("le");
  await page.getByText("Type at least 3 characters.").waitFor();
  await page.getByRole("searchbox", { name: "Search contacts" }).fill("lest");
  await expect.poll(() => new URL(page.url()).searchParams.get("q")).toBe("lest");
  await page.getByRole("link", { name: "Bayu Lestari" }).waitFor();

  await page.getByRole("button", { name: "Filters" }).click();
  const dialog = page.getByRole("dialog", { name: "Filter contacts" });
  expect(await dialog.getByRole("combobox", { name: "Owner", exact: true }).getAttribute("placeholder")).toBe("Anyone");
  await dialog.getByLabel("Tags").fill("vip");
  await dialog.getByLabel("Tags").press("Enter");
  await dialog.getByLabel("active").selectOption("Yes");
  await dialog.getByLabel("tier").fill("gold");
  await expectAccessible(page);
  await dialog.getByLabel("tier").press("Enter");
  await expect.poll(() => page.getByRole("link", { name: "Bayu Lestari" }).count()).toBe(0);
  const address = new URL(page.url());
  expect([...address.searchParams]).toEqual([["q", "lest"], ["tags", "vip"], ["custom.active", "true"], ["custom.tier", "gold"]]);

  // An address that was changed by hand does no harm.
  const other = await visit(Budi!, `${address.pathname}${address.search}&owner_id=abc&created_from=2026-01-01`);
  await other.getByRole("link", { name: "Ayu Lestari" }).waitFor();
  expect(await other.getByRole("link", { name: "Bayu Lestari" }).count()).toBe(0);
  await other.getByRole("button", { name: "Remove Tags vip", exact: true }).click();
  for (const name of ["Remove Created from 1 Jan 2026", "Remove active Yes", "Remove tier gold"]) {
    await expectFocus(other.getByRole("button", { name, exact: true }));
    await other.keyboard.press("Enter");
  }
  await expectFocus(other.getByRole("button", { name: "Filters" }));
  await other.getByRole("link", { name: "Bayu Lestari" }).waitFor();
});

test("List: coming back from a contact shows the list with its search, where it was left", async () => {
  const company = await createCompany({ people: { Maya: {} } });
  const contacts = Array.from({ length: 60 }, (_, number) => ({ external_id: `C-${number}`, name: `Lestari ${number}` }));
  await company.people["Maya"]!.api.POST("/cdp/customers/sync", { body: { contacts } });
  const page = await visit(company.people["Maya"]!, "/customers?q=lestari");
  const end = page.getByText("End of the list · 60 contacts");
  await end.waitFor({ state: "attached" });
  const list = page.getByRole("region", { name: "Contacts" });
  // Which contact this is depends on the order in which the API stored them.
  const inTheMiddle = () =>
    list.evaluate((region) => document.elementFromPoint(region.getBoundingClientRect().left + 100, innerHeight / 2)?.closest("tr")?.querySelector("th a")?.textContent);
  await list.evaluate((region) => region.scrollTo({ top: 1_040 }));
  await expect.poll(inTheMiddle).toMatch(/^Lestari/);
  const name = (await inTheMiddle())!;
  await page.getByRole("link", { name, exact: true }).click();
  await page.getByRole("heading", { name, level: 1 }).waitFor();
  await page.getByRole("link", { name: "All contacts" }).nth(1).click();
  await end.waitFor({ state: "attached" });
  expect(new URL(page.url()).search).toBe("?q=lestari");
  await expect.poll(inTheMiddle).toBe(name);
});

test("List: the order by name is chosen at the column", async () => {
  const company = await createCompany({ people: { Maya: {} } });
  for (const name of ["Beta", "Alpha", "Gamma"]) await create(company, "Maya", name, []);
  const page = await visit(company.people["Maya"]!, "/customers");
  const names = async () => (await page.locator("tbody .name a").allTextContents()).join(" ");
  await expect.poll(names).toBe("Gamma Alpha Beta");
  await page.getByRole("button", { name: "Name" }).click();
  await expect.poll(names).toBe("Alpha Beta Gamma");
  await page.getByRole("button", { name: "Name" }).click();
  await expect.poll(names).toBe("Gamma Beta Alpha");
  expect(await page.getByRole("columnheader", { name: "Name" }).getAttribute("aria-sort")).toBe("descending");
  expect(new URL(page.url()).search).toBe("?order_by=name&direction=desc");
});

test("List: columns are chosen, custom fields among them, and stay chosen", async () => {
  const company = await createCompany({ people: { Maya: {} } });
  await create(company, "Maya", "Ayu", [], { custom_fields: { tier: "gold" } });
  const page = await visit(company.people["Maya"]!, "/customers");
  await page.getByRole("button", { name: "Columns" }).click();
  await page.getByRole("menuitemcheckbox", { name: "tier" }).click();
  await page.getByRole("menuitemcheckbox", { name: "Email" }).click();
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  await page.reload();
  await page.getByRole("columnheader", { name: "tier" }).waitFor();
  await page.getByRole("cell", { name: "gold" }).waitFor();
  expect(await page.getByRole("columnheader", { name: "Email" }).count()).toBe(0);
});

test("List: rows are selected one by one, or all that match", async () => {
  const company = await createCompany({ people: { Maya: {} } });
  for (const name of ["Ayu", "Bayu"]) await create(company, "Maya", name, []);
  const page = await visit(company.people["Maya"]!, "/customers");
  await page.getByRole("checkbox", { name: "Select Ayu" }).check();
  await page.getByText("1 contact selected").waitFor();
  await page.getByRole("checkbox", { name: "Select all loaded contacts" }).check();
  await page.getByText("2 contacts selected").waitFor();
  await page.getByRole("button", { name: "Select all that match" }).click();
  await page.getByText("All contacts that match are selected").waitFor();
  await expectAccessible(page);
  await page.getByRole("checkbox", { name: "Select Ayu" }).uncheck();
  await page.getByText("1 contact selected").waitFor();
  await page.getByText("Contacts that were not loaded yet are no longer selected.").waitFor();
  expect(await page.getByRole("checkbox", { name: "Select Bayu" }).isChecked()).toBe(true);
  // Deleted contacts cannot be selected.
  await page.getByRole("link", { name: "Recently deleted" }).click();
  await page.getByText("No deleted contacts.").waitFor();
  expect(await page.getByRole("button", { name: "Select all that match" }).count()).toBe(0);
  await page.getByRole("link", { name: "All contacts" }).click();
  await page.getByRole("link", { name: "Export", exact: true }).click();
  await page.waitForURL("**/exports/new?selected=1");
});

test("Retention: restoring a contact whose key another contact has says so", async () => {
  const company = await createCompany({ people: { Maya: {} } });
  const { api } = company.people["Maya"]!;
  const id = await create(company, "Maya", "Ayu Lestari", [], { external_id: "C-1" });
  await api.DELETE("/cdp/customers/{id}", { params: { path: { id } } });
  await create(company, "Maya", "Her successor", [], { external_id: "C-1" });
  const page = await visit(company.people["Maya"]!, "/customers?view=deleted");
  await page.getByRole("button", { name: "Restore Ayu Lestari" }).click();
  await page.getByText("Another contact has the same External ID now").first().waitFor();
});

test("Retention: a deleted contact is undone at once, or restored from Recently deleted", async () => {
  const company = await createCompany({ people: { Maya: {} } });
  const other = await create(company, "Maya", "Siti Rahma", []);
  await company.people["Maya"]!.api.DELETE("/cdp/customers/{id}", { params: { path: { id: other } } });
  const id = await create(company, "Maya", "Ayu Lestari", []);
  const page = await visit(company.people["Maya"]!, `/customers/${id}`);
  const remove = async () => {
    await page.getByRole("button", { name: "Delete contact" }).click();
    await page.getByRole("dialog", { name: "Delete Ayu Lestari?" }).getByRole("button", { name: "Delete" }).click();
    await page.getByText("Ayu Lestari was deleted.").first().waitFor();
  };
  await remove();
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByRole("link", { name: "Ayu Lestari" }).click();
  await remove();
  await page.getByRole("link", { name: "Recently deleted" }).click();
  await page.getByText("Can be restored until").first().waitFor();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Restore Ayu Lestari" }).click();
  await expectFocus(page.getByRole("button", { name: "Restore Siti Rahma" }));
  await page.keyboard.press("Enter");
  await page.getByText("No deleted contacts.").waitFor();
  await expectFocus(page.getByRole("heading", { name: "Recently deleted" }));
  await page.getByRole("link", { name: "All contacts" }).click();
  await page.getByRole("link", { name: "Ayu Lestari" }).waitFor();
});
