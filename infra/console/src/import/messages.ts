import { useI18n } from "vue-i18n";
import { ApiError, errorText, type Schema } from "@/api";
import { useAmounts } from "@/i18n/amounts";
import { IGNORED, useFieldNames } from "./fields";
import type { Reason } from "./run";

/** What a user reads about a problem. `detail` is the API's own message, if there are no words for it. */
export interface Words {
  text: string;
  detail?: string;
}

type Failure = Pick<Schema<"Error">, "error" | "message" | "details">;

/** The reason in a message of the API, which puts the field first: `emails[0]: is not valid`. */
function reasonOf({ message, details }: Failure): string {
  const lead = details.field === undefined ? null : `${details.field}: `;
  return lead !== null && message.startsWith(lead) ? message.slice(lead.length) : message;
}

/** The format in the API's words, as the texts of this page name it. */
function formatOf(format: string): "workbook" | "vcard" | "document" {
  if (format.includes("workbook")) return "workbook";
  return format.includes("vCard") ? "vcard" : "document";
}

/** Why columns, rows and files cannot be imported, in words that name what the page offers. */
export function useImportMessages() {
  const { t, locale } = useI18n();
  const { number } = useAmounts();
  const fieldName = useFieldNames();
  const quoted = (text: string) => `“${text}”`;
  const list = (items: string[], type: "conjunction" | "disjunction") => new Intl.ListFormat(locale.value, { type }).format(items);

  /** The name of the field to which a path of the API leads: `emails[0]` → `Email addresses`. */
  const nameOf = (path: string) => fieldName(path.replace(/\[.*$/, "").replace(/^custom_fields\./, "custom."));
  const limited = (key: string) => (path: string, limit = "") => t(key, { field: nameOf(path), limit: number(Number(limit)) });

  /** The columns that a message names: `"Name" and "#3"`. A `#` stands before the number of one whose name is not unique. */
  function columns(text: string): string {
    const names = text.replace(/^"|"$/g, "").split('" and "');
    const shown = names.map((name) => (/^#\d+$/.test(name) ? t("imports.review.unnamed", { number: name.slice(1) }) : quoted(name)));
    return list(shown, "conjunction");
  }

  /**
   * The API's reasons and the words for them. Most of its reasons have the same error code, so only
   * their texts tell them apart.
   */
  const known: [RegExp, (path: string, ...parts: string[]) => string][] = [
    [/^no column was recognized as an id or an email address/, () =>
      t("imports.refused.noKey", { fields: list(["emails", "external_id", "id"].map((field) => quoted(fieldName(field))), "disjunction") })],
    [/^the columns (.+) are all mapped to (.+), which has one value/s, (_path, names = "", field = "") =>
      t("imports.refused.conflict", { columns: columns(names), field: quoted(fieldName(field)), ignored: fieldName(IGNORED) })],
    [/^the column "(.+)" has the name that export layouts use for (.+); choose one/s, (_path, column = "", fields = "") =>
      t("imports.refused.ambiguous", { column, fields: list(fields.split(" and ").map((field) => quoted(fieldName(field))), "conjunction") })],
    [/^the names of the columns seem to be in line (\d+)/, (_path, line = "") => t("imports.refused.headerBelow", { line })],
    [/^the name of column (\d+) is too long/, (_path, column = "") => t("imports.refused.keyTooLong", { number: column, ignored: fieldName(IGNORED) })],
    [/^the first row must contain the names of the columns/, () => t("imports.refused.noHeader")],
    [/^the file is empty/, () => t("imports.problems.empty")],
    [/^the file is (.+), not a CSV file/, (_path, format = "") => t(`imports.problems.${formatOf(format)}`)],
    [/^the encoding of the file could not be found out/, () => t("imports.problems.encoding")],
    [/^the header has as many columns with/, () => t("imports.problems.ambiguous")],
    [/^the header cannot be read/, () => t("imports.problems.header")],
    [/^the file is not valid .+, first in line (\d+)/, (_path, line = "") => t("imports.problems.malformed", { line })],
    [/^the quote that opens in line (\d+) is never closed/, (_path, line = "") => t("imports.reasons.unclosed", { line })],
    [/^the text in quotes that begins in line (\d+) is followed by other text in line (\d+)/, (_path, begin = "", end = "") => t("imports.reasons.text", { begin, end })],
    [/^the row has (\d+) cells, but the header has (\d+)/, (_path, cells = "", header = "") => t("imports.reasons.surplus", { cells, columns: header })],
    [/^column (\d+) has no name in the header/, (_path, column = "") => t("imports.reasons.unnamed", { number: column, ignored: fieldName(IGNORED) })],
    [/ is not an id of this service/, (column) => t("imports.reasons.notAnId", { column, ignored: fieldName(IGNORED) })],
    [/^was rounded by a spreadsheet/, (path) => t("imports.reasons.roundedField", { field: nameOf(path) })],
    [/ was rounded by a spreadsheet \("(.*)"\)/s, (column, text = "") => t("imports.reasons.rounded", { column, text })],
    [/^is not a valid email address/, () => t("imports.reasons.email")],
    [/^must be at most (\d+) bytes in total/, () => t("imports.reasons.large")],
    [/^must be at most (\d+) bytes long/, limited("imports.reasons.tooLong")],
    [/^must have at most (\d+) entries/, limited("imports.reasons.tooMany")],
    [/^each key must be 1 to (\d+) bytes long/, limited("imports.reasons.keyTooLong")],
    [/^a number must have at most (\d+) significant digits/, limited("imports.reasons.digits")],
    [/^must be a UUID|^is not an active user of the company/, (path) => t("imports.reasons.person", { field: nameOf(path) })],
    [/^each row must have an id/, () => t("imports.reasons.noKey")],
  ];

  function wordsOf(failure: Failure, otherwise: string): Words {
    const reason = reasonOf(failure);
    for (const [pattern, words] of known) {
      const found = pattern.exec(reason);
      if (found) return { text: words(failure.details.field ?? "", ...found.slice(1)) };
    }
    return { text: otherwise, detail: reason };
  }

  /** Why the API rejected a row. */
  function refusal(failure: Failure): Words {
    switch (failure.error) {
      case "KEY_TAKEN":
        return { text: t("imports.reasons.taken", { field: nameOf(failure.details.field ?? "") }) };
      case "TEAM_OWNER_INVALID":
        return { text: t("imports.reasons.teams") };
      case "FORBIDDEN":
        return { text: t("imports.reasons.forbidden") };
      case "NOT_FOUND":
        return { text: t("imports.reasons.notFound") };
      default:
        return wordsOf(failure, t("imports.reasons.other"));
    }
  }

  return {
    refusal,
    /** Why a row is not imported. */
    reason(reason: Reason): Words {
      switch (reason.kind) {
        case "api":
          return refusal(reason.error);
        case "large":
          return { text: t("imports.reasons.large") };
        case "unclosed":
          return { text: t("imports.reasons.unclosed", { line: reason.line }) };
        case "text":
          return { text: t("imports.reasons.text", { begin: reason.begin, end: reason.end }) };
      }
    },
    /** Why the columns of a file cannot become contacts, or why the file cannot be read. */
    problem(error: unknown, otherwise: string): Words {
      if (!(error instanceof ApiError) || error.status !== 400) return { text: t(errorText(error)) };
      return wordsOf({ error: error.code, message: error.message, details: error.details }, otherwise);
    },
  };
}
