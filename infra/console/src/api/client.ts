import createClient, { type Client } from "openapi-fetch";
import type { paths } from "@generated/api";
import { ApiError, ConnectionError } from "./error";
import { recordScope, sendingPage } from "./fallback";

/** Sends a request with the token of the session, and signs in again if the token has expired. */
export type Send = (request: Request) => Promise<Response>;

export type Api = Client<paths>;

/** The client of the API, with the types of `infra/openapi.yaml`. */
export function createApi(apiUrl: string, send: Send): Api {
  const api = createClient<paths>({
    baseUrl: apiUrl,
    headers: { "X-Platform": "web" },
    // `custom.<key>` filters are parameters of their own.
    querySerializer: { array: { style: "form", explode: true }, object: { style: "form", explode: true } },
    fetch: send,
  });
  /** The pages that sent the requests, by the ids of the requests. */
  const pages = new Map<string, number>();
  const pageOf = (id: string): number => {
    const page = pages.get(id) ?? sendingPage();
    pages.delete(id);
    return page;
  };
  api.use({
    onRequest: ({ id }) => void pages.set(id, sendingPage()),
    onResponse: ({ id, response, schemaPath, request }) => {
      recordScope(`${request.method} ${schemaPath}`, response, pageOf(id));
    },
    onError: ({ id, error }) => {
      pages.delete(id);
      return new ConnectionError("the API cannot be reached", { cause: error });
    },
  });
  return api;
}

/** What `openapi-fetch` resolves to. */
interface Outcome<Body> {
  data?: Body;
  error?: unknown;
  response: Response;
}

/**
 * The body of a successful answer. Throws an `ApiError` otherwise.
 *
 *     const { data, meta } = await body(api.GET("/cdp/customers", { params: { query } }));
 */
export async function body<Body>(outcome: Promise<Outcome<Body>>): Promise<NonNullable<Body>> {
  const { data, error, response } = await outcome;
  if (!response.ok || data === undefined || data === null) throw ApiError.from(response, error);
  return data;
}
