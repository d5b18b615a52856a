import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { createCompany, downloaded, expectAccessible, visit, type TestPerson } from "./harness";

const endpoint = /\/cdp\/customers\/import\?(?!.*dry_run=true)/;

async function importer() {
  const { people } = await createCompany({ people: { "Sinta Maharani": {} } });
  return people["Sinta Maharani"]!;
}

async function choose(page: Page, content: string | Buffer, name = "contacts.csv") {
  await page.locator("input[type=file]").setInputFiles({ name, mimeType: "text/csv", buffer: Buffer.from(content) });
}

/** A file with as many people, each with an address of their own. */
const file = (count: number) => `Name,Email\n${Array.from({ length: count }, (_, index) => `Person ${index + 1},person.${index + 1}@customers.example\n`).join("")}`;

async function contacts(person: TestPerson) {
  const { data } = await person.api.GET("/cdp/customers", { params: { query: { limit: 100, order_by: "name" } } });
  return data?.data.map((contact) => contact.name) ?? [];
}

test("Import: the mapping is proposed and corrected, and two bad rows are downloaded with their reasons", async () => {
  const sinta = await importer();
  const page = await visit(sinta, "/import");
  await page.getByText("Drop a CSV file here").waitFor();
  await expectAccessible(page);

  await choose(page, 'Name;Email;Ref;Loyalty tier\r\nAyu;ayu@b.example;7;gold\r\nBad;bad@b.example;8;silver;extra\r\n"Citra";citra@b.example;9;gold\r\nNo address;not-an-address;;\r\n');
  await page.getByText("4 rows").first().waitFor();
  expect(await page.getByLabel("Field for the column Email").inputValue()).toBe("emails");
  expect(await page.getByLabel("Separator").inputValue()).toBe("semicolon");
  const tier = page.getByLabel("Field for the column Loyalty tier");
  expect(await tier.inputValue()).toBe("custom.loyalty_tier");
  expect((await tier.locator("option:checked").textContent())?.trim()).toBe("loyalty_tier (new custom field)");
  await page.getByRole("region", { name: "The first contacts" }).getByText("ayu@b.example").waitFor();
  await page.getByLabel("Field for the column Ref").selectOption({ label: "External ID" });
  await page.getByRole("columnheader", { name: "External ID" }).waitFor();
  await expectAccessible(page);

  await page.getByText("1 row cannot be read and will be rejected").waitFor();
  await page.getByText("So far, only the structure of the rows was checked.").waitFor();
  await page.getByRole("button", { name: "Import 4 rows" }).click();
  await page.getByRole("heading", { name: "Import finished" }).waitFor();
  await page.getByRole("heading", { name: "2 rows were rejected" }).waitFor();
  await expectAccessible(page);
  const rejected = await downloaded(page, () => page.getByRole("button", { name: "Download rejected rows" }).click());
  expect(rejected.name).toBe("contacts-rejected.csv");
  expect(rejected.bytes.toString().split("\r\n")).toEqual([
    "\ufeffName;Email;Ref;Loyalty tier;Import row;Import line;Import error",
    '"Bad;bad@b.example;8;silver;extra";;;;2;3;The row has 5 cells, but the file has 4 columns. A cell that contains the separator must be in quotes.',
    "No address;not-an-address;;;4;5;An email address of the row is not valid.",
    "",
  ]);

  await page.getByRole("link", { name: "Go to the contacts" }).waitFor();
  expect(await contacts(sinta)).toEqual(["Ayu", "Citra"]);
  const { data } = await sinta.api.GET("/cdp/customers/by-email/{email}", { params: { path: { email: "ayu@b.example" } } });
  expect(data?.data).toMatchObject({ external_id: "7", custom_fields: { loyalty_tier: "gold" } });
});

test("Import: an import whose connection drops in the middle stops and resumes from the row", async () => {
  const sinta = await importer();
  const page = await visit(sinta, "/import");
  let part = 0;
  await page.route(endpoint, async (route) => {
    part += 1;
    if (part === 2) await page.context().setOffline(true);
    await route.continue().catch(() => route.abort());
  });
  await choose(page, file(250));
  await page.getByRole("button", { name: "Import 250 rows" }).click();
  await page.getByText("The connection was lost.").waitFor();
  await page.getByText("100 of 250 rows").waitFor();
  await expectAccessible(page);

  await page.getByRole("button", { name: "Stop" }).click();
  await page.getByText("Row 101 and those after it have not been imported yet.").waitFor();
  expect(await contacts(sinta)).toHaveLength(100);
  await page.context().setOffline(false);
  await page.getByRole("button", { name: "Continue from row 101" }).click();
  await page.getByRole("heading", { name: "Import finished" }).waitFor();
  await page.getByText("250 of 250 rows").waitFor();
  expect(await page.locator("dl").innerText()).toMatch(/Created\s+250\s+Updated or unchanged\s+0\s+Skipped\s+0\s+Rejected\s+0/);
});

test("Import: it continues by itself when the device is online again", async () => {
  const sinta = await importer();
  const page = await visit(sinta, "/import");
  await choose(page, file(20));
  await page.getByRole("region", { name: "The first contacts" }).waitFor();
  await page.context().setOffline(true);
  await page.getByRole("button", { name: "Import 20 rows" }).click();
  await page.getByText("The connection was lost.").waitFor();
  await page.context().setOffline(false);
  await page.getByRole("heading", { name: "Import finished" }).waitFor();
});

