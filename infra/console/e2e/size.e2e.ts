import { randomUUID } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { createCompany, visit, world, type TestPerson } from "./harness";
import { asDeployed } from "./scenes/deployment";

const CONTACTS = 5_000;

/** Answers the list with many contacts, page by page. Writing them all would take longer than all other tests. */
async function answerWithMany(page: Page, person: TestPerson): Promise<void> {
  const { data } = await person.api.POST("/cdp/customers", { body: { name: "Contact", emails: ["contact@shop.example"], phones: ["+62 812 0000 0000"], company_name: "Warung", tags: ["vip"], source: "test" } });
  await page.route(/\/cdp\/customers\?/, async (route) => {
    const { searchParams } = new URL(route.request().url());
    const start = Number(searchParams.get("cursor") ?? 0);
    const end = start + Number(searchParams.get("limit"));
    const contacts = Array.from({ length: end - start }, (_, index) => ({ ...data!.data, id: randomUUID(), name: `Contact ${start + index}`, emails: [`contact${start + index}@shop.example`] }));
    const body = { data: contacts, meta: { next_cursor: end < CONTACTS ? `${end}` : null } };
    await route.fulfill({ json: body, headers: { "Access-Control-Allow-Origin": "*" } });
  });
}

/** The bytes of the JavaScript heap that are in use after a collection. */
async function heapOf(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  await session.detach();
  return usedSize;
}

test("Size: the first page loads at most 200 KB of compressed script", async () => {
  const { people } = await createCompany({ people: { Maya: {} } });
  const page = await visit(people["Maya"]!, "/exports");
  await page.getByText("No exports yet").waitFor();
  await asDeployed(page);
  const sizes = new Map<string, Promise<number>>();
  page.on("response", (response) => {
    const { pathname, origin } = new URL(response.url());
    if (origin === world().console && pathname.endsWith(".js")) sizes.set(pathname, response.body().then((script) => gzipSync(script).length));
  });
  await page.goto("/customers");
  await page.getByText("No contacts yet.").waitFor();
  const total = (await Promise.all(sizes.values())).reduce((sum, size) => sum + size, 0);
  console.log(`first page: ${sizes.size} scripts, ${total} bytes compressed`);
  expect(sizes.size).toBeGreaterThan(0);
  expect(total).toBeLessThanOrEqual(200_000);
});

test(`Size: a list of ${CONTACTS} contacts keeps at most 400 rows in the document and 20 MB of memory`, async () => {
  const { people } = await createCompany({ people: { Maya: {} } });
  const page = await visit(people["Maya"]!, "/exports");
  await answerWithMany(page, people["Maya"]!);
  await page.getByRole("link", { name: "All contacts" }).click();
  await page.getByRole("link", { name: /^Contact \d+$/ }).first().waitFor();
  const before = await heapOf(page);

  const list = page.getByRole("region", { name: "Contacts" });
  // In each frame the rows are counted, and the end of what is loaded comes into sight.
  const most = await list.evaluate(async (region, end) => {
    let rows = 0;
    while (!region.querySelector("[role=status]")?.textContent?.includes(end)) {
      rows = Math.max(rows, region.querySelectorAll("tbody tr").length);
      region.scrollTo({ top: region.scrollHeight });
      await new Promise(requestAnimationFrame);
    }
    return rows;
  }, `End of the list · ${CONTACTS} contacts`);
  expect(most).toBeGreaterThan(0);
  const grown = (await heapOf(page)) - before;
  console.log(`${CONTACTS} contacts: ${most} rows in the document at most, ${grown} bytes more memory`);
  expect(most).toBeLessThanOrEqual(400);
  expect(grown).toBeLessThanOrEqual(20 * 1024 * 1024);
}, 90_000);
