import { useI18n } from "vue-i18n";
import { useAmounts } from "@/i18n/amounts";
import { useDates } from "@/i18n/dates";

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;
const isDate = (text: string) => !Number.isNaN(Date.parse(text));

/** Shows the value of a custom field in the language of the application. As in the API, a text that is a date or a time counts as one. */
export function useCustomText() {
  const { t } = useI18n();
  const { exact } = useAmounts();
  const { day, dateTime } = useDates();

  return function customText(value: unknown): string {
    if (value === null || value === undefined) return "";
    if (typeof value === "boolean") return value ? t("contacts.custom.yes") : t("contacts.custom.no");
    if (typeof value === "number") return exact(value);
    if (Array.isArray(value)) return value.map(customText).join(", ");
    if (typeof value === "object") return JSON.stringify(value);
    const text = `${value as string}`;
    if (DAY.test(text) && isDate(text)) return day(text);
    return TIME.test(text) && isDate(text) ? dateTime(text) : text;
  };
}
