import { useQuery } from "@tanstack/vue-query";
import { inject, toValue, type InjectionKey, type MaybeRefOrGetter } from "vue";
import { ConnectionError } from "@/api";

/** How often a page asks for what is new while it is visible. */
const REFRESH_MS = 1000;

/** The operations of the local cloud on itself, under `/_local`. */
export class LocalCloud {
  constructor(
    readonly url: string,
    readonly apiUrl: string,
  ) {}

  async send<Data>(method: "GET" | "POST" | "PUT" | "DELETE", path: string, body?: unknown, signal: AbortSignal | null = null): Promise<Data> {
    const content = body === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    const response = await fetch(`${this.url}/${path}`, { method, signal, ...content }).catch((cause: unknown) => {
      throw new ConnectionError("the local cloud cannot be reached", { cause });
    });
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}`);
    return ((await response.json()) as { data: Data }).data;
  }
}

export const localCloudKey: InjectionKey<LocalCloud> = Symbol("local cloud");

export function useLocalCloud(): LocalCloud {
  const cloud = inject(localCloudKey);
  if (!cloud) throw new Error("useLocalCloud() needs the local cloud of the application");
  return cloud;
}

/** What the local cloud answers at a path, kept up to date while the page is visible. */
export function useRecords<Data>(path: MaybeRefOrGetter<string>) {
  const cloud = useLocalCloud();
  return useQuery({
    queryKey: ["local", path],
    queryFn: ({ signal }) => cloud.send<Data>("GET", toValue(path), undefined, signal),
    refetchInterval: REFRESH_MS,
    staleTime: 0,
  });
}
