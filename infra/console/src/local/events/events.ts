/** A structured log line of a function, or an event of the console's analytics. */
export type LoggedEvent = Record<string, unknown> & { function: string };

/** How many events the list shows. */
const SHOWN = 200;

/** What most lines have; it says nothing about one event. */
const usual = ["timestamp", "level", "target", "event_name", "function", "fields", "span", "spans"];

const object = (value: unknown): Record<string, unknown> => (typeof value === "object" && value !== null ? { ...value } : {});

/** The name of an event: of a line that has it at the top, or among its fields. */
export function nameOf(event: LoggedEvent): string {
  const name = event["event_name"] ?? object(event["fields"])["event_name"];
  return typeof name === "string" ? name : "(no name)";
}

/** The names that occur, in alphabetical order. */
export function namesOf(events: readonly LoggedEvent[]): string[] {
  return [...new Set(events.map(nameOf))].sort();
}

/** The newest events with a name, the newest first; all of them without a name. */
export function newest(events: readonly LoggedEvent[], name: string) {
  return events
    .filter((event) => !name || nameOf(event) === name)
    .slice(-SHOWN)
    .reverse()
    .map((event) => {
      const own = Object.entries({ ...object(event["fields"]), ...event }).filter(([key]) => !usual.includes(key));
      return {
        name: nameOf(event),
        function: event.function,
        time: typeof event["timestamp"] === "string" ? event["timestamp"] : null,
        properties: own.map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)] as const),
      };
    });
}
