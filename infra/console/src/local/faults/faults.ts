/** A rule of fault injection, as the local cloud lists it. */
export interface Rule {
  target: string;
  latency_ms: number;
  status: number | null;
  rate: number;
  kind: string | null;
  function: string | null;
  action: string | null;
  skip: number;
  times: number | null;
  retry_after: number | null;
  when: string;
  lag_ms: number | null;
}

type PartialRule = Partial<Rule> & Pick<Rule, "target">;

/** What the local cloud puts in the place of fields that a rule does not have. */
const defaults: Omit<Rule, "target"> = {
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
};

/** A fault that a switch turns on, with what a user sees then. */
export interface Fault {
  title: string;
  effect: string;
  rule: PartialRule;
}

export const faults: readonly Fault[] = [
  { title: "Teams cannot be loaded", effect: "When the cached teams are a minute old, lists show own contacts only, with a banner.", rule: { target: "launchpad.teams", status: 500 } },
  { title: "Permissions cannot be loaded", effect: "When the cached permissions are ten seconds old, the API answers that it is unavailable.", rule: { target: "launchpad.permissions", status: 500 } },
  { title: "People cannot be loaded", effect: "The picker of mentions and the cards of people say so; notes are saved.", rule: { target: "launchpad.users", status: 500 } },
  { title: "Launchpad is slow", effect: "A call for permissions takes 400 ms; functions wait for at most 500 ms.", rule: { target: "launchpad.permissions", latency_ms: 400 } },
  { title: "The Notification Service fails", effect: "Notes are saved; their notifications are tried again.", rule: { target: "notifications", status: 503 } },
  { title: "SES throttles", effect: "Exports finish; their emails are tried again.", rule: { target: "ses", kind: "throttle" } },
  { title: "DynamoDB throttles every third call", effect: "Functions repeat the calls, so requests take longer, or fail.", rule: { target: "dynamodb", kind: "throttle", rate: 0.33 } },
  { title: "Queues deliver messages twice", effect: "Nothing that a user sees: no second notification, no second file.", rule: { target: "sqs", kind: "duplicate" } },
  { title: "One function is killed", effect: "The next call to DynamoDB ends the process of its function, once.", rule: { target: "dynamodb", kind: "kill", times: 1 } },
];

/** Whether a rule in force is that of a fault. */
export function isRuleOf(fault: Fault, rule: Rule): boolean {
  const wanted: Rule = { ...defaults, ...fault.rule };
  return (Object.keys(wanted) as (keyof Rule)[]).every((field) => wanted[field] === rule[field]);
}

/** The rules in force that no switch is for, as text. */
export function otherRules(rules: readonly Rule[]): string[] {
  return rules.filter((rule) => !faults.some((fault) => isRuleOf(fault, rule))).map((rule) => describe(rule));
}

/** The fields of a rule that are not at their defaults. */
function describe(rule: Rule): string {
  const own = Object.entries(rule).filter(([field, value]) => (defaults as Record<string, unknown>)[field] !== value);
  return own.map(([field, value]) => `${field}: ${String(value)}`).join(", ");
}
