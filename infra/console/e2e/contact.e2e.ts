import type { Page } from "playwright-core";
import { afterEach, expect, test } from "vitest";
import { choosePerson, clearFaults, createCompany, expectAccessible, expectFocus, fault, tokenLifetime, visit, world, type Company } from "./harness";

async function company(): Promise<Company> {
  return createCompany({
    teams: ["Jakarta", "Bandung", "Surabaya"],
    people: {
      Sinta: { level: "team", teams: ["Jakarta", "Bandung"] },
      Rina: { level: "team", teams: ["Surabaya"] },
      Tono: { level: "team" },
      Maya: { level: "everything", teams: ["Jakarta"] },
      Andre: { level: "team", levels: { customers_customers_manage: "own", customers_customers_delete: "own" } },
    },
  });
}

async function create({ people, teams }: Company, person: string, body: Record<string, unknown> & { team?: string }): Promise<string> {
  const { team, ...rest } = body;
  const { data, error } = await people[person]!.api.POST("/cdp/customers", { body: { team_owner_ids: team ? [teams[team]!] : [], ...rest } });
  if (!data) throw new Error(JSON.stringify(error));
  return data.data.id;
}

const stored = async ({ people }: Company, person: string, id: string) => {
  const { data } = await people[person]!.api.GET("/cdp/customers/{id}", { params: { path: { id } } });
  return data!.data;
};

const teamField = (page: Page) => page.getByRole("combobox", { name: "Team Owner" });
const editButton = (page: Page) => page.getByRole("button", { name: "Edit", exact: true });
const edit = (page: Page) => editButton(page).click();
const save = (page: Page) => page.getByRole("button", { name: "Save changes" }).click();

/** What the API answers to the token of the page. */
async function statusOfToken(page: Page): Promise<number> {
  const token = await page.evaluate(() => Object.values({ ...sessionStorage }).map((value) => /"access_token":"([^"]+)"/.exec(value)?.[1]).find(Boolean));
  return (await fetch(`${world().api}/cdp/me`, { headers: { Authorization: `Bearer ${token}` } })).status;
}

afterEach(async () => void (await clearFaults()));

test("TEAM-S10 AC-1: a new contact belongs to all teams of its creator, as chips", async () => {
  const world = await company();
  const page = await visit(world.people["Sinta"]!, "/customers/new");
  for (const team of ["Jakarta", "Bandung"]) await page.getByRole("button", { name: `Remove ${team}` }).waitFor();
  await expectAccessible(page);
  await page.getByLabel("Name", { exact: true }).fill("Citra Anggraini");
  await page.getByRole("textbox", { name: "Email" }).fill("citra@shop.example");
  await page.getByRole("button", { name: "Create contact" }).click();
  await page.getByRole("heading", { name: "Citra Anggraini", level: 1 }).waitFor();
  const contact = await stored(world, "Sinta", page.url().split("/").pop()!);
  expect([...contact.team_owner_ids].sort()).toEqual([world.teams["Jakarta"], world.teams["Bandung"]].sort());
  expect(contact.owner_id).toBe(world.people["Sinta"]!.id);
});

test("TEAM-S10 AC-2: the picker offers the viewer's own teams only, and is used by keyboard", async () => {
  const world = await company();
  const id = await create(world, "Sinta", { name: "Citra", team: "Jakarta" });
  const page = await visit(world.people["Sinta"]!, `/customers/${id}`);
  await edit(page);
  await teamField(page).focus();
  await page.keyboard.press("ArrowDown");
  const list = page.getByRole("listbox");
  await list.waitFor();
  expect(await list.getAttribute("aria-multiselectable")).toBe("true");
  expect((await page.getByRole("option").allTextContents()).map((text) => text.replace(/\W/g, "")).sort()).toEqual(["Bandung", "Jakarta"]);
  await expectAccessible(page);
  await teamField(page).pressSequentially("Ban");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Remove Bandung" }).waitFor();
  await page.keyboard.press("Escape");
  await save(page);
  await expect.poll(async () => (await stored(world, "Sinta", id)).team_owner_ids.length).toBe(2);
});

