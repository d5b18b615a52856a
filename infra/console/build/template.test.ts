import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { contentSecurityPolicy } from "./configuration.ts";

function policy(origins: Record<string, string>): string {
  const template = readFileSync(new URL("../template.yaml", import.meta.url), "utf8");
  const [, policy = ""] = /ContentSecurityPolicy: !Sub\s+- "(.+)"/.exec(template) ?? [];
  return policy.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => origins[name]!);
}

it("the deployed console has the security policy of the local one", () => {
  const deployed = policy({ ApiUrl: "https://api.example", OidcOrigins: "https://id.example", AnalyticsOrigin: "" });
  expect(deployed).toBe(contentSecurityPolicy(["https://api.example", "https://id.example"], "https://id.example"));
});

it("the deployed console may send events to the origin of the analytics only if there is one", () => {
  const origins = { ApiUrl: "https://api.example", OidcOrigins: "https://id.example" };
  expect(policy({ ...origins, AnalyticsOrigin: " https://events.example" })).toBe(
    contentSecurityPolicy(["https://api.example", "https://id.example", "https://events.example"], "https://id.example"),
  );
});
