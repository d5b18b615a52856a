import type { Component, InjectionKey } from "vue";
import type { Entry } from "./navigation";

/** What the local cloud adds to the shell. Deployments do not have it, so it is loaded on demand (`src/local`). */
export interface LocalParts {
  bell: Component;
  entry: Entry;
}

export const localKey: InjectionKey<LocalParts> = Symbol("local");
