import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { expect, it } from "vitest";

const routers = ["app/router.ts", "local/index.ts"];
const folder = new URL("../../../docs/screenshots/", import.meta.url);
const KB = 1024;

it("each page of the router has a screenshot in both languages, of at most 80 KB and 2 MB together", () => {
  const sources = routers.map((file) => readFileSync(new URL(`../src/${file}`, import.meta.url), "utf8"));
  const pages = [...sources.join("\n").matchAll(/name: "([\w-]+)", component/g)].map(([, name = ""]) => name);
  expect(pages.length).toBeGreaterThan(10);
  const wanted = pages.flatMap((name) => ["en", "id"].map((language) => `${name}.${language}.webp`));
  expect(existsSync(folder) ? readdirSync(folder).sort() : []).toEqual(wanted.sort());
  const sizes = wanted.map((name) => statSync(new URL(name, folder)).size);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(80 * KB);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(2 * KB * KB);
});
