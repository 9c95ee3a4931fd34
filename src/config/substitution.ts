/**
 * Values from the environment in scalars: `${NAME}`, `${NAME:-default}`, `${NAME:?message}`, and
 * `$${` for a literal `${`.
 *
 * This happens after YAML was read, so a value can never add a key, a list item or a comment, and
 * positions stay those of the file. A `$` that no `{` follows is a plain character. As in a shell,
 * `:-` and `:?` treat an empty variable as an unset one; plain `${NAME}` accepts an empty one. A
 * default holds no braces.
 */
import { quoteText } from "../base/quoted_text.ts";
import { TEXT_LENGTH_MAX } from "./config_limits.ts";

/** What is set; read as given, never from the process. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface Substituted {
  readonly text: string;
  /** Whether the scalar was one substitution and nothing else, so that its type is open again. */
  readonly isWhole: boolean;
  readonly problems: readonly SubstitutionProblem[];
}

export interface SubstitutionProblem {
  readonly message: string;
  readonly hint?: string;
}

/** An escape, a whole substitution, or the beginning of one that does not end before a brace. */
const PIECE = /\$\$\{|\$\{([^{}]*)\}|\$\{/g;
/** Longer than any name that is set; what is longer is quoted in part. */
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
const END_HINT = 'close it with "}"; "$${" is a literal "${"';
/** Of one scalar; the rest is hardly news, and a scalar may be as long as the file. */
const PROBLEMS_MAX = 8;
const EXPRESSION = /^([^:]*)(?::([-?])(.*))?$/s;

/** Whether `substitute` would change `text`. */
export function hasSubstitution(text: string): boolean {
  return text.includes("${");
}

export function substitute(text: string, environment: Environment): Substituted {
  const problems: SubstitutionProblem[] = [];
  const refuse = (problem: SubstitutionProblem) => {
    if (problems.length < PROBLEMS_MAX) problems.push(problem);
    return "";
  };
  let pieces = 0;
  let wholeLength = 0;
  let length = 0;
  const result = text.replace(PIECE, (piece: string, expression: string | undefined) => {
    if (piece === "$${") return "${";
    pieces++;
    wholeLength = piece.length;
    if (expression === undefined) {
      return refuse({ message: '"${" has no "}" before the next brace', hint: END_HINT });
    }
    const value = resolveExpression(expression, environment);
    if (typeof value !== "string") return refuse(value);
    length += value.length;
    if (length <= TEXT_LENGTH_MAX) return value;
    return refuse({ message: "the values put in here are larger than 1 MiB together" });
  });
  const isWhole = pieces === 1 && wholeLength === text.length;
  return { text: result, isWhole, problems };
}

function resolveExpression(
  expression: string,
  environment: Environment,
): string | SubstitutionProblem {
  if (expression.startsWith("file:")) {
    return { message: '"${file:...}" is not supported by this version yet' };
  }
  const match = EXPRESSION.exec(expression);
  if (match === null || !NAME.test(match[1])) {
    return {
      message: `${quoteText("${" + expression + "}")} is no substitution`,
      hint: "the forms are ${NAME}, ${NAME:-default}, ${NAME:?message}; $${ is a literal ${",
    };
  }
  const [, name, operator, word = ""] = match;
  // Object.hasOwn: a variable called "constructor" is unset, whatever objects inherit.
  const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
  if (value !== undefined && (value !== "" || operator === undefined)) return value;
  if (operator === "-") return word;
  if (operator === "?") return { message: `${name} is not set: ${quoteText(word)}` };
  return {
    message: `the environment variable ${name} is not set`,
    hint: `set it, or give a default: "\${${name}:-default}"`,
  };
}
