import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { beforeAll, test } from "vitest";
import { createCompany, openPage, visit, type Company } from "../harness";
import { fixAnswers, fixTime } from "./fixed";

const folder = fileURLToPath(new URL("../../../../docs/screenshots/", import.meta.url));
const viewport = { width: 1280, height: 800 };
const languages = ["en", "id"] as const;
/** WebP of this quality keeps a picture under 80 KB, and its texts sharp. */
const QUALITY = 75;

const people = [
  ["Ayu Lestari", "ayu.lestari@nusantara.example", "+62 812-0000-0001", "Nusantara Kopi", "Jakarta"],
  ["Bagus Pratama", "bagus@warung.example", "+62 812-0000-0002", "Warung Senja", "Jakarta SMB"],
  ["Citra Dewi", "citra@nusantara.example", "+62 812-0000-0003", "Nusantara Kopi", "Jakarta"],
  ["Dimas Saputra", "dimas@roti.example", "+62 812-0000-0004", "Roti Pagi", "Jakarta SMB"],
  ["Eka Wulandari", "eka@batik.example", "+62 812-0000-0005", "Batik Laweyan", "Jakarta"],
  ["Fitri Handayani", "fitri@batik.example", "+62 812-0000-0006", "Batik Laweyan", "Jakarta SMB"],
  ["Galih Santoso", "galih@kargo.example", "+62 812-0000-0007", "Kargo Cepat", "Jakarta"],
  ["Hana Permata", "hana@kargo.example", "+62 812-0000-0008", "Kargo Cepat", "Jakarta"],
] as const;

let company: Company;
let contact = "";

beforeAll(async () => {
  await mkdir(folder, { recursive: true });
  company = await createCompany({
    teams: ["Jakarta", "Jakarta SMB < Jakarta"],
    people: { "Sinta Maharani": { teams: ["Jakarta", "Jakarta SMB"] }, "Budi Santoso": { teams: ["Jakarta SMB"] } },
  });
  const { api } = company.people["Sinta Maharani"]!;
  for (const [name, email, phone, company_name, team] of [...people].reverse()) {
    const body = { name, emails: [email], phones: [phone], company_name, team_owner_ids: [company.teams[team]!], tags: ["partner"], custom_fields: { tier: "gold" } };
    const { data } = await api.POST("/cdp/customers", { body });
    contact = data?.data.id ?? contact;
  }
  const path = { contact_id: contact };
  await api.POST("/v1/contacts/{contact_id}/notes", {
    params: { path },
    body: { note: `<p>Call in the morning, ask about the <strong>new menu</strong>. <a data-user-id="${company.people["Budi Santoso"]!.id}" data-mention="true">@Budi Santoso</a></p>` },
  });
  for (const file_name of ["november partners", "all contacts"]) {
    await api.POST("/cdp/exports", { body: { format: "xlsx", selection: { filter: {} }, fields: ["name", "emails", "phones"], file_name } });
  }
});

/** What must be on a page before its picture is taken, by the name of its route. */
const pages: Record<string, { path: () => string; ready: (page: Page) => Promise<void> }> = {
  customers: { path: () => "/customers", ready: (page) => page.getByRole("link", { name: "Hana Permata" }).waitFor() },
  customer: { path: () => `/customers/${contact}`, ready: (page) => page.getByText("Call in the morning").waitFor() },
  "new-customer": { path: () => "/customers/new", ready: (page) => page.locator("main form").first().waitFor() },
  exports: { path: () => "/exports", ready: (page) => page.getByRole("progressbar").waitFor({ state: "detached" }) },
  "new-export": { path: () => "/exports/new", ready: (page) => page.locator("main ol").waitFor() },
  import: {
    path: () => "/import",
    async ready(page) {
      const rows = people.map(([name, email, phone, company]) => `${name};${email};${phone};${company};gold`);
      const buffer = Buffer.from(["Name;Email;Phone;Company;Tier", ...rows].join("\n"));
      await page.locator("input[type=file]").setInputFiles({ name: "partners.csv", mimeType: "text/csv", buffer });
      await page.getByRole("row", { name: /Ayu Lestari ayu/ }).waitFor();
    },
  },
  "developer-requests": { path: () => "/developer/requests", ready: (page) => page.locator("main").getByText(/^GET \/cdp/).first().waitFor() },
  "developer-usage": { path: () => "/developer/usage", ready: (page) => page.getByRole("row", { name: /^ContactList / }).waitFor() },
  "developer-events": { path: () => "/developer/events", ready: (page) => page.locator("main").getByRole("listitem").first().waitFor() },
  "developer-faults": { path: () => "/developer/faults", ready: (page) => page.getByRole("switch").first().waitFor() },
  "developer-api": { path: () => "/developer/api", ready: (page) => page.locator(".opblock").first().waitFor() },
  missing: { path: () => "/no-such-page", ready: (page) => page.locator("main [role=status] a").waitFor() },
};

async function take(page: Page, name: string, language: string): Promise<void> {
  await page.evaluate(() => document.fonts.ready);
  await page.waitForLoadState("networkidle");
  // A caret blinks.
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  const browser = await page.context().newCDPSession(page);
  const { data } = await browser.send("Page.captureScreenshot", { format: "webp", quality: QUALITY });
  await writeFile(`${folder}${name}.${language}.webp`, Buffer.from(data, "base64"));
}

/** A page of the console in a language, whose answers are the same each time. */
async function open(language: string): Promise<Page> {
  const page = await visit(company.people["Sinta Maharani"]!, "/customers", { viewport, reducedMotion: "reduce" });
  await page.evaluate((choice) => localStorage.setItem("console.language", choice), language);
  await fixAnswers(page);
  return page;
}

test.each(languages)("pages in %s", async (language) => {
  const page = await open(language);
  await fixTime(page);
  for (const [name, { path, ready }] of Object.entries(pages)) {
    await page.goto(path());
    await ready(page);
    await take(page, name, language);
  }
});

test.each(languages)("the mail of the developer panel in %s", async (language) => {
  const page = await open(language);
  await page.goto("/developer/mail");
  await page.frameLocator("iframe").getByRole("link").first().waitFor();
  await take(page, "developer-mail", language);
});

test.each(languages)("the page after a sign-in that failed, in %s", async (language) => {
  const page = await openPage({ viewport, locale: language === "id" ? "id-ID" : "en-US" });
  await page.goto("/signed-in?error=access_denied&state=unknown");
  await page.getByRole("button").waitFor();
  await take(page, "signed-in", language);
});
