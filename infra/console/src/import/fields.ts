import { useQuery } from "@tanstack/vue-query";
import { computed } from "vue";
import { useI18n } from "vue-i18n";
import { body, useApi } from "@/api";

export const IGNORED = "-";
const CUSTOM = "custom.";

/** The fields that every contact has, in the order in which they are offered. */
const standard = [
  "name",
  "first_name",
  "middle_name",
  "last_name",
  "name_suffix",
  "emails",
  "phones",
  "company_name",
  "tags",
  "source",
  "owner_id",
  "assignee_id",
  "team_owner_ids",
  "external_id",
  "id",
] as const;

/** The key that a new custom field gets from the name of a column: `Loyalty tier` → `loyalty_tier`. */
export function customKey(name: string): string {
  const words = name.normalize("NFC").replace(/(\p{Ll})(\p{Lu})/gu, "$1_$2").toLowerCase();
  return words.replace(/[^\p{L}\p{N}\p{M}]+/gu, "_").replace(/^_+|_+$/g, "") || name;
}

/** The name of a field of contacts. */
export function useFieldNames(): (field: string) => string {
  const { t } = useI18n();
  const texts = computed<Record<string, string>>(() => ({
    name: t("imports.fields.name"),
    first_name: t("imports.fields.first_name"),
    middle_name: t("imports.fields.middle_name"),
    last_name: t("imports.fields.last_name"),
    name_suffix: t("imports.fields.name_suffix"),
    emails: t("imports.fields.emails"),
    phones: t("imports.fields.phones"),
    company_name: t("imports.fields.company_name"),
    tags: t("imports.fields.tags"),
    source: t("imports.fields.source"),
    owner_id: t("imports.fields.owner_id"),
    assignee_id: t("imports.fields.assignee_id"),
    team_owner_ids: t("imports.fields.team_owner_ids"),
    external_id: t("imports.fields.external_id"),
    id: t("imports.fields.id"),
    [IGNORED]: t("imports.fields.ignored"),
  }));
  return (field) => (field.startsWith(CUSTOM) ? field.slice(CUSTOM.length) : (texts.value[field] ?? field));
}

/** The fields of contacts that a column can become, and their names. */
export function useImportFields() {
  const api = useApi();
  const known = useQuery({
    queryKey: ["export-fields", "en"],
    queryFn: async ({ signal }) => (await body(api.GET("/cdp/export-fields", { params: { query: { locale: "en" } }, signal }))).data,
    staleTime: 60_000,
  });
  const custom = computed(() => (known.data.value ?? []).map(({ field }) => field).filter((field) => field.startsWith(CUSTOM)));
  return {
    standard,
    /** The company's custom fields. */
    custom,
    /** The name of a field. */
    text: useFieldNames(),
    /** The custom field for a column, if the company does not have it yet. */
    newField: (column: string) => {
      const field = CUSTOM + customKey(column);
      return custom.value.includes(field) ? null : field;
    },
    isNew: (field: string) => field.startsWith(CUSTOM) && known.data.value !== undefined && !custom.value.includes(field),
  };
}
