import { describe, expect, it } from "vitest";
import { exportFilter, formatState, isSearchable, listQuery, parseState } from "./filter";

const [a, b] = ["39d4ddb1-4ed4-5608-865c-772824cf1bf7", "1F53CAE4-284a-523a-b359-5fb2f86fb50a"];

describe("the address of the list", () => {
  const query = {
    view: "teams",
    q: "citra",
    order_by: "name",
    direction: "desc",
    owner_id: [a, b],
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
    expect(formatState(parseState({ view: "secret", order_by: "size", created_from: "soon", created_to: "1", "custom.": "x" }))).toEqual({});
  });

  it("ignores what the API refuses: ids that are none, long texts and too many values", () => {
    const long = "é".repeat(200);
    expect(formatState(parseState({ owner_id: ["abc", a], assignee_id: "abc", team_owner_ids: `${a}x`, q: long, tags: [long, "vip"], source: long, "custom.tier": long, [`custom.${long}`]: "x" }))).toEqual({ owner_id: [a], tags: ["vip"] });
    const many = Array.from({ length: 101 }, (_, index) => `${index}`);
    const state = parseState({ tags: many, ...Object.fromEntries(many.map((key) => [`custom.k${key}`, "x"])) });
    expect([state.lists.tags.length, Object.keys(state.custom).length]).toEqual([100, 20]);
  });

  it("takes a date as the beginning of the day on the device, and a time in any notation", () => {
    const { times } = parseState({ created_from: "2026-01-31", created_to: "2026-02-01T00:00:00+07:00", updated_from: "2026-02-01T00:00" });
    expect(times).toEqual({ created_from: new Date(2026, 0, 31).toISOString(), created_to: "2026-01-31T17:00:00.000Z", updated_from: new Date(2026, 1, 1).toISOString() });
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

  it("has no filter for an export where it shows the deleted contacts", () => {
    expect(exportFilter(parseState({ view: "teams" }))).toEqual({ view: "teams" });
    expect(exportFilter(parseState({ view: "deleted" }))).toBeNull();
  });
});

it("searches for three characters, or for one in Han, Kana or Hangul", () => {
  expect(["ab", "  a ", "abc", "雪", "ゆ", "김", ""].map(isSearchable)).toEqual([false, false, true, true, true, true, false]);
});
