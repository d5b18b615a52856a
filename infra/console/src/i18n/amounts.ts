import { useI18n } from "vue-i18n";

const HOUR = 3600;
const MINUTE = 60;
const KILO = 1000;

/** Formats numbers, sizes and durations in the language of the application. */
export function useAmounts() {
  const { locale } = useI18n();
  const format = (value: number, options: Intl.NumberFormatOptions = {}) =>
    new Intl.NumberFormat(locale.value === "id" ? "id-ID" : "en-GB", options).format(value);
  const unit = (value: number, name: string, unitDisplay: "short" | "long" = "long", maximumFractionDigits = 0) =>
    format(value, { style: "unit", unit: name, unitDisplay, maximumFractionDigits });
  return {
    number: (value: number) => format(value),
    /** All decimals, and no separators of thousands: a number can be a year or a postal code. */
    exact: (value: number) => format(value, { maximumFractionDigits: 20, useGrouping: false }),
    percent: (share: number) => format(share, { style: "percent", maximumFractionDigits: 0 }),
    /** A file size: `5.7 kB`. */
    size(bytes: number): string {
      if (bytes < KILO) return unit(bytes, "byte");
      if (bytes < KILO ** 2) return unit(bytes / KILO, "kilobyte", "short", bytes < 10 * KILO ? 1 : 0);
      return unit(bytes / KILO ** 2, "megabyte", "short", 1);
    },
    /** A duration in one or two units: `47 hours 12 minutes`. */
    duration(seconds: number): string {
      const whole = Math.max(0, Math.floor(seconds));
      const hours = Math.floor(whole / HOUR);
      const minutes = Math.floor((whole % HOUR) / MINUTE);
      if (hours) return minutes ? `${unit(hours, "hour")} ${unit(minutes, "minute")}` : unit(hours, "hour");
      return minutes ? unit(minutes, "minute") : unit(whole, "second");
    },
  };
}