test("TEAM-S10 AC-4, RFC 3.E: chips are removed by keyboard, the focus returns to the input, and no team reads Unassigned", async () => {
  const world = await company();
  const id = await create(world, "Sinta", { name: "Citra", team: "Jakarta" });
  const page = await visit(world.people["Sinta"]!, `/customers/${id}`);
  await edit(page);
  await page.getByRole("button", { name: "Remove Jakarta" }).focus();
  await page.keyboard.press("Enter");
  await expectFocus(teamField(page));
  await page.getByText("Unassigned").waitFor();
  await save(page);
  await page.getByText("The changes were saved.").first().waitFor();
  expect((await stored(world, "Sinta", id)).team_owner_ids).toEqual([]);
});

test("TEAM-S10 AC-5, RFC 2.C: a creator without teams sees \"No teams assigned\" and creates an Unassigned contact", async () => {
  const world = await company();
  const page = await visit(world.people["Tono"]!, "/customers/new");
  await page.getByPlaceholder("No teams assigned").waitFor();
  await page.getByText("Unassigned").waitFor();
  await page.getByRole("button", { name: "Create contact" }).click();
  await expectFocus(page.getByRole("alert").filter({ hasText: "Enter a name, an email address or a phone number." }));
  await page.getByLabel("Name", { exact: true }).fill("Ayu");
  await page.getByLabel("Name", { exact: true }).press("Enter");
  await page.getByRole("heading", { name: "Ayu", level: 1 }).waitFor();
  expect((await stored(world, "Tono", page.url().split("/").pop()!)).team_owner_ids).toEqual([]);
});

test("TEAM-S10 AC-6: teams of others read \"Another team\"; a changed set with them is refused, and the field reverts", async () => {
  const world = await company();
  const id = await create(world, "Rina", { name: "Citra", team: "Surabaya", assignee_id: world.people["Sinta"]!.id });
  const page = await visit(world.people["Sinta"]!, `/customers/${id}`);
  await page.getByText("Another team", { exact: true }).waitFor();
  await edit(page);
  await page.getByText("a set with teams of others is refused").waitFor();
  await teamField(page).click();
  await page.getByRole("option", { name: "Jakarta" }).click();
  await page.keyboard.press("Escape");
  await page.getByLabel("Company").fill("Typed before the refusal");
  await save(page);
  await page.getByText("Could not save Team Owner. Try again.").first().waitFor();
  expect(await page.getByRole("button", { name: "Remove Jakarta" }).count()).toBe(0);
  await page.getByRole("button", { name: "Remove Another team" }).waitFor();
  expect(await page.getByLabel("Company").inputValue()).toBe("Typed before the refusal");
  await expectAccessible(page);
});

test("TEAM-S10 ERR-1, RFC 2.C: while teams cannot be loaded, the field says so and saving is blocked", async () => {
  const world = await company();
  const id = await create(world, "Sinta", { name: "Citra", team: "Jakarta" });
  await fault({ target: "launchpad.teams", status: 500 });
  const page = await visit(world.people["Maya"]!, `/customers/${id}`);
  // It is not known now whether it is a team of the viewer.
  await page.getByText("Unknown team", { exact: true }).waitFor();
  await edit(page);
  await page.getByText("Could not load teams. Try again.").waitFor();
  expect(await page.getByRole("button", { name: "Save changes" }).isDisabled()).toBe(true);
  await expectAccessible(page);
  await clearFaults();
  await expect.poll(async () => {
    const retry = page.getByRole("alert").getByRole("button", { name: "Try again" });
    if (await retry.isVisible()) await retry.click();
    return teamField(page).count();
  }, { timeout: 12_000 }).toBe(1);
  expect(await page.getByRole("button", { name: "Save changes" }).isDisabled()).toBe(false);
});

test("RFC 2.C, Team Owner: a spinner while the teams load", async () => {
  const { people } = await company();
  const page = await visit(people["Sinta"]!, "/exports");
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route(/\/cdp\/me\/teams/, async (route) => {
    await held;
    await route.continue();
  });
  await page.goto("/customers/new");
  await page.getByText("Loading teams…").waitFor();
  expect(await page.getByRole("button", { name: "Create contact" }).isDisabled()).toBe(true);
  release();
  await page.getByRole("button", { name: "Remove Jakarta" }).waitFor();
});

