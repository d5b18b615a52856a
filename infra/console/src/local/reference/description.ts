/** A parameter of an operation, or a reference to one. */
interface Parameter {
  $ref?: string;
  required?: boolean;
  description?: string;
  example?: unknown;
  schema?: { type?: unknown; default?: unknown };
}

/** The parts of an OpenAPI description that have parameters. A path has them itself, and so have its operations. */
export interface Description {
  paths?: Record<string, Record<string, unknown>>;
  components?: { parameters?: Record<string, Parameter> };
}

const shown = (value: unknown) => `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;

/** Moves the values with which Swagger UI would fill the input of an optional parameter to its description. */
function emptied(parameter: Parameter): Parameter {
  if (parameter.required || parameter.$ref) return parameter;
  const { example, schema: { default: usual, ...schema } = {}, ...rest } = parameter;
  const description = [rest.description, usual !== undefined && `Default: ${shown(usual)}`, example !== undefined && `Example: ${shown(example)}`];
  return {
    ...rest,
    schema,
    description: description.filter(Boolean).join("\n\n"),
    // Without an example, an object is filled with invented keys.
    ...(schema.type === "object" && { example: {} }),
  };
}

const mapValues = <From, To>(object: Record<string, From>, change: (value: From) => To): Record<string, To> =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));

/** What has parameters, with optional ones that are empty at first. */
function withParameters(part: unknown): unknown {
  const parameters = (part as { parameters?: unknown } | null)?.parameters;
  return Array.isArray(parameters) ? { ...(part as object), parameters: parameters.map(emptied) } : part;
}

/** The description with optional parameters that are empty until the reader fills them. */
export function withEmptyOptions(description: Description): Description {
  const { paths = {}, components = {} } = description;
  return {
    ...description,
    paths: mapValues(paths, (path) => mapValues(withParameters(path) as Record<string, unknown>, withParameters)),
    components: { ...components, parameters: mapValues(components.parameters ?? {}, emptied) },
  };
}
