import { useI18n } from "vue-i18n";
import { ApiError, ConnectionError, errorText } from "@/api";
import { mentionedPeople } from "./length";
import { NoteChanged, type NoteWarning } from "./notes";

type Kind = NonNullable<NoteWarning["kinds"]>[number];

/** The warnings and errors of the API about notes, in words. */
export function useNoteMessages() {
  const { t, locale } = useI18n();
  const list = (items: string[]) => new Intl.ListFormat(locale.value, { type: "conjunction" }).format(items);
  const kindList = (kinds: readonly Kind[]) => list(kinds.map((kind) => t(`notes.kinds.${kind}`)));

  /** The names of people, as the text that was sent shows them. */
  function names(ids: readonly string[], html: string): string {
    const people = mentionedPeople(html);
    return list(ids.map((id) => people.get(id) ?? people.get(id.toLowerCase()) ?? t("people.unknown")));
  }

  function warning(of: NoteWarning, html: string): string {
    switch (of.code) {
      case "CONTENT_REMOVED":
        return t("notes.warnings.contentRemoved", { kinds: kindList(of.kinds ?? []) });
      case "INVALID_MENTION":
        return t("notes.warnings.invalidMention", { name: names([of.invalid_sso_id ?? ""], html) });
      case "MENTIONS_PENDING":
        return t("notes.warnings.pending", { names: names(of.pending_ids ?? [], html) });
      case "MENTION_CANNOT_SEE_CONTACT":
        return t("notes.warnings.cannotSee", { name: names([of.sso_id ?? ""], html) });
      default:
        // The codes of other operations: notes do not have them.
        return of.message;
    }
  }

  function attachmentProblem(field: string): string {
    const [, index, part] = /^attachments\[(\d+)\]\.(\w+)$/.exec(field) ?? [];
    if (index === undefined) return t("notes.problems.attachments");
    const number = Number(index) + 1;
    if (part === "url") return t("notes.problems.attachmentUrl", { number });
    return part === "size" ? t("notes.problems.attachmentSize", { number }) : t("notes.problems.attachment", { number });
  }

  /** Why a note could not be saved. */
  function problem(error: unknown, html: string): string {
    if (error instanceof ConnectionError) return t("notes.problems.connection");
    if (error instanceof NoteChanged) return t("notes.problems.changed");
    if (!(error instanceof ApiError)) return t("notes.problems.unexpected");
    const { details } = error;
    switch (error.code) {
      case "NOTE_TOO_LONG":
        return t("notes.problems.tooLong", { length: details.length ?? 0, limit: details.limit ?? 0 });
      case "NOTE_EMPTY":
        return details.kinds?.length ? t("notes.problems.onlyRemoved", { kinds: kindList(details.kinds) }) : t("notes.problems.empty");
      case "TOO_MANY_MENTIONS":
        return t("notes.problems.tooManyPeople", { count: details.count ?? 0, limit: details.limit ?? 0 });
      case "INVALID_MENTION":
        return t("notes.problems.invalidMention", { names: names(details.invalid_sso_ids ?? [], html) });
      case "INVALID_REQUEST":
        return details.field?.startsWith("attachments") ? attachmentProblem(details.field) : t("notes.problems.unexpected");
      case "CONFLICT":
        return t("notes.problems.conflict");
      case "NOT_FOUND":
        return t("notes.problems.gone");
      case "FORBIDDEN":
        return t("notes.problems.forbidden");
      default:
        return t(errorText(error));
    }
  }

  return { warning, problem };
}