test("TEAM-S10 ERR-2: a failure of the server reverts the field, with a toast, and keeps the rest of what was typed", async () => {
  const world = await company();
  const id = await create(world, "Sinta", { name: "Citra", team: "Jakarta" });
  const page = await visit(world.people["Sinta"]!, `/customers/${id}`);
  await edit(page);
  await page.getByRole("button", { name: "Remove Jakarta" }).click();
  await page.getByLabel("Company").fill("Warung Citra");
  await page.route(/\/cdp\/customers\//, (route) =>
    route.request().method() === "PATCH"
      ? route.fulfill({ status: 503, contentType: "application/json", headers: { "Access-Control-Allow-Origin": "*", "Retry-After": "1" }, body: JSON.stringify({ error: "DIRECTORY_UNAVAILABLE", message: "", details: {} }) })
      : route.continue(),
  );
  await save(page);
  await page.getByText("Could not save Team Owner. Try again.").first().waitFor();
  await page.getByRole("button", { name: "Remove Jakarta" }).waitFor();
  expect(await page.getByLabel("Company").inputValue()).toBe("Warung Citra");
  await page.unroute(/\/cdp\/customers\//);
  await save(page);
  await page.getByText("The changes were saved.").first().waitFor();
  expect(await stored(world, "Sinta", id)).toMatchObject({ company_name: "Warung Citra", team_owner_ids: [world.teams["Jakarta"]] });
});

test("TEAM-S04 AC-1, AC-2: a contact in scope is edited; where the level does not reach, there is no way to edit", async () => {
  const world = await company();
  const mine = await create(world, "Sinta", { name: "Open to edit", team: "Jakarta" });
  const free = await create(world, "Maya", { name: "Unassigned one" });
  const page = await visit(world.people["Sinta"]!, `/customers/${mine}`);
  await edit(page);
  await page.getByLabel("Name", { exact: true }).fill("Edited");
  await save(page);
  await page.getByRole("heading", { name: "Edited", level: 1 }).waitFor();
  const andre = await visit(world.people["Andre"]!, `/customers/${free}`);
  await andre.getByRole("heading", { name: "Unassigned one", level: 1 }).waitFor();
  expect(await andre.getByRole("button", { name: "Edit", exact: true }).count()).toBe(0);
});

test("TEAM-S06 AC-1, AC-2: a contact in scope is deleted; where the level does not reach, there is no way to delete", async () => {
  const world = await company();
  const id = await create(world, "Sinta", { name: "To be deleted", team: "Jakarta" });
  const free = await create(world, "Maya", { name: "Unassigned one" });
  const andre = await visit(world.people["Andre"]!, `/customers/${free}`);
  await andre.getByRole("heading", { name: "Unassigned one", level: 1 }).waitFor();
  expect(await andre.getByRole("button", { name: "Delete contact" }).count()).toBe(0);
  const page = await visit(world.people["Sinta"]!, `/customers/${id}`);
  await page.getByRole("button", { name: "Delete contact" }).click();
  await expectAccessible(page);
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.getByText("To be deleted was deleted.").first().waitFor();
  await page.getByRole("heading", { name: "All contacts" }).waitFor();
});

test("Contact: a contact with changes that are not saved is deleted", async () => {
  const world = await company();
  const id = await create(world, "Maya", { name: "Ayu" });
  const page = await visit(world.people["Maya"]!, `/customers/${id}`);
  await edit(page);
  await page.getByLabel("Company").fill("Not saved");
  await page.getByRole("button", { name: "Delete contact" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.getByText("Ayu was deleted.").first().waitFor();
  await page.getByRole("heading", { name: "All contacts", level: 1 }).waitFor();
  await page.getByText("No contacts yet.").waitFor();
});

test("Contact: errors stand next to their fields, in words", async () => {
  const world = await company();
  const page = await visit(world.people["Maya"]!, "/customers/new");
  await page.getByLabel("Name", { exact: true }).fill("Ayu");
  await page.getByRole("textbox", { name: "Email" }).fill("no address");
  await page.getByRole("button", { name: "Create contact" }).click();
  await page.getByText("The email address is not valid or is too long.").waitFor();
  const email = page.getByRole("textbox", { name: "Email" });
  expect(await email.getAttribute("aria-invalid")).toBe("true");
  await expectFocus(email);
  await expectAccessible(page);
  await email.fill("ayu@shop.example");
  await page.getByLabel("External ID").fill("x".repeat(300));
  await page.getByRole("button", { name: "Create contact" }).click();
  await page.getByText("The external ID is too long. It can have at most 256 bytes.").waitFor();
});

test("Contact: a possible duplicate is named after the creation", async () => {
  const world = await company();
  await create(world, "Maya", { name: "Ayu the first", emails: ["ayu@shop.example"] });
  const page = await visit(world.people["Maya"]!, "/customers/new");
  await page.getByLabel("Name", { exact: true }).fill("Ayu again");
  await page.getByRole("textbox", { name: "Email" }).fill("AYU@shop.example");
  await page.getByRole("button", { name: "Create contact" }).click();
  await page.getByText("Possible duplicate").waitFor();
  await expectAccessible(page);
  await page.getByRole("link", { name: "Open Ayu the first" }).click();
  await page.getByRole("heading", { name: "Ayu the first", level: 1 }).waitFor();
});

test("Contact: custom fields are edited by their types", async () => {
  const world = await company();
  const id = await create(world, "Maya", { name: "Ayu", custom_fields: { tier: "gold", outlets: 3, active: true, since: "2020-01-31", likes: ["tea", "milk"] } });
  const page = await visit(world.people["Maya"]!, `/customers/${id}`);
  await edit(page);
  await page.getByLabel("outlets").fill("12345678901234567890");
  await save(page);
  await page.getByText("This number has too many digits to be stored exactly.").waitFor();
  await expectFocus(page.getByLabel("outlets"));
  await page.getByLabel("outlets").fill("4.5");
  await page.getByLabel("active").selectOption("false");
  await page.getByRole("button", { name: "Remove milk" }).click();
  await expectFocus(page.getByLabel("likes"));
  await page.getByLabel("tier").fill("");
  await page.getByRole("button", { name: "Add a custom field" }).click();
  await expectFocus(page.getByLabel("Name of the field"));
  await page.getByLabel("Name of the field").fill("size");
  await page.getByLabel("Type").selectOption("number");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await expectFocus(page.getByLabel("size"));
  await page.getByLabel("size").fill("12");
  await expectAccessible(page);
  await save(page);
  await page.getByText("The changes were saved.").first().waitFor();
  expect((await stored(world, "Maya", id)).custom_fields).toEqual({ outlets: 4.5, active: false, since: "2020-01-31", likes: ["tea"], size: 12 });
});

test("Contact: in Indonesian, numbers and dates have the notation of the language", async () => {
  const { people } = await createCompany({ locale: "id", people: { Maya: {} } });
  const world = { people, teams: {} } as Company;
  const id = await create(world, "Maya", { name: "Ayu", custom_fields: { luas: 1234.5, lahir: "1990-02-03" } });
  const page = await visit(people["Maya"]!, `/customers/${id}`, { timezoneId: "America/New_York" });
  for (const text of ["1234,5", "3 Feb 1990"]) await page.getByText(text, { exact: true }).waitFor();
  await page.getByRole("button", { name: "Ubah", exact: true }).click();
  const area = page.getByLabel("luas");
  expect(await area.inputValue()).toBe("1234,5");
  await area.fill("1.500");
  await area.press("Enter");
  await page.getByText("Masukkan angka tanpa pemisah ribuan").waitFor();
  await area.fill("1,5");
  await area.press("Enter");
  await page.getByText("1,5", { exact: true }).waitFor();
  expect((await stored(world, "Maya", id)).custom_fields).toEqual({ luas: 1.5, lahir: "1990-02-03" });
});

test("Contact: owner and assignee are found as the user types", async () => {
  const world = await company();
  const id = await create(world, "Maya", { name: "Ayu" });
  const page = await visit(world.people["Maya"]!, `/customers/${id}`);
  await edit(page);
  const assignee = page.getByRole("combobox", { name: "Assignee" });
  await assignee.click();
  await assignee.fill("unknown");
  await page.getByText("No matching people").waitFor();
  await assignee.press("Enter");
  await assignee.fill("sin");
  await page.getByRole("option", { name: /Sinta/ }).waitFor();
  await expectAccessible(page);
  await assignee.press("ArrowDown");
  await assignee.press("Enter");
  await save(page);
  await page.getByText("The changes were saved.").first().waitFor();
  expect((await stored(world, "Maya", id)).assignee_id).toBe(world.people["Sinta"]!.id);
});

test("Contact: a lost connection keeps what was typed, and saving works when it is back", async () => {
  const world = await company();
  const id = await create(world, "Maya", { name: "Ayu" });
  const page = await visit(world.people["Maya"]!, `/customers/${id}`);
  await edit(page);
  await page.getByLabel("Company").fill("Typed offline");
  await page.context().setOffline(true);
  await save(page);
  await expectFocus(page.getByRole("alert").filter({ hasText: "No connection. Check your network and try again." }));
  expect(await page.getByLabel("Company").inputValue()).toBe("Typed offline");
  await page.context().setOffline(false);
  await save(page);
  await page.getByText("The changes were saved.").first().waitFor();
  expect((await stored(world, "Maya", id)).company_name).toBe("Typed offline");
  await expectFocus(editButton(page));
});

test("Contact: a conflict keeps what was typed, and undoes nothing of the other person's change", async () => {
  const world = await company();
  const id = await create(world, "Maya", { name: "Ayu" });
  const page = await visit(world.people["Maya"]!, `/customers/${id}`);
  await edit(page);
  await page.getByLabel("Company").fill("Mine");
  await world.people["Maya"]!.api.PATCH("/cdp/customers/{id}", { params: { path: { id } }, body: { source: "theirs" } });
  let refuse = true;
  await page.route(/\/cdp\/customers\//, (route) => {
    if (route.request().method() !== "PATCH" || !refuse) return route.continue();
    refuse = false;
    return route.fulfill({ status: 409, contentType: "application/json", headers: { "Access-Control-Allow-Origin": "*" }, body: JSON.stringify({ error: "CONFLICT", message: "", details: {} }) });
  });
  await save(page);
  await page.getByText("Another person changed this at the same time. Try again.").waitFor();
  expect(await page.getByLabel("Company").inputValue()).toBe("Mine");
  await save(page);
  await page.getByText("The changes were saved.").first().waitFor();
  expect(await stored(world, "Maya", id)).toMatchObject({ company_name: "Mine", source: "theirs" });
});

test("Contact: leaving with changes that are not saved asks first", async () => {
  const world = await company();
  const id = await create(world, "Maya", { name: "Ayu" });
  const page = await visit(world.people["Maya"]!, `/customers/${id}`);
  await edit(page);
  await page.getByLabel("Company").fill("Not saved");
  await page.getByRole("button", { name: "Account of Maya" }).click();
  await page.getByRole("menuitemcheckbox", { name: "Bahasa Indonesia" }).click();
  // Another language keeps what was typed.
  expect(await page.getByLabel("Perusahaan").inputValue()).toBe("Not saved");
  await page.getByRole("menuitemcheckbox", { name: "English" }).click();
  await page.keyboard.press("Escape");
  await page.getByRole("link", { name: "Assigned to me" }).click();
  await page.getByRole("dialog", { name: "Leave without saving?" }).getByRole("button", { name: "Stay here" }).click();
  expect(await page.getByLabel("Company").inputValue()).toBe("Not saved");
  await page.getByRole("link", { name: "Assigned to me" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Stay here" }).click();
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("dialog", { name: "Discard the changes?" }).getByRole("button", { name: "Discard" }).click();
  await expectFocus(editButton(page));
  await edit(page);
  await page.getByLabel("Company").fill("Not saved either");
  await page.getByRole("link", { name: "Assigned to me" }).click();
  await page.getByRole("button", { name: "Leave", exact: true }).click();
  await page.getByRole("heading", { name: "Assigned to me" }).waitFor();
});

test("Contact: a user who gives a contact away comes back to the list", async () => {
  const world = await company();
  const id = await create(world, "Rina", { name: "Citra", team: "Surabaya", assignee_id: world.people["Sinta"]!.id });
  const page = await visit(world.people["Sinta"]!, `/customers/${id}`);
  await edit(page);
  await page.getByRole("button", { name: "Clear Assignee" }).click();
  await expectFocus(page.getByRole("combobox", { name: "Assignee" }));
  await save(page);
  await page.getByText("The changes were saved. You can no longer see this contact.").first().waitFor();
  await page.getByRole("heading", { name: "All contacts", level: 1 }).waitFor();
  await page.getByText("No contacts in your team yet.").waitFor();
});

test("Contact: while mentions are off, the picker says so and offers the people who are known already", async () => {
  const { people } = await createCompany({ flags: { mention: false }, people: { Maya: {}, Sinta: {}, Rina: {} } });
  const id = await create({ people, teams: {} } as Company, "Maya", { name: "Ayu", owner_id: people["Sinta"]!.id });
  const page = await visit(people["Maya"]!, `/customers/${id}`);
  await page.getByRole("button", { name: "Who can see this?" }).click();
  const person = page.getByRole("combobox", { name: "Person" });
  await person.click();
  await page.getByText("People cannot be searched, because mentions are not enabled for your company.").waitFor();
  expect(await page.getByRole("option").allInnerTexts()).toEqual([expect.stringContaining("Maya (you)"), expect.stringContaining("Sinta")]);
  await person.fill("sin");
  await expect.poll(() => page.getByRole("option").count()).toBe(1);
  await person.press("Enter");
  await page.getByText("The level is “everything”.").first().waitFor();
});

test("Contact: \"Who can see this?\" names the rule and the teams, for users who see everything", async () => {
  const world = await company();
  const id = await create(world, "Sinta", { name: "Ayu", team: "Jakarta" });
  const page = await visit(world.people["Maya"]!, `/customers/${id}`);
  await page.getByRole("button", { name: "Who can see this?" }).click();
  const person = page.getByRole("combobox", { name: "Person" });
  expect(await person.getAttribute("placeholder")).toBe("Choose a person");
  await person.click();
  await person.fill("rina");
  await page.getByRole("option", { name: /Rina/ }).click();
  await page.getByText("The contact belongs to other teams and other people.").first().waitFor();
  await expectAccessible(page);
  const sinta = await visit(world.people["Sinta"]!, `/customers/${id}`);
  await sinta.getByRole("heading", { name: "Ayu", level: 1 }).waitFor();
  expect(await sinta.getByRole("button", { name: "Who can see this?" }).count()).toBe(0);
});

test("Sign-in: after the end of a session another person cannot go on with the page", async () => {
  const world = await company();
  const id = await create(world, "Maya", { name: "Ayu" });
  const page = await visit(world.people["Maya"]!, `/customers/${id}`);
  await edit(page);
  await page.getByLabel("Company").fill("Typed by Maya");
  await page.route(/\/cdp\/customers\//, (route) => route.fulfill({ status: 401, json: { message: "Unauthorized" }, headers: { "Access-Control-Allow-Origin": "*" } }), { times: 1 });
  await save(page);
  const dialog = page.getByRole("dialog", { name: "Your session has ended" });
  await expectFocus(dialog.getByRole("button", { name: "Sign in again" }));
  const [closed] = await Promise.all([page.waitForEvent("popup"), dialog.getByRole("button", { name: "Sign in again" }).click()]);
  await closed.close();
  await dialog.getByText("Signing in did not work.").waitFor();
  for (const [name, outcome] of [["Rina", "visible"], ["Maya", "hidden"]] as const) {
    const [popup] = await Promise.all([page.waitForEvent("popup"), dialog.getByRole("button", { name: "Sign in again" }).click()]);
    await choosePerson(popup, world.people[name]!);
    if (outcome === "visible") await dialog.getByText("You signed in as another person. Sign in as Maya to continue here").waitFor();
    else await dialog.waitFor({ state: "hidden" });
  }
  await page.getByText("The changes were saved.").first().waitFor();
  expect((await stored(world, "Maya", id)).company_name).toBe("Typed by Maya");
});

test("Sign-in: when the token expires in the middle of an edit, signing in again in a pop-up loses nothing", async () => {
  const world = await company();
  const id = await create(world, "Maya", { name: "Ayu" });
  try {
    await tokenLifetime(6);
    const page = await visit(world.people["Maya"]!, `/customers/${id}`);
    await edit(page);
    await page.getByLabel("Company").fill("Typed before the end");
    await tokenLifetime(3600);
    await expect.poll(() => statusOfToken(page), { timeout: 15_000 }).toBe(401);

    await save(page);
    const dialog = page.getByRole("dialog", { name: "Your session has ended" });
    await dialog.waitFor();
    await expectAccessible(page);
    const [popup] = await Promise.all([page.waitForEvent("popup"), dialog.getByRole("button", { name: "Sign in again" }).click()]);
    await choosePerson(popup, world.people["Maya"]!);
    await dialog.waitFor({ state: "hidden" });
    // The save that met the end goes on by itself.
    await page.getByText("The changes were saved.").first().waitFor();
    expect((await stored(world, "Maya", id)).company_name).toBe("Typed before the end");
  } finally {
    await tokenLifetime(3600);
  }
});
