import { effectScope, nextTick, ref } from "vue";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { debounced } from "./search";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("NOTE-MENTION-S01: the directory is asked for the last text only, after a pause in typing", async () => {
  const scope = effectScope();
  const text = ref("");
  const seen: string[] = [];
  const settled = scope.run(() => debounced(text, 200))!;
  for (const typed of ["b", "bu", "bud"]) {
    text.value = typed;
    await nextTick();
    vi.advanceTimersByTime(199);
    seen.push(settled.value);
  }
  expect(seen).toEqual(["", "", ""]);
  vi.advanceTimersByTime(1);
  expect(settled.value).toBe("bud");
  scope.stop();
});
