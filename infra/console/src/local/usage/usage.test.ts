import { expect, it } from "vitest";
import { rowsOf, type FunctionUsage } from "./usage";

const usage = (own: Partial<FunctionUsage>): FunctionUsage => ({
  invocations: 0,
  statuses: {},
  cold_starts: 0,
  duration_p50_ms: 0,
  duration_p95_ms: 0,
  cpu_p50_ms: 0,
  peak_memory_bytes: 0,
  actions: {},
  ...own,
});

it("functions are listed by name, with the sums of their calls and with the invocations that failed", () => {
  const rows = rowsOf({
    NoteWrite: usage({ invocations: 5, statuses: { ok: 3, error: 1, timeout: 1 } }),
    ContactList: usage({
      actions: { "dynamodb.Query": { calls: 2, read_units: 1.5, write_units: 0 }, "dynamodb.PutItem": { calls: 1, read_units: 0, write_units: 4 } },
    }),
  });
  expect(rows.map(({ name, failed, calls, readUnits, writeUnits }) => [name, failed, calls, readUnits, writeUnits])).toEqual([
    ["ContactList", 0, 3, 1.5, 4],
    ["NoteWrite", 2, 0, 0, 0],
  ]);
});
