import { inject, type InjectionKey } from "vue";
import type { components } from "@generated/api";
import type { Api } from "./client";

export { body } from "./client";
export { ApiError, ConnectionError, errorText, isUncertain } from "./error";
export { createsOnce } from "./once";
export type { Api } from "./client";

/** A schema of the API by its name: `Schema<"Contact">`. */
export type Schema<Name extends keyof components["schemas"]> = components["schemas"][Name];

export const apiKey: InjectionKey<Api> = Symbol("api");

/** The API client of the application. */
export function useApi(): Api {
  const api = inject(apiKey);
  if (!api) throw new Error("useApi() needs the API client of the application");
  return api;
}
