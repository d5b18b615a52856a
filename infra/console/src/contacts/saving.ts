import { nextTick, reactive, ref } from "vue";
import { useI18n } from "vue-i18n";
import { ApiError, errorText } from "@/api";
import { toast } from "@/design/toasts";
import { inForm, problemsOf, type ContactDraft, type ContactInput } from "./draft";
import { useTeamOwnerTracking } from "./tracking";

const worded = ["name", "company_name", "emails", "phones", "owner_id", "assignee_id", "tags", "source", "external_id", "custom_fields"];

/** Brings what is wrong with a form into view and focuses it: the first such field, or the message about all of it. */
export async function focusProblem(form: HTMLElement | null): Promise<void> {
  await nextTick();
  const wrong = form?.querySelector<HTMLElement>("[aria-invalid='true']") ?? form?.querySelector<HTMLElement>("[role='alert'][tabindex='-1']");
  wrong?.scrollIntoView({ block: "center" });
  wrong?.focus({ preventScroll: true });
}

/** What went wrong while a contact was saved: next to its field, or above the form. */
export function useSaveErrors() {
  const { t } = useI18n();
  const errors = reactive<Record<string, string>>({});
  const failure = ref<string | null>(null);
  const { rejected } = useTeamOwnerTracking();

  function clear() {
    for (const field of Object.keys(errors)) delete errors[field];
    failure.value = null;
  }

  /** Checks what the form can check itself. Returns whether the draft can be sent. */
  function check(draft: ContactDraft): boolean {
    clear();
    for (const [field, problem] of Object.entries(problemsOf(draft))) errors[field] = t(`contacts.invalid.${problem}`);
    return Object.keys(errors).length === 0;
  }

  /** Shows the error of a save. Returns whether the Team Owner field goes back to what is stored. */
  function show(error: unknown, sent: ContactInput, draft: ContactDraft): boolean {
    clear();
    if (error instanceof ApiError && error.code === "INVALID_REQUEST") {
      const field = error.details.field ?? "";
      const name = field.replace(/[[.].*$/, "");
      if (worded.includes(name)) errors[inForm(field, draft)] = t(`contacts.invalid.${name}`);
      else failure.value = t("contacts.invalid.other", { message: error.message });
      return false;
    }
    const refused = error instanceof ApiError && error.code === "TEAM_OWNER_INVALID";
    if (refused) rejected(error);
    const teams = "team_owner_ids" in sent && (refused || (error instanceof ApiError && error.status >= 500));
    if (teams) toast("danger", t("contacts.teams.saveFailed"));
    if (!refused) failure.value = `${t(errorText(error))} ${t("contacts.form.failed")}`;
    return teams;
  }
  return { errors, failure, clear, check, show };
}
