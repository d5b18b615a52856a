import type { SwaggerPlugin, SwaggerSystem } from "swagger-ui-dist/swagger-ui-es-bundle.js";

/** The operations alone. The usual layout has a `main` of its own, and repeats what the page says. */
export const consoleLayout: SwaggerPlugin = ({ React }: SwaggerSystem) => ({
  components: {
    ConsoleLayout: ({ getComponent }: SwaggerSystem) =>
      React.createElement("div", { className: "swagger-ui" }, React.createElement(getComponent("errors", true)), React.createElement(getComponent("operations", true))),
  },
  // The choice of an example has no name of its own.
  wrapComponents: {
    ExamplesSelect: (ExamplesSelect: unknown) => (properties: object) =>
      React.createElement("label", null, React.createElement("span", { className: "visually-hidden" }, "Example"), React.createElement(ExamplesSelect, properties)),
  },
});

/** The description names the address of the default port; requests go to the API that the console uses. */
export const serverOf = (apiUrl: string): SwaggerPlugin => () => ({
  statePlugins: {
    spec: {
      wrapActions: {
        updateJsonSpec: (update: (description: object) => unknown) => (description: object) => update({ ...description, servers: [{ url: apiUrl }] }),
      },
    },
  },
});
