/** Calls of one action of an AWS service, such as `dynamodb.Query`. */
export interface ActionUsage {
  calls: number;
  read_units: number;
  write_units: number;
}

/** One invocation of a function that a request caused, directly or across a queue. */
export interface Invocation {
  function: string;
  source: "http" | "queue" | "schedule" | "invoke";
  status: string;
  started_at: string;
  cold: boolean;
  init_ms: number | null;
  duration_ms: number;
  memory_mb: number;
  actions: Record<string, ActionUsage>;
  calls: number;
  read_units: number;
  write_units: number;
  cost_usd: number;
}

/** A request to the API, with all invocations that it caused. */
export interface ApiRequest {
  id: string;
  method: string;
  path: string;
  status: number;
  sso_id: string | null;
  started_at: string;
  duration_ms: number;
  invocations: Invocation[];
  cost_usd: number;
}

/** How many requests the list has. */
const LIMIT = 50;

/** The path of the requests under `/_local`: those of one person, or all. */
export function requestsPath(person: string | null): string {
  return `requests?limit=${LIMIT}${person === null ? "" : `&user=${encodeURIComponent(person)}`}`;
}
