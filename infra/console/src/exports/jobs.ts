import { useInfiniteQuery, useQuery, useQueryClient, type InfiniteData } from "@tanstack/vue-query";
import { computed } from "vue";
import { ApiError, body, createsOnce, useApi, type Schema } from "@/api";

export type Job = Schema<"Export">;

interface Page {
  data: Job[];
  meta: Schema<"PageMeta">;
}

const LIST = ["exports"];
const PAGE = 20;
/** How often the progress of an active export is read, and the state of an email. */
const PROGRESS_MS = 1000;
const EMAIL_MS = 2000;

/** Selections by the export that was made from them. The API returns the number of ids only, and a filter without its texts when the file is gone. */
const selections = new Map<string, Schema<"Selection">>();

/** Whether the file is still being made. */
export const isActive = (job: Job) => job.status === "queued" || job.status === "running";

/** Whether the row of the export will change by itself: its file is still being made, or its email is still on its way. */
export const isMoving = (job: Job) => isActive(job) || (job.status === "completed" && (job.email_status === "pending" || job.email_status === "sending"));

/** The contacts of an export, for another one; null if the whole selection is not known any more. */
export function selectionOf(job: Job): Schema<"Selection"> | null {
  if ("filter" in job.selection && !job.selection.removed) return { filter: job.selection.filter };
  return selections.get(job.id) ?? null;
}

/** The name that the user gave the file; null if it was the default, which has the date. */
export function ownFileName(job: Job): string | null {
  const name = job.file_name.replace(/\.(xlsx|csv)$/, "");
  return /^contacts-\d{4}-\d{2}-\d{2}$/.test(name) ? null : name;
}

/** What can be done with one export. */
export function useJobActions() {
  const api = useApi();
  const queries = useQueryClient();

  const read = async (id: string, signal?: AbortSignal) =>
    (await body(api.GET("/cdp/exports/{id}", { params: { path: { id } }, ...(signal ? { signal } : {}) }))).data;

  /** Shows the present state of exports in the list. */
  function show(changed: Job[]): void {
    const byId = new Map(changed.map((job) => [job.id, job]));
    queries.setQueryData<InfiniteData<Page>>(LIST, (list) =>
      list && { ...list, pages: list.pages.map((page) => ({ ...page, data: page.data.map((job) => byId.get(job.id) ?? job) })) },
    );
  }

  return {
    read,
    show,
    /** Cancels an export, or deletes its file. */
    async cancel(id: string): Promise<void> {
      show([(await body(api.DELETE("/cdp/exports/{id}", { params: { path: { id } } }))).data]);
    },
    /** Downloads the file by a link of this moment. Returns false if the file has expired. */
    async download(id: string): Promise<boolean> {
      const job = await read(id);
      show([job]);
      if (!job.download_url) return false;
      const link = document.createElement("a");
      link.href = job.download_url;
      link.download = job.file_name;
      link.click();
      return true;
    },
  };
}

/** The user's exports. */
export function useJobs() {
  const api = useApi();
  const query = useInfiniteQuery({
    queryKey: LIST,
    queryFn: async ({ pageParam, signal }): Promise<Page> =>
      body(api.GET("/cdp/exports", { params: { query: { limit: PAGE, ...(pageParam ? { cursor: pageParam } : {}) } }, signal })),
    initialPageParam: "",
    getNextPageParam: (page) => page.meta.next_cursor ?? undefined,
    refetchOnMount: "always",
  });
  const jobs = computed(() => (query.data.value?.pages ?? []).flatMap((page) => page.data));
  const moving = computed(() => jobs.value.filter(isMoving).map((job) => job.id));

  const { read, show } = useJobActions();

  useQuery({
    queryKey: ["exports-progress", moving],
    queryFn: async ({ signal }) => {
      const changed = await Promise.all(moving.value.map((id) => read(id, signal)));
      show(changed);
      return changed;
    },
    enabled: () => moving.value.length > 0,
    refetchInterval: () => (jobs.value.some(isActive) ? PROGRESS_MS : EMAIL_MS),
    gcTime: 0,
  });

  return { query, jobs };
}

type Request = Schema<"ExportRequest">;

/** Requests exports. */
export function useRequestExport() {
  const api = useApi();
  const queries = useQueryClient();
  const createOnce = createsOnce();

  async function request(wanted: Request): Promise<Job> {
    const { data } = await createOnce(wanted, (sent, key) =>
      body(api.POST("/cdp/exports", { params: { header: { "Idempotency-Key": key } }, body: sent })),
    );
    selections.set(data.id, wanted.selection);
    await queries.invalidateQueries({ queryKey: LIST });
    return data;
  }

  return {
    request,
    /** Makes the file of an export again. Its contacts must be known. */
    async again(job: Job): Promise<Job> {
      const selection = selectionOf(job);
      if (!selection) throw new Error("the selected contacts are not known");
      const { format, delimiter, time_zone, locale, fields, layout_id } = job;
      const file_name = ownFileName(job);
      const wanted = { format, selection, delimiter, time_zone, locale, ...(file_name ? { file_name } : {}) };
      if (!layout_id) return request({ ...wanted, fields });
      try {
        return await request({ ...wanted, layout_id });
      } catch (error) {
        const gone = error instanceof ApiError && error.status === 400 && error.details.field === "layout_id";
        if (!gone) throw error;
        return request({ ...wanted, fields });
      }
    },
  };
}
