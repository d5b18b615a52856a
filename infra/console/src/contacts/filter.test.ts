import { describe, expect, it } from "vitest";
import { exportFilter, formatState, isSearchable, listQuery, parseState } from "./filter";

describe("the address of the list", () => {
  const query = {
    view: "teams",
    q: "citra",
    order_by: "name",
    direction: "desc",
    owner_id: ["a", "b"],
    tags: ["vip"],
    created_from: "2026-01-01T00:00:00.000Z",
    "custom.tier": "gold",
  };

  it("is read and written without loss", () => {
    expect(formatState(parseState(query))).toEqual(query);
  });

  it("leaves out what is at its default", () => {
    expect(formatState(parseState({ order_by: "created_at", direction: "desc", q: "" }))).toEqual({});
    expect(formatState(parseState({ order_by: "name", direction: "asc" }))).toEqual({ order_by: "name" });
  });

  it("ignores unknown views, orders and times", () => {
    expect(formatState(parseState({ view: "secret", order_by: "size", created_from: "soon", "custom.": "x" }))).toEqual({});
  });
});

describe("the request of the list", () => {
  it("has no order beside a search text, which the API refuses", () => {
    expect(listQuery(parseState({ q: "cit", order_by: "name" }))).toEqual({ q: "cit" });
  });

  it("leaves out a text that is too short to search for", () => {
    expect(listQuery(parseState({ q: "ci" }))).toEqual({ order_by: "created_at", direction: "desc" });
  });

  it("takes only the view for the deleted contacts", () => {
    expect(listQuery(parseState({ view: "deleted", tags: "vip", q: "citra" }))).toEqual({ view: "deleted" });
  });

  it("names custom fields as parameters of their own, and as lists in an export", () => {
    const state = parseState({ "custom.tier": "gold", source: "fair" });
    expect(listQuery(state)).toMatchObject({ custom: { "custom.tier": "gold" }, source: ["fair"] });
    expect(exportFilter(state)).toEqual({ custom: { tier: ["gold"] }, source: ["fair"] });
  });
});

it("searches for three characters, or for one in Han, Kana or Hangul", () => {
  expect(["ab", "  a ", "abc", "雪", "ゆ", "김", ""].map(isSearchable)).toEqual([false, false, true, true, true, true, false]);
});
