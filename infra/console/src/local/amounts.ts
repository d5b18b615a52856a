const MEBIBYTE = 1024 * 1024;
/** Below this, a duration has decimals. */
const SHORT_MS = 10;

const plain = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const precise = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const money = new Intl.NumberFormat("en", { style: "currency", currency: "USD" });
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

export const count = (value: number) => plain.format(value);
export const milliseconds = (value: number) => `${(value < SHORT_MS ? precise : plain).format(value)} ms`;
export const mebibytes = (bytes: number) => `${plain.format(bytes / MEBIBYTE)} MiB`;
/** Capacity units of DynamoDB come in halves. */
export const units = (value: number) => precise.format(value);
/** One request costs too little to be read; a million of them does not. */
export const perMillion = (dollars: number) => money.format(dollars * 1_000_000);
export const timeOfDay = (time: string) => clock.format(new Date(time));
