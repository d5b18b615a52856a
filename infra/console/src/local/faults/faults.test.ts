import { describe, expect, it } from "vitest";
import { faults, isRuleOf, otherRules, type Rule } from "./faults";

const rule = (own: Partial<Rule>): Rule => ({
  target: "dynamodb",
  latency_ms: 0,
  status: null,
  rate: 1,
  kind: null,
  function: null,
  action: null,
  skip: 0,
  times: null,
  retry_after: null,
  when: "before",
  lag_ms: 1000,
  ...own,
});

describe("a rule in force", () => {
  it("is of the fault whose fields it has", () => {
    const titles = (one: Rule) => faults.filter((fault) => isRuleOf(fault, one)).map((fault) => fault.title);
    expect(titles(rule({ target: "launchpad.teams", status: 500 }))).toEqual(["Teams cannot be loaded"]);
    expect(titles(rule({ target: "launchpad.teams", status: 500, function: "ContactList" }))).toEqual([]);
  });
});

describe("rules", () => {
  it("without a switch are listed with their fields", () => {
    const rules = [rule({ target: "launchpad.teams", status: 500 }), rule({ kind: "stale_read", lag_ms: null }), rule({ target: "sqs", rate: 0.5 })];
    expect(otherRules(rules)).toEqual(["target: dynamodb, kind: stale_read, lag_ms: null", "target: sqs, rate: 0.5"]);
  });
});
