import { expect, test } from "vitest";
import { choosePerson, createCompany, expectAccessible, openPage, visit } from "./harness";

test("Sign-in: a person signs in on the issuer's page and comes back to the address", async () => {
  const { people, name } = await createCompany({ people: { "Sinta Maharani": { level: "team" } } });
  const page = await openPage();
  await page.goto("/customers?view=teams");
  await choosePerson(page, people["Sinta Maharani"]!);
  await page.getByRole("heading", { name: "Teams", level: 1 }).waitFor();

  expect(new URL(page.url()).search).toBe("?view=teams");
  await page.getByRole("button", { name: "Account of Sinta Maharani" }).waitFor();
  await page.getByRole("navigation").getByText(name).or(page.getByText(name)).first().waitFor();
  expect(await page.evaluate(() => Object.keys(localStorage))).toEqual([]);
  await expectAccessible(page);
});

test("Language: the company's language is shown until the user chooses one", async () => {
  const { people } = await createCompany({ locale: "id", people: { Budi: { level: "team" } } });
  const page = await visit(people["Budi"]!, "/customers");
  await page.getByRole("heading", { name: "Semua kontak", level: 1 }).waitFor();
  await page.getByText("Belum ada kontak di tim Anda.").waitFor();
  expect(await page.evaluate(() => document.documentElement.lang)).toBe("id");
  await page.getByRole("button", { name: "Akun Budi" }).click();
  await page.getByRole("menuitemcheckbox", { name: "English" }).click();
  await page.reload();
  await page.getByText("No contacts in your team yet.").waitFor();
  await page.goto("/exports/new");
  await page.getByRole("button", { name: "Move All emails", exact: true }).waitFor();
  expect(await page.getByLabel("Language").inputValue()).toBe("en");

  // The choice outlives the session.
  const next = await page.context().newPage();
  await next.goto("/customers");
  await choosePerson(next, people["Budi"]!);
  await next.getByText("No contacts in your team yet.").waitFor();
});

test("Phone: the console fits a narrow screen, and its menu is used by keyboard", async () => {
  const { people } = await createCompany({ people: { Maya: {} } });
  const { data } = await people["Maya"]!.api.POST("/cdp/customers", { body: { name: "Citra", emails: ["a.long.address.of.a.customer@warung.citra.example"] } });
  const page = await visit(people["Maya"]!, "/customers", { viewport: { width: 360, height: 740 } });
  const fits = () => page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth);
  await page.getByRole("link", { name: "Citra" }).waitFor();
  await page.locator(".second", { hasText: "a.long.address" }).waitFor();
  expect(await fits()).toBe(true);
  await page.getByRole("button", { name: "Open the menu" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog", { name: "Main navigation" }).waitFor();
  await expectAccessible(page);
  await page.getByRole("dialog").getByRole("link", { name: "Owned by me" }).press("Enter");
  await page.getByRole("heading", { name: "Owned by me" }).waitFor();
  await page.goto(`/customers/${data!.data.id}`);
  await page.getByRole("button", { name: "Edit", exact: true }).click();
  await page.getByLabel("Name", { exact: true }).waitFor();
  expect(await fits()).toBe(true);
  await expectAccessible(page);
});

test("Sign-in: the user's language and theme stay on the device", async () => {
  const { people } = await createCompany({ people: { Budi: {} } });
  const page = await visit(people["Budi"]!, "/customers");
  await page.getByRole("button", { name: "Account of Budi" }).click();
  await page.getByRole("menuitemcheckbox", { name: "Bahasa Indonesia" }).click();
  await page.getByRole("menuitemcheckbox", { name: "Gelap" }).click();
  await page.reload();
  await page.getByRole("link", { name: "Semua kontak" }).waitFor();
  expect(await page.evaluate(() => [document.documentElement.lang, document.documentElement.dataset["theme"]])).toEqual(["id", "dark"]);
});
