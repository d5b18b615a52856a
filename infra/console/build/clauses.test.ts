import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const folder = new URL("../", import.meta.url);
const root = new URL("../../", folder);
const page = readFileSync(new URL("docs/console.md", root), "utf8");

/** The names of the tests in the sources; `${…}` in a name stands for any text. */
function testNames(): RegExp[] {
  const files = ["e2e", "build", "src"].flatMap((sources) =>
    readdirSync(new URL(sources, folder), { recursive: true, encoding: "utf8" })
      .filter((file) => /\.(e2e|test)\.ts$/.test(file))
      .map((file) => readFileSync(new URL(`${sources}/${file}`, folder), "utf8")),
  );
  return files.flatMap((source) =>
    [...source.matchAll(/\b(?:test|it)(?:\.\w+\([^)]*\))?\(\s*(["'`])((?:\\.|(?!\1).)+)\1/g)].map(([, , name = ""]) => {
      const literal = name.replace(/\\(.)/g, "$1").replace(/[.*+?^()|[\]\\]/g, "\\$&");
      return new RegExp(`^${literal.replace(/\$\{[^}]*\}/g, ".+").replace(/[{}$](?!$)/g, "\\$&")}$`);
    }),
  );
}

/** The rows of the tables with clauses and tests, as lists of cells. */
const rows = page
  .split("\n## Clauses of other clients")[0]!
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| Clause"))
  .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));

describe("docs/console.md", () => {
  it("names at least one test in each row", () => {
    expect(rows.length).toBeGreaterThan(20);
    for (const row of rows) expect(row.length === 3 && /`[^`]+`/.test(row[2] ?? ""), row.join(" | ")).toBe(true);
  });

  it("names only tests that exist", () => {
    const tests = testNames();
    const named = rows.flatMap(([, , cell = ""]) => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ""));
    expect(named.filter((name) => !tests.some((test) => test.test(name)))).toEqual([]);
  });

  it("has every story of the web", () => {
    for (const story of ["TEAM-S02", "TEAM-S04", "TEAM-S06", "TEAM-S08", "TEAM-S10", "TEAM-S12", "TEAM-S14", "TEAM-S16", "NOTE-MENTION-S01", "NOTE-MENTION-S03", "NOTE-MENTION-S05", "NOTE-MENTION-S06", "CHG-001", "CHG-002", "CHG-004"]) {
      expect(rows.some(([clause = ""]) => clause.startsWith(story)), story).toBe(true);
    }
  });
});
