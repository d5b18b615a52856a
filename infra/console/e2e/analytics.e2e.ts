import type { Page } from "playwright-core";
import { afterEach, expect, test } from "vitest";
import { clearFaults, createCompany, fault, local, visit, type Company } from "./harness";

/** Sinta is in two teams; Rina is in another; Maya sees everything. */
const salesCompany = () =>
  createCompany({
    teams: ["Jakarta", "Bandung", "Surabaya"],
    people: { Sinta: { level: "team", teams: ["Jakarta", "Bandung"] }, Rina: { level: "team", teams: ["Surabaya"] }, Maya: { level: "everything" } },
  });

async function create({ people }: Company, person: string, body: object): Promise<string> {
  const { data, error } = await people[person]!.api.POST("/cdp/customers", { body });
  if (!data) throw new Error(JSON.stringify(error));
  return data.data.id;
}

/** The properties of the events with a name that have arrived. */
async function arrived(name: string): Promise<object[]> {
  const { data } = (await local("GET", `events?name=${name}`)) as { data: Record<string, unknown>[] };
  return data
    .filter((event) => event["function"] === "console")
    .map(({ timestamp: _time, level: _level, event_name: _name, function: _function, ...properties }) => properties);
}

/** The events with a name that arrive from now on; `expectNext` waits for one and for no second one. */
async function follow(name: string) {
  let seen = (await arrived(name)).length;
  return async (properties: object): Promise<void> => {
    await expect.poll(async () => (await arrived(name)).slice(seen)).toEqual([properties]);
    seen += 1;
  };
}

const save = (page: Page, name = "Save changes") => page.getByRole("button", { name }).click();

afterEach(async () => void (await clearFaults()));

test("RFC, Observability: cdp_team_owner_field_saved is sent once for each save of Team Owner, and for no other save", async () => {
  const { people } = await salesCompany();
  const expectNext = await follow("cdp_team_owner_field_saved");
  const page = await visit(people["Sinta"]!, "/customers/new");
  await page.getByLabel("Name", { exact: true }).fill("Citra");
  await page.getByRole("button", { name: "Remove Jakarta" }).waitFor();
  await save(page, "Create contact");
  await page.getByRole("heading", { name: "Citra", level: 1 }).waitFor();
  await expectNext({ team_owner_count: 2, was_autofilled: true, cleared_to_unassigned: false });

  const edit = async (change: () => Promise<void>) => {
    await page.getByRole("button", { name: "Edit", exact: true }).click();
    await change();
    await save(page);
    await page.getByRole("button", { name: "Edit", exact: true }).waitFor();
  };
  await edit(() => page.getByLabel("Company").fill("Warung Citra"));
  await edit(() => page.getByRole("button", { name: "Remove Jakarta" }).click());
  await expectNext({ team_owner_count: 1, was_autofilled: false, cleared_to_unassigned: false });
  await edit(() => page.getByRole("button", { name: "Remove Bandung" }).click());
  await expectNext({ team_owner_count: 0, was_autofilled: false, cleared_to_unassigned: true });
});

test("RFC, Observability: cdp_team_owner_save_rejected has the number of teams that the API refused", async () => {
  const company = await salesCompany();
  const id = await create(company, "Rina", { name: "Citra", team_owner_ids: [company.teams["Surabaya"]!], assignee_id: company.people["Sinta"]!.id });
  const expectNext = await follow("cdp_team_owner_save_rejected");
  const saved = await arrived("cdp_team_owner_field_saved");
  const page = await visit(company.people["Sinta"]!, `/customers/${id}`);
  await page.getByRole("button", { name: "Edit", exact: true }).click();
  await page.getByRole("combobox", { name: "Team Owner" }).click();
  await page.getByRole("option", { name: "Jakarta" }).click();
  await page.keyboard.press("Escape");
  await save(page);
  await page.getByText("Could not save Team Owner. Try again.").first().waitFor();
  await expectNext({ rejected_team_count: 1 });
  expect(await arrived("cdp_team_owner_field_saved")).toEqual(saved);
});

test("RFC, Observability: cdp_team_filter_view_loaded is sent once each time the team list view opens", async () => {
  const company = await salesCompany();
  const expectNext = await follow("cdp_team_filter_view_loaded");
  const page = await visit(company.people["Sinta"]!, "/customers/teams");
  await page.getByText("No contacts in your team yet.").waitFor();
  await expectNext({ result_count: 0, is_empty: true });

  await page.getByRole("link", { name: "All contacts" }).click();
  await page.getByRole("heading", { name: "All contacts", level: 1 }).waitFor();
  for (const name of ["Citra", "Dewi"]) await create(company, "Sinta", { name, team_owner_ids: [company.teams["Jakarta"]!] });
  await page.goto("/customers?view=teams");
  await page.getByRole("link", { name: "Citra" }).waitFor();
  await expectNext({ result_count: 2, is_empty: false });
  // A filter shows the same view.
  await page.getByRole("searchbox", { name: "Search contacts" }).fill("Dewi");
  await expect.poll(() => page.getByRole("link", { name: "Citra" }).count()).toBe(0);
  await page.getByRole("link", { name: "All contacts" }).click();
  await page.getByRole("heading", { name: "All contacts", level: 1 }).waitFor();
  await page.getByRole("link", { name: "Teams", exact: true }).click();
  await expectNext({ result_count: 2, is_empty: false });
});

test("RFC, Observability: cdp_team_fallback_banner_shown names the list, the detail or the association", async () => {
  const company = await salesCompany();
  const id = await create(company, "Maya", { name: "My own contact", owner_id: company.people["Sinta"]!.id });
  const expectNext = await follow("cdp_team_fallback_banner_shown");
  await fault({ target: "launchpad.teams", status: 500 });
  const banner = "Showing only your contacts — team filter temporarily unavailable";
  const page = await visit(company.people["Sinta"]!, "/customers");
  await page.getByText(banner).waitFor();
  await expectNext({ surface: "list" });
  // Trying again while teams are missing shows no new banner.
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByRole("link", { name: "My own contact" }).click();
  await page.waitForURL(`**/customers/${id}`);
  await page.getByText(banner).waitFor();
  await expectNext({ surface: "detail" });

  await page.getByRole("link", { name: "Exports" }).click();
  await page.getByText(banner).waitFor({ state: "detached" });
  await page.getByRole("combobox", { name: "Find a contact" }).fill("own contact");
  await page.getByText(banner).waitFor();
  await expectNext({ surface: "assoc" });
});
