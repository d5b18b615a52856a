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

it("has no more ids than an export takes", () => {
  selection.set(Array.from({ length: MAX_SELECTED + 5 }, (_, index) => `${index}`), true);
  expect(selection.count.value).toBe(MAX_SELECTED);
});
