import { expect, it } from "vitest";
import { ApiError, ConnectionError } from "./error";
import { createsOnce } from "./once";

const answer = (status: number) => ApiError.from(new Response(null, { status }), {});

/** The keys with which contents are sent; each request ends with the next outcome. */
async function keysOf(requests: [content: string, outcome: Error | null][]): Promise<string[]> {
  const create = createsOnce();
  const keys: string[] = [];
  for (const [content, outcome] of requests) {
    await create(content, async (_sent, key) => {
      keys.push(key);
      if (outcome) throw outcome;
    }).catch(() => null);
  }
  return keys;
}

it("a request that the API may have stored is repeated with the same key", async () => {
  for (const lost of [new ConnectionError("lost"), answer(409), answer(429), answer(500), answer(503), answer(504)]) {
    expect(new Set(await keysOf([["a", lost], ["a", lost], ["a", null]])).size, `${lost}`).toBe(1);
  }
});

it("a request that was stored or refused has a new key the next time", async () => {
  for (const outcome of [null, answer(400), answer(403), answer(404), answer(422)]) {
    expect(new Set(await keysOf([["a", outcome], ["a", null]])).size, `${outcome}`).toBe(2);
  }
});

it("each content has a key of its own", async () => {
  const lost = new ConnectionError("lost");
  const [first, other, again] = await keysOf([["a", lost], ["b", null], ["a", null]]);
  expect(other).not.toBe(first);
  expect(again).toBe(first);
});
