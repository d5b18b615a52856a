import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import localEn from "@/local/texts/en.json";
import localId from "@/local/texts/id.json";
import en from "./en";
import id from "./id";

/** All keys of a tree of texts, with their texts: `nav.all` → `All contacts`. */
function flatten(texts: object, path = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const [key, value] of Object.entries(texts)) {
    if (typeof value === "string") found.set(path + key, value);
    else for (const [inner, text] of flatten(value as object, `${path}${key}.`)) found.set(inner, text);
  }
  return found;
}

/** The names of the values that a text takes. */
const places = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();

/** The sources with their paths. */
function sources(folder: string): [string, string][] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry): [string, string][] => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return /\.(vue|ts)$/.test(entry.name) && !entry.name.endsWith(".test.ts") ? [[path, readFileSync(path, "utf8")]] : [];
  });
}

describe("texts", () => {
  const english = flatten({ ...en, local: localEn });
  const indonesian = flatten({ ...id, local: localId });

  it("are complete in both languages", () => {
    expect([...indonesian.keys()].sort()).toEqual([...english.keys()].sort());
  });

  it("take the same values in both languages", () => {
    for (const [key, text] of english) expect(places(indonesian.get(key) ?? ""), key).toEqual(places(text));
  });

  it("are all used", () => {
    const source = sources(join(import.meta.dirname, "..")).map(([, text]) => text).join("\n");
    // A key in quotes, or one with values in it: `contacts.fields.${column}`.
    const named = new Set([...source.matchAll(/(["'`])([\w-]+(?:\.[\w-]+)+)\1/g)].map((match) => match[2]));
    const built = [...source.matchAll(/`([\w-]+\.[\w.-]*\$\{[^`]+)`/g)].map(
      ([, key = ""]) => new RegExp(`^${key.replaceAll(".", "\\.").replace(/\$\{[^}]*\}/g, "[\\w-]+")}$`),
    );
    expect([...english.keys()].filter((key) => !named.has(key) && !built.some((pattern) => pattern.test(key)))).toEqual([]);
  });

  it("exist for every key that the sources name", () => {
    const missing = sources(join(import.meta.dirname, "..")).flatMap(([path, source]) =>
      [...source.matchAll(/(?:\bt\(|keypath=)\s*["']([\w.]+)["']/g)]
        .map((match) => match[1] ?? "")
        .filter((key) => !english.has(key))
        .map((key) => `${path}: ${key}`),
    );
    expect(missing).toEqual([]);
  });
});
