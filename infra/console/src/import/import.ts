import { useQueryClient } from "@tanstack/vue-query";
import { reactive, shallowReactive, watch } from "vue";
import { body, useApi, type Api, type Schema } from "@/api";
import { useMe } from "@/session/me";
import { byteSample, certainEncoding, decodeFile, otherFormat } from "./encoding";
import { forget, recall, remember, type Interrupted } from "./memory";
import { ImportRun, MAX_BYTES } from "./run";
import { readTable, TableError, type Delimiter, type Table } from "./table";

/** The largest file that a browser reads comfortably. */
export const MAX_FILE_BYTES = 100 * 1_048_576;

export type DryRun = Schema<"ImportDryRun">;

/** A file that can be imported. */
export interface OpenFile {
  file: File;
  bytes: Uint8Array;
  encoding: string;
  table: Table;
  /** The import of this file that stopped earlier. */
  interrupted: Interrupted | null;
}

interface State {
  open: OpenFile | null;
  run: ImportRun | null;
  opening: boolean;
  /** Why the file cannot be opened. */
  problem: unknown;
  /** The file with the problem. */
  failed: File | null;
}

/** The import. It outlives the page, so that the user can look at other pages while rows are sent. */
const state = shallowReactive<State>({ open: null, run: null, opening: false, problem: null, failed: null });
/** The fields that the user chose for columns, by their numbers from 0. */
const fields = reactive<Record<number, string>>({});

/** The parameters of a request about a table that is sent as UTF-8. */
function parameters(table: Table, chosen: Record<number, string>) {
  const map = Object.entries(chosen).map(([column, field]) => `#${Number(column) + 1}=${field}`);
  return { encoding: "utf-8", delimiter: table.delimiter, ...(map.length ? { map } : {}) };
}

const csv = {
  headers: { "Content-Type": "application/octet-stream" },
  bodySerializer: (text: unknown) => text as BodyInit,
};

/** Asks the API for the encoding of a file. The mapping does not matter, but it must be valid. */
async function detectEncoding(api: Api, bytes: Uint8Array, delimiter: Delimiter | null): Promise<string> {
  const sample = byteSample(bytes, MAX_BYTES);
  // Delimiters and line ends are ASCII in every encoding that is left.
  const { headers } = await readTable(new TextDecoder("windows-1252").decode(sample), delimiter);
  const map = headers.map((_, column) => `#${column + 1}=${column ? "-" : "external_id"}`);
  const query = { dry_run: true, map, ...(delimiter ? { delimiter } : {}) };
  // The generated type of a binary body is a string.
  const request = { params: { query }, ...csv, body: sample as unknown as string };
  return ((await body(api.POST("/cdp/customers/import", request))).data as DryRun).encoding;
}

/** The beginning of a table that one request can contain, and its number of rows. */
function sampleOf(table: Table): { text: string; rows: number } {
  const encoder = new TextEncoder();
  let size = encoder.encode(table.head).length;
  let end = table.head.length;
  let rows = 0;
  for (const row of table.rows) {
    size += encoder.encode(table.text.slice(end, row.end)).length;
    if (size > MAX_BYTES) break;
    end = row.end;
    rows += 1;
  }
  return { text: table.text.slice(0, end), rows };
}

/** Ends when the time is over, the signal is given, or the device is online again. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      window.removeEventListener("online", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener("abort", end, { once: true });
    window.addEventListener("online", end);
  });
}

function keepPage(event: BeforeUnloadEvent): void {
  event.preventDefault();
}

/** The import of a file: open it, review what its columns become, send its rows. */
export function useImport() {
  const api = useApi();
  const queries = useQueryClient();
  const { me } = useMe();
  const user = () => me.value?.id ?? "";

  async function open(file: File, choice: { encoding?: string; delimiter?: Delimiter } = {}): Promise<void> {
    Object.assign(state, { opening: true, problem: null, failed: null });
    try {
      if (file.size > MAX_FILE_BYTES) throw new TableError("tooLarge");
      const bytes = new Uint8Array(await file.arrayBuffer());
      const format = otherFormat(bytes);
      if (format) throw new TableError(format);
      const delimiter = choice.delimiter ?? null;
      const encoding = choice.encoding ?? certainEncoding(bytes) ?? (await detectEncoding(api, bytes, delimiter)).toLowerCase();
      const table = await readTable(decodeFile(bytes, encoding), delimiter);
      const interrupted = recall(user(), file);
      for (const column of Object.keys(fields)) delete fields[Number(column)];
      Object.assign(fields, interrupted?.fields);
      state.open = { file, bytes, encoding, table, interrupted };
    } catch (error) {
      Object.assign(state, { problem: error, failed: file });
    } finally {
      state.opening = false;
    }
  }

  async function dryRun(table: Table, chosen: Record<number, string>, signal: AbortSignal): Promise<{ report: DryRun; rows: number }> {
    const { text, rows } = sampleOf(table);
    const query = { dry_run: true, ...parameters(table, chosen) };
    const { data } = await body(api.POST("/cdp/customers/import", { params: { query }, ...csv, body: text, signal }));
    return { report: data as DryRun, rows };
  }

  async function send(run: ImportRun): Promise<void> {
    window.addEventListener("beforeunload", keepPage);
    try {
      await run.start();
    } finally {
      window.removeEventListener("beforeunload", keepPage);
    }
    if (run.state.status === "finished") forget();
    // Lists and fields that were read before do not have the new contacts.
    for (const queryKey of [["contacts"], ["export-fields"]]) void queries.invalidateQueries({ queryKey });
  }

  /** Imports the open file from a row on. */
  async function start(from: number): Promise<void> {
    const { open } = state;
    if (!open) return;
    const chosen = { ...fields };
    const query = parameters(open.table, chosen);
    const run = new ImportRun(
      open.table,
      {
        send: async (part) =>
          (await body(api.POST("/cdp/customers/import", { params: { query }, ...csv, body: part }))).data as Schema<"ImportedRow">[],
        pause,
        now: () => Date.now(),
      },
      from,
    );
    const { name, size, lastModified: modified } = open.file;
    const save = () => remember({ user: user(), name, size, modified, row: run.state.next, fields: chosen });
    watch(() => run.state.next, save, { flush: "sync" });
    state.run = run;
    await send(run);
  }

  function close(): void {
    Object.assign(state, { open: null, run: null, problem: null, failed: null });
  }

  return { state, fields, open, dryRun, start, send, close };
}
