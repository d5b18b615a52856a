import { describe, expect, it } from "vitest";
import { ApiError, ConnectionError, errorText } from "./error";
import { narrowedSurface, recordScope, resetScope, sendingPage, showsOwnOnly } from "./fallback";

const answer = (status: number, headers: Record<string, string> = {}) => new Response(null, { status, headers });

describe("an error of the API", () => {
  it("has the code, the details and the time to wait", () => {
    const error = ApiError.from(answer(429, { "Retry-After": "2" }), { error: "THROTTLED", message: "too many requests", details: { limit: 3 } });
    expect([error.status, error.code, error.message, error.details, error.retryAfter]).toEqual([429, "THROTTLED", "too many requests", { limit: 3 }, 2]);
  });

  it("of API Gateway itself has a code, too", () => {
    expect(ApiError.from(answer(403), { message: "Forbidden" }).code).toBe("HTTP_403");
    expect(ApiError.from(answer(502), "bad gateway").retryAfter).toBeNull();
  });

  it("is explained in words that fit", () => {
    const narrowed = ApiError.from(answer(403), { error: "FORBIDDEN", details: { team_scope: "owned_only_fallback" } });
    const texts = [narrowed, ApiError.from(answer(403), { error: "FORBIDDEN" }), new ConnectionError("offline"), new Error("bug")].map(errorText);
    expect(texts).toEqual(["errors.narrowed", "errors.forbidden", "errors.connection", "errors.unexpected"]);
  });
});

describe("the fallback", () => {
  it("is shown until the same operation answers without it", () => {
    recordScope("GET /cdp/customers", answer(200, { "X-Team-Permission-Fallback": "owned-only" }), sendingPage());
    recordScope("GET /cdp/me", answer(200), sendingPage());
    expect(showsOwnOnly.value).toBe(true);
    recordScope("GET /cdp/customers", answer(503), sendingPage());
    expect(showsOwnOnly.value).toBe(true);
    recordScope("GET /cdp/customers", answer(200), sendingPage());
    expect(showsOwnOnly.value).toBe(false);
  });

  it("belongs to the surface whose answer was narrowed first", () => {
    const operations = { "GET /cdp/customers": "list", "GET /cdp/customers/search-assoc": "assoc", "GET /cdp/customers/{id}": "detail", "GET /v1/contacts/{contact_id}/notes": "detail" };
    for (const [operation, surface] of Object.entries(operations)) {
      resetScope();
      recordScope(operation, answer(200, { "X-Team-Permission-Fallback": "owned-only" }), sendingPage());
      recordScope("GET /cdp/customers", answer(200, { "X-Team-Permission-Fallback": "owned-only" }), sendingPage());
      expect(narrowedSurface(), operation).toBe(surface);
    }
  });

  it("is forgotten on another page", () => {
    recordScope("GET /cdp/customers", answer(403, { "X-Team-Permission-Fallback": "owned-only" }), sendingPage());
    resetScope();
    expect(showsOwnOnly.value).toBe(false);
  });

  it("is not shown because of an answer that an earlier page asked for", () => {
    resetScope();
    const before = sendingPage();
    resetScope();
    recordScope("GET /cdp/customers", answer(200, { "X-Team-Permission-Fallback": "owned-only" }), before);
    expect(showsOwnOnly.value).toBe(false);
  });
});
