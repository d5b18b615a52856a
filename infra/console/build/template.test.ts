import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { contentSecurityPolicy } from "./configuration.ts";

it("the deployed console has the security policy of the local one", () => {
  const template = readFileSync(new URL("../template.yaml", import.meta.url), "utf8");
  const [, policy = ""] = /ContentSecurityPolicy: !Sub "(.+)"/.exec(template) ?? [];
  const deployed = policy.replaceAll("${ApiUrl}", "https://api.example").replaceAll("${OidcOrigins}", "https://id.example");
  expect(deployed).toBe(contentSecurityPolicy(["https://api.example", "https://id.example"], "https://id.example"));
});
