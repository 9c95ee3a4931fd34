/**
 * The schema of the file as JSON Schema draft-07, which is what editors complete and check YAML
 * with. Made from the same definitions that the check runs.
 *
 * It is a little more generous than the check, never stricter: an editor that marks a good line red
 * teaches people to ignore it. So a scalar may always be a substitution (`${NAME}`), whose value
 * only the running program knows, and an address is held to its rough form.
 */
import { type ConversionConfig, type JsonSchema, toJsonSchema } from "@valibot/to-json-schema";
import type * as v from "valibot";
import { SCHEMA } from "./schema.ts";
import type { ByType } from "./schema_field.ts";

type JsonObject = Record<string, unknown>;

const SUBSTITUTION = { $ref: "#/definitions/substitution" };
const SCALAR_TYPES: readonly unknown[] = ["string", "number", "integer", "boolean"];

/** A JSON value, to be printed. Each call makes another one. */
export function makeJsonSchema(): JsonObject {
  const root = convert(SCHEMA);
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Ringway configuration",
    ...allowSubstitution(root),
    patternProperties: { "^x-": { description: "A place for anchors; means nothing itself." } },
    definitions: {
      substitution: {
        type: "string",
        pattern: "\\$\\{",
        description: "${NAME}, ${NAME:-default} or ${NAME:?message} from the environment.",
      },
    },
  };
}

/** Without the references that the library makes of alternatives: each is written out in place. */
function convert(schema: v.GenericSchema): JsonObject {
  const config: ConversionConfig = {
    target: "draft-07",
    typeMode: "input",
    ignoreActions: ["check", "raw_check"],
    overrideSchema: ({ valibotSchema }) => {
      const { alternatives, about } = valibotSchema as unknown as Partial<ByType>;
      if (alternatives === undefined) return undefined;
      const converted = alternatives.map(convert);
      if (converted.length === 1) return converted[0] as JsonSchema;
      return withoutUndefined({ description: about, anyOf: converted }) as JsonSchema;
    },
  };
  const { $schema: _, $defs: __, ...converted } = toJsonSchema(schema, config) as JsonObject;
  return converted;
}

/** The same schema in which every scalar may be text with `${` in it. */
function allowSubstitution(schema: JsonObject): JsonObject {
  if (isScalar(schema)) {
    const { description, default: preset, ...scalar } = schema;
    return withoutUndefined({ description, default: preset, anyOf: [scalar, SUBSTITUTION] });
  }
  const changed: JsonObject = { ...schema };
  if (isObject(schema.properties)) {
    const entries = Object.entries(schema.properties as Record<string, JsonObject>);
    const allowed = entries.map(([key, value]) => [key, allowSubstitution(value)]);
    changed.properties = Object.fromEntries(allowed);
  }
  for (const key of ["items", "additionalProperties"]) {
    const child = schema[key];
    if (isObject(child)) changed[key] = allowSubstitution(child);
  }
  if (Array.isArray(schema.anyOf)) {
    const scalars = schema.anyOf.filter(isScalar);
    const others = schema.anyOf.filter((child) => !isScalar(child)).map(allowSubstitution);
    const substitution = scalars.length > 0 ? [SUBSTITUTION] : [];
    changed.anyOf = [...scalars, ...substitution, ...others];
  }
  return changed;
}

function isScalar(schema: JsonObject): boolean {
  return SCALAR_TYPES.includes(schema.type) || "const" in schema || "enum" in schema;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function withoutUndefined(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}
