import type { ActionUsage } from "../requests/requests";

/** What a function has used since the last reset, as the local cloud reports it. */
export interface FunctionUsage {
  invocations: number;
  statuses: Record<string, number>;
  cold_starts: number;
  duration_p50_ms: number;
  duration_p95_ms: number;
  cpu_p50_ms: number;
  peak_memory_bytes: number;
  actions: Record<string, ActionUsage>;
}

/** The rows of the table, by the name of the function; the calls of all actions are added up. */
export function rowsOf(functions: Record<string, FunctionUsage>) {
  return Object.entries(functions)
    .sort(([one], [other]) => one.localeCompare(other))
    .map(([name, usage]) => {
      const actions = Object.values(usage.actions);
      const sum = (part: keyof ActionUsage) => actions.reduce((total, action) => total + action[part], 0);
      return {
        name,
        invocations: usage.invocations,
        failed: usage.invocations - (usage.statuses["ok"] ?? 0),
        coldStarts: usage.cold_starts,
        median: usage.duration_p50_ms,
        slow: usage.duration_p95_ms,
        processor: usage.cpu_p50_ms,
        memory: usage.peak_memory_bytes,
        calls: sum("calls"),
        readUnits: sum("read_units"),
        writeUnits: sum("write_units"),
      };
    });
}
