import { useI18n } from "vue-i18n";

/** Formats times of the API in the language of the application and the time zone of the device. */
export function useDates() {
  const { locale } = useI18n();
  const format = (options: Intl.DateTimeFormatOptions) => (time: string) =>
    new Intl.DateTimeFormat(locale.value === "id" ? "id-ID" : "en-GB", options).format(new Date(time));
  return {
    date: format({ dateStyle: "medium" }),
    /** A day without a time, such as `2026-01-31`, which is the same in every time zone. */
    day: format({ dateStyle: "medium", timeZone: "UTC" }),
    dateTime: format({ dateStyle: "medium", timeStyle: "short" }),
  };
}

/** The day of a time in the device's time zone, as a date input takes it: `2026-01-31`. */
export function dayOf(time: string | undefined): string {
  if (!time) return "";
  const at = new Date(time);
  const two = (part: number) => `${part}`.padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** The moment at which a day begins in the device's time zone. */
export function startOf(day: string, plusDays = 0): string | undefined {
  const [year, month, date] = day.split("-").map(Number);
  if (!year || !month || !date) return undefined;
  return new Date(year, month - 1, date + plusDays).toISOString();
}
