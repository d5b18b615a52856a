import type { SwaggerPlugin, SwaggerSystem } from "swagger-ui-dist/swagger-ui-es-bundle.js";
import { withEmptyOptions, type Description } from "./description";

/** The operations alone. The usual layout has a `main` of its own, and repeats what the page says. */
export const consoleLayout: SwaggerPlugin = ({ React }: SwaggerSystem) => ({
  components: {
    ConsoleLayout: ({ getComponent }: SwaggerSystem) =>
      React.createElement("div", { className: "swagger-ui" }, React.createElement(getComponent("errors", true)), React.createElement(getComponent("operations", true))),
    // Lists ask for an input of the format of their items, and warn if there is none.
    JsonSchema_string_uuid: ({ getComponent, ...properties }: SwaggerSystem) => React.createElement(getComponent("JsonSchema_string"), { getComponent, ...properties }),
  },
  // The choice of an example has no name of its own.
  wrapComponents: {
    ExamplesSelect: (ExamplesSelect: unknown) => (properties: object) =>
      React.createElement("label", null, React.createElement("span", { className: "visually-hidden" }, "Example"), React.createElement(ExamplesSelect, properties)),
  },
});

/**
 * The description names the address of the default port; requests go to the API that the console uses.
 * Optional parameters begin empty, because some of their examples exclude each other.
 */
export const serverOf = (apiUrl: string): SwaggerPlugin => () => ({
  statePlugins: {
    spec: {
      wrapActions: {
        updateJsonSpec: (update: (description: object) => unknown) => (description: Description) => update({ ...withEmptyOptions(description), servers: [{ url: apiUrl }] }),
      },
    },
  },
});
