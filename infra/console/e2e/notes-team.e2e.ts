import { expect, test } from "vitest";
import { createCompany, expectAccessible, visit } from "./harness";

/** A contact of Jakarta with a note of Sinta's, which Budi of the same team opens. */
async function scene() {
  const company = await createCompany({
    teams: ["Jakarta"],
    people: { Sinta: { level: "team", teams: ["Jakarta"] }, Budi: { level: "team", teams: ["Jakarta"] }, Yuki: { level: "team", teams: ["Jakarta"], levels: { customers_customernotes_view: "disabled", customers_customernotes_add: "disabled" } } },
  });
  const { data } = await company.people["Sinta"]!.api.POST("/cdp/customers", { body: { name: "Citra", team_owner_ids: [company.teams["Jakarta"]!] } });
  const id = data!.data.id;
  const write = (note: string) => company.people["Sinta"]!.api.POST("/v1/contacts/{contact_id}/notes", { params: { path: { contact_id: id } }, body: { note } });
  return { people: company.people, id, write };
}

test("TEAM-S12 AC-1, RFC 2.C: notes show a skeleton, \"No notes yet.\", \"Could not load notes.\" and the notes of a contact in scope", async () => {
  const { people, id, write } = await scene();
  const page = await visit(people["Budi"]!, "/exports");
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route(/\/notes(\?|$)/, async (route) => {
    await held;
    await route.continue();
  });
  await page.goto(`/customers/${id}`);
  const panel = page.getByRole("region", { name: "Notes" });
  await panel.locator("[aria-busy='true']").waitFor();
  release();
  await panel.getByText("No notes yet.").waitFor();
  await page.unroute(/\/notes(\?|$)/);

  await write("<p>Asked for a quote.</p>");
  await page.route(/\/notes(\?|$)/, (route) => route.fulfill({ status: 500, json: { error: "INTERNAL", message: "", details: {} }, headers: { "Access-Control-Allow-Origin": "*" } }));
  await page.reload();
  await panel.getByText("Could not load notes.").waitFor();
  await expectAccessible(page);
  await page.unroute(/\/notes(\?|$)/);
  await panel.getByRole("button", { name: "Try again" }).click();
  await panel.getByText("Asked for a quote.").waitFor();
});

test("TEAM-S12: with the level disabled there are no notes on the page", async () => {
  const { people, id, write } = await scene();
  await write("<p>Asked for a quote.</p>");
  const page = await visit(people["Yuki"]!, `/customers/${id}`);
  await page.getByRole("heading", { name: "Citra", level: 1 }).waitFor();
  expect(await page.getByRole("region", { name: "Notes" }).count()).toBe(0);
  expect(await page.getByText("Asked for a quote.").count()).toBe(0);
});

test("TEAM-S14 AC-1, S16 AC-1: notes of others on a contact in scope are offered for editing, and are deleted, as each note's permission allows", async () => {
  const { people, id, write } = await scene();
  await write("<p>Asked for a quote.</p>");
  const page = await visit(people["Budi"]!, `/customers/${id}`);
  const actions = page.getByRole("button", { name: /^Actions for/ });
  await actions.click();
  await page.getByRole("menuitem", { name: "Edit" }).waitFor();
  await page.getByRole("menuitem", { name: "Delete" }).click();
  await page.getByRole("dialog", { name: "Delete this note?" }).getByRole("button", { name: "Delete" }).click();
  await page.getByText("No notes yet.").waitFor();
});
