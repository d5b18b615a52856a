import { expect, it } from "vitest";
import { withEmptyOptions } from "./description";

it("optional parameters are empty at first, and their examples and defaults stay readable", () => {
  const required = { name: "id", in: "path", required: true, example: "7" };
  const shared = { name: "limit", in: "query", description: "At most.", schema: { type: "integer", default: 25 }, example: 10 };
  const tags = { name: "tags", in: "query", schema: { $ref: "#/components/schemas/Tags" }, example: ["vip"] };
  const custom = { name: "custom", in: "query", schema: { type: "object" }, example: { tier: "gold" } };
  const reference = { $ref: "#/components/parameters/Limit" };
  const description = {
    info: { title: "API" },
    paths: { "/things": { parameters: [reference], get: { summary: "Things", parameters: [required, tags, custom, reference] }, post: { summary: "New" } } },
    components: { parameters: { Limit: shared }, schemas: { Tags: {} } },
  };
  expect(withEmptyOptions(description)).toEqual({
    info: { title: "API" },
    paths: {
      "/things": {
        parameters: [reference],
        get: {
          summary: "Things",
          parameters: [
            required,
            { name: "tags", in: "query", schema: tags.schema, description: 'Example: `["vip"]`' },
            { name: "custom", in: "query", schema: { type: "object" }, description: 'Example: `{"tier":"gold"}`', example: {} },
            reference,
          ],
        },
        post: { summary: "New" },
      },
    },
    components: {
      parameters: { Limit: { name: "limit", in: "query", description: "At most.\n\nDefault: `25`\n\nExample: `10`", schema: { type: "integer" } } },
      schemas: { Tags: {} },
    },
  });
});
