import { useQueryClient } from "@tanstack/vue-query";
import { reactive } from "vue";
import { useI18n } from "vue-i18n";
import { body, errorText, useApi } from "@/api";
import { toast } from "@/design/toasts";
import { moveOutOfDeleted } from "./list";

/** Restores deleted contacts, and says what happened. */
export function useRestore() {
  const api = useApi();
  const queries = useQueryClient();
  const { t } = useI18n();
  const restoring = reactive(new Set<string>());

  async function restore(id: string, name: string): Promise<boolean> {
    restoring.add(id);
    try {
      const { warnings } = await body(api.POST("/cdp/customers/{id}/restore", { params: { path: { id } } }));
      const taken = warnings?.find((warning) => warning.code === "KEY_NOT_RESTORED")?.fields;
      if (taken) toast("info", t("contacts.deleted.keyTaken", { name, fields: taken.map((field) => t(`contacts.fields.${field}`)).join(", ") }));
      else toast("success", t("contacts.deleted.restored", { name }));
      await Promise.all([moveOutOfDeleted(queries, id), queries.resetQueries({ queryKey: ["contact", id] })]);
      return true;
    } catch (error) {
      toast("danger", `${t("contacts.deleted.failed")} ${t(errorText(error))}`);
      return false;
    } finally {
      restoring.delete(id);
    }
  }
  return { restore, restoring };
}
