import { afterEach, expect, it, vi } from "vitest";
import { createTrack } from "./index";

afterEach(() => vi.unstubAllGlobals());

it("an event is sent as text, with its name and its properties", async () => {
  const sendBeacon = vi.fn<(url: string, body: Blob) => boolean>(() => true);
  vi.stubGlobal("navigator", { sendBeacon });
  createTrack("https://events.example/collect")("cdp_team_owner_save_rejected", { rejected_team_count: 2 });
  const [url, body] = sendBeacon.mock.calls[0]!;
  expect([url, body.type]).toEqual(["https://events.example/collect", "text/plain"]);
  expect(JSON.parse(await body.text())).toEqual({ name: "cdp_team_owner_save_rejected", properties: { rejected_team_count: 2 } });
});

it("without an endpoint no event is sent", () => {
  const sendBeacon = vi.fn(() => true);
  vi.stubGlobal("navigator", { sendBeacon });
  createTrack(undefined)("cdp_team_filter_view_loaded", { result_count: 0, is_empty: true });
  expect(sendBeacon).not.toHaveBeenCalled();
});
