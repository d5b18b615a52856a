import { describe, expect, it } from "vitest";
import { ApiError, ConnectionError, type Schema } from "@/api";
import { ImportRun } from "./run";
import { readTable } from "./table";

type Results = Schema<"ImportedRow">[];
const header = "Name,Email\n";
const rowsOf = (part: string) => part.slice(header.length).split("\n").filter(Boolean);
const allCreated = (part: string): Results => rowsOf(part).map((_, index) => ({ index, line: index + 2, status: "created" }));
const failure = (status: number, code: string, retryAfter: number | null = null) => new ApiError(status, code, "", {}, retryAfter);

/** An import of `count` rows by an API that answers with `send`; pauses end at once and are recorded. */
async function importing(count: number, send: (part: string, request: number) => Results, from = 1) {
  const table = await readTable(header + Array.from({ length: count }, (_, index) => `P${index},p${index}@b.id\n`).join(""), null);
  const parts: string[] = [];
  const pauses: number[] = [];
  const run: ImportRun = new ImportRun(
    table,
    {
      send: async (part) => send(part, parts.push(part)),
      pause: async (milliseconds) => void pauses.push(milliseconds),
      now: () => 0,
    },
    from,
  );
  return { run, pauses, sizes: () => parts.map((part) => rowsOf(part).length) };
}

describe("an import", () => {
  it("sends parts of at most 100 rows, each with the header", async () => {
    const { run, sizes } = await importing(250, allCreated);
    await run.start();
    expect(sizes()).toEqual([100, 100, 50]);
    expect(run.state).toMatchObject({ status: "finished", created: 250, done: 250 });
  });

  it("halves a part that is too large, and rejects a row that is too large alone", async () => {
    const { run, sizes } = await importing(4, (part) => {
      if (part.includes("P0,")) throw failure(413, "HTTP_413");
      return allCreated(part);
    });
    await run.start();
    expect(sizes()).toEqual([4, 2, 1, 1, 1, 1]);
    expect(run.state).toMatchObject({ status: "finished", created: 3, rejected: 1, done: 4 });
    expect(run.rejected.map(({ row, reason }) => [row.number, reason.kind])).toEqual([[1, "large"]]);
  });

  it("waits as long as the API says", async () => {
    const { run, pauses } = await importing(1, (part, request) => {
      if (request === 1) throw failure(429, "THROTTLED", 7);
      return allCreated(part);
    });
    await run.start();
    expect(pauses).toEqual([7000]);
    expect(run.state.created).toBe(1);
  });

  it("sends rows again that the API had no time for", async () => {
    const { run, sizes } = await importing(3, (part, request) => {
      const results = allCreated(part);
      if (request === 1) results[1] = { index: 1, line: 3, status: "rejected", error: { error: "UNAVAILABLE", message: "", details: {} } };
      return results;
    });
    await run.start();
    expect(sizes()).toEqual([3, 1]);
    expect(run.state).toMatchObject({ status: "finished", created: 3, rejected: 0 });
  });

  it("stops at the first row without a result when the connection does not come back, and continues there", async () => {
    let connected = true;
    const { run, pauses, sizes } = await importing(250, (part, request) => {
      if (request === 2) connected = false;
      if (!connected) throw new ConnectionError("offline");
      return allCreated(part);
    });
    await run.start();
    expect(run.state).toMatchObject({ status: "stopped", done: 100, next: 101 });
    expect(run.state.problem).toBeInstanceOf(ConnectionError);
    expect(pauses).toEqual([1000, 2000, 4000, 8000, 16000, 32000, 32000]);

    connected = true;
    await run.start();
    expect(run.state).toMatchObject({ status: "finished", done: 250, created: 250, next: 251 });
    expect(sizes().slice(-2)).toEqual([100, 50]);
  });

  it("stops after the request that is under way", async () => {
    const started = await importing(250, (part) => {
      started.run.stop();
      return allCreated(part);
    });
    await started.run.start();
    expect(started.run.state).toMatchObject({ status: "stopped", done: 100, next: 101, problem: null });
  });

  it("can begin in the middle of the file", async () => {
    const { run, sizes } = await importing(120, allCreated, 101);
    await run.start();
    expect(sizes()).toEqual([20]);
    expect(run.state).toMatchObject({ status: "finished", created: 20, done: 120 });
  });

  it("does not repeat what the API refuses", async () => {
    const { run, sizes } = await importing(1, () => {
      throw failure(403, "FORBIDDEN");
    });
    await run.start();
    expect(sizes()).toEqual([1]);
    expect(run.state).toMatchObject({ status: "stopped", next: 1 });
  });
});
