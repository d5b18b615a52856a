import { QueryClient } from "@tanstack/vue-query";
import { ApiError } from "./error";

/** The longest time that a query waits by itself before it asks again; longer ones are shown. */
const PATIENCE_SECONDS = 3;

/** Repeats a query once if the API names a short time, for example while it is throttled. */
function retry(failures: number, error: Error): boolean {
  return (
    failures < 1 &&
    error instanceof ApiError &&
    (error.code === "THROTTLED" || error.code === "UNAVAILABLE") &&
    error.retryAfter !== null &&
    error.retryAfter <= PATIENCE_SECONDS
  );
}

/** The cache of what the API answered. */
export function createQueries(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        retry,
        retryDelay: (_failures, error) => (error instanceof ApiError ? (error.retryAfter ?? 1) : 1) * 1000,
        staleTime: 10_000,
        refetchOnWindowFocus: false,
        // A request in offline state fails with a message instead of waiting for the network.
        networkMode: "always",
      },
      mutations: { retry: false, networkMode: "always" },
    },
  });
}
