import { beforeEach, expect, it } from "vitest";
import { MAX_SELECTED, useContactSelection } from "./selection";

const selection = useContactSelection();
beforeEach(() => selection.clear());

it("is what an export takes: ids, or a filter", () => {
  expect(selection.request.value).toBeNull();
  selection.set(["a", "b"], true);
  selection.set(["a"], false);
  expect([selection.request.value, selection.count.value]).toEqual([{ ids: ["b"] }, 1]);
  selection.selectAll({ tags: ["vip"] });
  expect([selection.request.value, selection.count.value]).toEqual([{ filter: { tags: ["vip"] } }, null]);
  expect(selection.isSelected("c")).toBe(true);
});

it("keeps the loaded contacts without the deselected one after all that match were selected", () => {
  selection.set(["a"], true);
  expect(selection.wasAll.value).toBe(false);
  selection.selectAll({});
  selection.set(["b"], false, ["a", "b", "c"]);
  expect([selection.request.value, selection.wasAll.value]).toEqual([{ ids: ["a", "c"] }, true]);
  selection.set(["a"], false, ["a", "b", "c", "d"]);
  expect([selection.request.value, selection.wasAll.value]).toEqual([{ ids: ["c"] }, true]);
  selection.set(["c"], false, []);
  selection.set(["d"], true, ["d"]);
  expect([selection.request.value, selection.wasAll.value]).toEqual([{ ids: ["d"] }, false]);
});

it("has no more ids than an export takes", () => {
  selection.set(Array.from({ length: MAX_SELECTED + 5 }, (_, index) => `${index}`), true);
  expect(selection.count.value).toBe(MAX_SELECTED);
});
