import { useQuery } from "@tanstack/vue-query";
import { computed } from "vue";
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
  const query = useQuery({
    // Only keys and types are used, which are the same in every language.
    queryKey: ["export-fields", "en"],
    queryFn: async ({ signal }): Promise<Schema<"ExportField">[]> =>
      (await body(api.GET("/cdp/export-fields", { params: { query: { locale: "en" } }, signal }))).data,
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
