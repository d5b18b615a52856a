import { expect, test } from "vitest";
import { createCompany, expectAccessible, visit } from "./harness";

test("Sign-in: a person signs in on the issuer's page and comes back to the address", async () => {
  const { people, name } = await createCompany({ people: { "Sinta Maharani": { level: "team" } } });
  const page = await visit(people["Sinta Maharani"]!, "/customers?view=teams");

  expect(new URL(page.url()).search).toBe("?view=teams");
  await page.getByRole("button", { name: "Account of Sinta Maharani" }).waitFor();
  await page.getByRole("navigation").getByText(name).or(page.getByText(name)).first().waitFor();
  expect(await page.evaluate(() => Object.keys(localStorage))).toEqual([]);
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
