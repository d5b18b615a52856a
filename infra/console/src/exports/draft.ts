import { useQuery } from "@tanstack/vue-query";
import { computed, reactive, watch, type Ref } from "vue";
import { useI18n } from "vue-i18n";
import { body, useApi, type Schema } from "@/api";
import type { Column } from "./columns";
import { ownFileName, type Job } from "./jobs";

export type ExportField = Schema<"ExportField">;

/** An export that the user puts together. */
export interface ExportDraft {
  format: Schema<"ExportFormat">;
  delimiter: Schema<"Delimiter">;
  fileName: string;
  timeZone: string;
  locale: Schema<"Locale">;
  columns: Column[];
}

/** The time zones that a browser knows, with that of the device. */
export function timeZones(): string[] {
  const device = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return [...new Set([...Intl.supportedValuesOf("timeZone"), "UTC", device])].sort();
}

/** The fields that can be exported, with their names in a language. */
function useExportFields(locale: Ref<Schema<"Locale">>) {
  const api = useApi();
  const query = useQuery({
    queryKey: ["export-fields", locale],
    queryFn: async ({ signal }): Promise<ExportField[]> =>
      (await body(api.GET("/cdp/export-fields", { params: { query: { locale: locale.value } }, signal }))).data,
    staleTime: 60_000,
    placeholderData: (previous) => previous,
  });
  return { query, fields: computed(() => query.data.value ?? []) };
}

/** The draft of an export: as an earlier one was, or with the suggested columns. Its fields have their names in the language of the page. */
export function useExportDraft(earlier: Ref<Job | null>) {
  const { locale } = useI18n();
  const language = computed(() => locale.value as Schema<"Locale">);
  const draft = reactive<ExportDraft>({
    format: "xlsx",
    delimiter: "comma",
    fileName: "",
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    locale: language.value,
    columns: [],
  });
  // Only once: the job is read again, with a new link to its file, and must not undo what the user has changed since.
  let filled = false;
  watch(
    earlier,
    (job) => {
      if (filled || !job) return;
      filled = true;
      Object.assign(draft, {
        format: job.format,
        delimiter: job.delimiter,
        fileName: ownFileName(job) ?? "",
        timeZone: job.time_zone,
        locale: job.locale,
        columns: job.fields.map((field) => ({ field, label: "" })),
      });
    },
    { immediate: true },
  );
  const known = useExportFields(language);
  // Only once: the names can come again in another language after the user has removed all columns.
  let suggested = false;
  watch(
    known.fields,
    (fields) => {
      if (suggested || !fields.length) return;
      suggested = true;
      if (draft.columns.length || earlier.value) return;
      draft.columns = fields.filter((field) => field.default).map(({ field }) => ({ field, label: "" }));
    },
    { immediate: true },
  );
  return { draft, ...known };
}
