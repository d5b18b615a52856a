import { expect, it } from "vitest";
import { namesOf, newest, type LoggedEvent } from "./events";

const events: LoggedEvent[] = [
  { function: "ContactList", timestamp: "2026-11-24T09:30:00Z", level: "INFO", fields: { event_name: "cdp_team_permission_fallback", cause: "timeout" } },
  { function: "NoteWrite", event_name: "cdp_note_mention_added", mention_count: 2 },
  { function: "NoteWrite", event_name: "cdp_note_mention_added", mention_count: 1 },
];

it("events are listed with the newest first, each with the properties of its own", () => {
  expect(newest(events, "")).toEqual([
    { name: "cdp_note_mention_added", function: "NoteWrite", time: null, properties: [["mention_count", "1"]] },
    { name: "cdp_note_mention_added", function: "NoteWrite", time: null, properties: [["mention_count", "2"]] },
    { name: "cdp_team_permission_fallback", function: "ContactList", time: "2026-11-24T09:30:00Z", properties: [["cause", "timeout"]] },
  ]);
});

it("events are filtered by names, whether these are at the top of a line or among its fields", () => {
  expect(namesOf(events)).toEqual(["cdp_note_mention_added", "cdp_team_permission_fallback"]);
  expect(newest(events, "cdp_team_permission_fallback").map((event) => event.function)).toEqual(["ContactList"]);
});
