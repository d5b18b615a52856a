import { useQuery } from "@tanstack/vue-query";
import { computed } from "vue";
import { useI18n } from "vue-i18n";
import { body, useApi, type Schema } from "@/api";

export type FieldType = Schema<"ExportField">["type"];

export interface CustomField {
  key: string;
  type: FieldType;
}

const CUSTOM = "custom.";

/** The custom fields that contacts of the company have, with their types. */
export function useCustomFields() {
  const api = useApi();
  const { locale } = useI18n();
  const query = useQuery({
    queryKey: ["export-fields", locale],
    queryFn: async ({ signal }): Promise<Schema<"ExportField">[]> =>
      (await body(api.GET("/cdp/export-fields", { params: { query: { locale: locale.value === "id" ? "id" : "en" } }, signal }))).data,
    staleTime: 60_000,
  });
  const fields = computed<CustomField[]>(() =>
    (query.data.value ?? [])
      .filter((field) => field.field.startsWith(CUSTOM))
      .map(({ field, type }) => ({ key: field.slice(CUSTOM.length), type })),
  );
  return { query, fields };
}

/** The type of a value that a contact has, where the company's fields do not name one. */
export function typeOf(value: unknown): FieldType {
  if (typeof value === "number") return "number";
  if (typeof value === "boolean") return "boolean";
  if (Array.isArray(value)) return "list";
  return "text";
}
