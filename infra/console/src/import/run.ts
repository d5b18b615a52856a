import { shallowReactive } from "vue";
import { ApiError, ConnectionError, type Schema } from "@/api";
import type { Table, TableRow } from "./table";
import type { QuoteError } from "./records";

/** The most rows and bytes of one request. */
export const MAX_ROWS = 100;
export const MAX_BYTES = 3 * 1_048_576;
/** The number of times that a part is sent before the import stops. */
const ATTEMPTS = 8;
const MAX_PAUSE_MS = 300_000;
/** A row with one of these errors can be sent again. */
const temporary = ["CONFLICT", "THROTTLED", "UNAVAILABLE", "DIRECTORY_UNAVAILABLE"];

/** Why a row was not imported. */
export type Reason = QuoteError | { kind: "api"; error: Schema<"Error"> } | { kind: "large" };

export interface RejectedRow {
  row: TableRow;
  reason: Reason;
}

/** What an import needs besides the file; a test gives its own. */
export interface Environment {
  /** Sends a part of the file. */
  send(part: string): Promise<Schema<"ImportedRow">[]>;
  /** Waits; `signal` ends the wait early. */
  pause(milliseconds: number, signal: AbortSignal): Promise<void>;
  now(): number;
}

export interface RunState {
  status: "running" | "waiting" | "stopping" | "stopped" | "finished";
  created: number;
  updated: number;
  skipped: number;
  rejected: number;
  /** The number of rows with a result. */
  done: number;
  /** The row with which the import began, and the first one without a result. */
  first: number;
  next: number;
  /** Why the import waits or has stopped; null after the user's own stop. */
  problem: unknown;
  /** When the import tries again. */
  again: number | null;
  /** The time that requests have taken. */
  busyMs: number;
}

const encoder = new TextEncoder();
const bytesOf = (text: string) => encoder.encode(text).length;

/** An import of a table: sends its rows in order, in parts, and accounts for every row. */
export class ImportRun {
  readonly state: RunState;
  /** The rejected rows; `state.rejected` is their number. */
  readonly rejected: RejectedRow[] = [];
  /** Rows that were sent and have no result yet; they are sent before the others. */
  #open: TableRow[] = [];
  #next: number;
  #stopping = false;
  #waiting = new AbortController();

  constructor(
    readonly table: Table,
    private readonly environment: Environment,
    from = 1,
  ) {
    this.#next = from - 1;
    this.state = shallowReactive<RunState>({
      status: "stopped",
      created: 0,
      updated: 0,
      skipped: 0,
      rejected: 0,
      done: from - 1,
      first: from,
      next: from,
      problem: null,
      again: null,
      busyMs: 0,
    });
  }

  /** Sends rows until all have a result, the user stops, or the API can no longer be used. */
  async start(): Promise<void> {
    this.#stopping = false;
    Object.assign(this.state, { status: "running", problem: null });
    while (!this.#stopping) {
      const batch = this.#batch();
      if (!batch.length) break;
      this.#open = batch;
      const problem = await this.#deliver();
      this.state.next = this.#open[0]?.number ?? this.#next + 1;
      if (problem !== undefined) {
        Object.assign(this.state, { status: "stopped", problem, again: null });
        return;
      }
    }
    const finished = !this.#open.length && this.#next >= this.table.rows.length;
    Object.assign(this.state, { status: finished ? "finished" : "stopped", again: null });
  }

  /** Stops after the request that is under way: its response says what was written. */
  stop(): void {
    this.#stopping = true;
    if (this.state.status === "running") this.state.status = "stopping";
    this.#waiting.abort();
  }

  /** Ends a pause, for example when the device is online again. */
  tryNow(): void {
    this.#waiting.abort();
  }

  /** The rows of the next request. Rows that cannot be read are rejected here. */
  #batch(): TableRow[] {
    if (this.#open.length) return this.#open;
    const batch: TableRow[] = [];
    let size = bytesOf(this.table.head);
    for (; this.#next < this.table.rows.length; this.#next += 1) {
      const row = this.table.rows[this.#next];
      if (!row) break;
      if (row.error) {
        this.#reject(row, row.error);
        continue;
      }
      size += bytesOf(this.#text(row));
      if (batch.length && (batch.length === MAX_ROWS || size > MAX_BYTES)) break;
      batch.push(row);
    }
    return batch;
  }

  /** Sends the open rows until each has a result. Returns why the import must stop, if it must. */
  async #deliver(): Promise<unknown> {
    let count = this.#open.length;
    let attempt = 0;
    while (this.#open.length) {
      const part = this.#open.slice(0, count);
      let problem: unknown;
      let wait: number | null = null;
      const sent = this.environment.now();
      try {
        const again = this.#account(part, await this.environment.send(this.table.head + part.map((row) => this.#text(row)).join("")));
        if (again.length < part.length) attempt = 0;
        this.#open = [...again.map(({ row }) => row), ...this.#open.slice(part.length)];
        if (!again.length) {
          if (this.#stopping) return undefined;
          continue;
        }
        problem = again[0]?.error;
      } catch (error) {
        if (isTooLarge(error)) {
          if (part.length === 1) this.#reject(this.#open.shift() as TableRow, { kind: "large" });
          else count = Math.ceil(part.length / 2);
          continue;
        }
        if (!isTemporary(error)) return error;
        problem = error;
        wait = error instanceof ApiError && error.retryAfter !== null ? error.retryAfter * 1000 : null;
      } finally {
        this.state.busyMs += this.environment.now() - sent;
      }
      if (this.#stopping) return null;
      attempt += 1;
      if (attempt >= ATTEMPTS) return problem;
      await this.#pause(problem, wait ?? 500 * 2 ** Math.min(attempt, 6));
      if (this.#stopping) return null;
    }
    return undefined;
  }

  async #pause(problem: unknown, milliseconds: number): Promise<void> {
    const wait = Math.min(milliseconds, MAX_PAUSE_MS);
    this.#waiting = new AbortController();
    Object.assign(this.state, { status: "waiting", problem, again: this.environment.now() + wait });
    await this.environment.pause(wait, this.#waiting.signal);
    Object.assign(this.state, { status: "running", problem: null, again: null });
  }

  /** Counts the results of rows. Returns the rows that must be sent again. */
  #account(rows: TableRow[], results: Schema<"ImportedRow">[]): { row: TableRow; error: unknown }[] {
    const again: { row: TableRow; error: unknown }[] = [];
    const byIndex = new Map(results.map((result) => [result.index, result]));
    rows.forEach((row, index) => {
      const result = byIndex.get(index);
      const error = result?.error;
      if (!result || (error && temporary.includes(error.error))) {
        again.push({ row, error: new ApiError(503, error?.error ?? "UNAVAILABLE", error?.message ?? "", {}, null) });
      } else if (result.status === "rejected") {
        this.#reject(row, { kind: "api", error: error ?? { error: "", message: "", details: {} } });
      } else {
        this.state[result.status] += 1;
        this.state.done += 1;
      }
    });
    return again;
  }

  #reject(row: TableRow, reason: Reason): void {
    this.rejected.push({ row, reason });
    this.state.rejected += 1;
    this.state.done += 1;
  }

  #text(row: TableRow): string {
    return this.table.text.slice(row.start, row.end);
  }
}

/** Whether the part must be halved. API Gateway answers 413; the function names its field `body`. */
function isTooLarge(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 413 || (error.status === 400 && error.details.field === "body"));
}

function isTemporary(error: unknown): boolean {
  return error instanceof ConnectionError || (error instanceof ApiError && (error.status === 429 || error.status >= 500));
}
