import { computed, ref } from "vue";
import { useCustomFields } from "./fields";

/** The columns that every contact has; the name is always shown. */
const standard = ["emails", "phones", "company_name", "owner_name", "assignee_name", "team_owner_ids", "tags", "source", "external_id", "created_at", "updated_at"] as const;
const suggested = ["emails", "phones", "company_name", "team_owner_ids", "created_at"];

/** Where the user's choice is kept. */
const CHOICE = "console.columns";
const CUSTOM = "custom.";

export interface Column {
  key: string;
  /** The key of a custom field; null for a field that every contact has. */
  custom: string | null;
}

function restore(): string[] {
  try {
    const stored: unknown = JSON.parse(window.localStorage.getItem(CHOICE) ?? "null");
    if (Array.isArray(stored)) return stored.filter((key): key is string => typeof key === "string");
  } catch {
    // An unreadable choice counts as none.
  }
  return suggested;
}

const chosen = ref<string[] | null>(null);

/** The columns of the list, and which of them the user has chosen. */
export function useColumns() {
  chosen.value ??= restore();
  const { fields } = useCustomFields();
  const all = computed<Column[]>(() => [
    ...standard.map((key) => ({ key, custom: null })),
    ...fields.value.map(({ key }) => ({ key: CUSTOM + key, custom: key })),
  ]);
  const isShown = (key: string) => chosen.value?.includes(key) ?? false;
  return {
    all,
    shown: computed(() => all.value.filter(({ key }) => isShown(key))),
    isShown,
    toggle(key: string): void {
      const now = chosen.value ?? [];
      chosen.value = isShown(key) ? now.filter((one) => one !== key) : [...now, key];
      window.localStorage.setItem(CHOICE, JSON.stringify(chosen.value));
    },
  };
}