test("Import: it goes on while the user looks at other pages", async () => {
  const sinta = await importer();
  const page = await visit(sinta, "/import");
  await choose(page, file(150));
  await page.getByRole("button", { name: "Import 150 rows" }).click();
  await page.getByRole("link", { name: "All contacts" }).click();
  await page.getByRole("heading", { name: "All contacts" }).waitFor();
  await page.getByRole("link", { name: "Import", exact: true }).click();
  await page.getByRole("heading", { name: "Import finished" }).waitFor();
  await page.getByText("150 of 150 rows").waitFor();
  await page.getByRole("link", { name: "All contacts" }).click();
  await page.getByRole("link", { name: "Person 150", exact: true }).waitFor();
});

test("Import: after the page was closed in the middle, the same file continues from the row", async () => {
  const sinta = await importer();
  const page = await visit(sinta, "/import");
  const upload = { name: "large.csv", mimeType: "text/csv", buffer: Buffer.from(file(150)) };
  const pick = (files: typeof upload) =>
    page.locator("input[type=file]").evaluate((input: HTMLInputElement, { name, text }) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([text], name, { lastModified: 1_700_000_000_000 }));
      input.files = transfer.files;
      input.dispatchEvent(new Event("change"));
    }, { name: files.name, text: files.buffer.toString() });
  let part = 0;
  await page.route(endpoint, (route) => (++part === 2 ? route.abort() : route.continue()));
  await pick(upload);
  await page.getByRole("button", { name: "Import 150 rows" }).click();
  await page.getByText("100 of 150 rows").waitFor();
  await page.getByText("The connection was lost.").waitFor();

  page.on("dialog", (dialog) => void dialog.accept());
  await page.reload();
  await pick(upload);
  await page.getByText("An import of this file stopped at row 101.").waitFor();
  await page.getByRole("button", { name: "Continue from row 101" }).click();
  await page.getByRole("heading", { name: "Import finished" }).waitFor();
  await page.getByText("150 of 150 rows").waitFor();
  expect(await page.locator("dl").innerText()).toMatch(/Created\s+50/);
});

test("Import: a busy service is asked again after Retry-After, and a part that is too large is halved", async () => {
  const sinta = await importer();
  const page = await visit(sinta, "/import");
  const sizes: number[] = [];
  await page.route(endpoint, async (route) => {
    sizes.push((route.request().postData() ?? "").trim().split("\n").length - 1);
    const headers = { "Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After", "Retry-After": "1" };
    if (sizes.length === 1) await route.fulfill({ status: 429, headers, json: { error: "THROTTLED", message: "too many requests", details: {} } });
    else if (sizes.length === 2) await route.fulfill({ status: 413, headers, json: { message: "Request Too Long" } });
    else await route.continue();
  });
  await choose(page, file(10));
  await page.getByRole("button", { name: "Import 10 rows" }).click();
  await page.getByText("Too many requests.").waitFor();
  await page.getByRole("heading", { name: "Import finished" }).waitFor();
  expect(sizes).toEqual([10, 10, 5, 5]);
});

test("Import: files in other encodings keep their letters, and unclear ones are asked for", async () => {
  const sinta = await importer();
  const page = await visit(sinta, "/import");
  // This file is dropped instead of chosen.
  const dropped = await page.evaluateHandle((bytes) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([Uint8Array.from(bytes)], "latin.csv", { type: "text/csv" }));
    return transfer;
  }, [...Buffer.from("Name;Email\nJosé Müller;jose@b.example\n", "latin1")]);
  await page.getByRole("region", { name: "Choose a file" }).dispatchEvent("drop", { dataTransfer: dropped });
  await page.getByRole("heading", { name: "latin.csv" }).waitFor();
  expect(await page.getByLabel("Encoding").inputValue()).toBe("windows-1252");
  await page.getByRole("button", { name: "Import 1 row" }).click();
  await page.getByRole("heading", { name: "Import finished" }).waitFor();
  expect(await contacts(sinta)).toEqual(["José Müller"]);

  await page.getByRole("button", { name: "Import another file" }).click();
  await choose(page, "Name;Last, first\nx;y\n");
  await page.getByText("The first row can be separated in two ways.").waitFor();
  await page.getByLabel("Separator").selectOption({ label: "Semicolon (;)" });
  await page.getByText("These columns cannot be imported yet.").waitFor();
  await page.getByText("Choose “Email addresses”, “External ID”, or “Contact ID” for one of the columns.").waitFor();
  expect(await page.getByRole("button", { name: "Import 1 row" }).isDisabled()).toBe(true);
  await expectAccessible(page);
  await page.getByLabel("Field for the column Name").selectOption({ label: "External ID" });
  await page.getByText("These columns cannot be imported yet.").waitFor({ state: "detached" });
});

test("Import: empty files, loading, errors and a missing permission are explained", async () => {
  const { people } = await createCompany({ people: { "Sinta Maharani": {}, Budi: { levels: { customers_customers_manage: "disabled" } } } });
  const page = await visit(people["Sinta Maharani"]!, "/import");
  await choose(page, "");
  await page.getByText("The file has no text.").waitFor();
  await choose(page, "Name,Email\n");
  await page.getByText("The file has the names of columns, but no rows.").waitFor();

  await page.route(/dry_run=true/, async (route) => route.abort());
  await page.getByRole("button", { name: "Choose another file" }).click();
  await choose(page, file(1));
  await page.getByText("No connection. Check your network and try again.").waitFor();
  await expectAccessible(page);
  await page.unroute(/dry_run=true/);
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByLabel("Field for the column Name").waitFor();

  const other = await visit(people["Budi"]!, "/import");
  await other.getByText("You do not have permission to create or change contacts.").waitFor();
  expect(await other.getByRole("link", { name: "Import" }).count()).toBe(0);
});
