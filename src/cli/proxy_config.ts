/**
 * The configuration that `ringway proxy` stands for, as text: what --print shows is what would run.
 *
 * Each line knows the argument that it came from, so that whatever the check of configurations
 * finds is told about that argument: the person has written no file and knows no line of it.
 */
import { stringify } from "yaml";
import { quoteText } from "../base/quoted_text.ts";
import type { Diagnostic } from "../config/diagnostic.ts";
import { UsageError } from "./command_line.ts";

/** What was said on the command line, nothing of it looked at yet. */
export interface ProxyArguments {
  readonly listen: string;
  readonly servers: readonly string[];
  readonly protocol?: string;
  readonly balance?: string;
  readonly check?: string;
  readonly workers?: string;
  /** A path. */
  readonly socket?: string;
}

interface Line {
  readonly text: string;
  /** The argument as help calls it, and what messages about the file call it. */
  readonly source?: { readonly argument: string; readonly key: string };
}

export interface ProxyConfig {
  readonly text: string;
  readonly lines: readonly Line[];
}

const PROTOCOLS = ["tcp", "udp"];
const HEADER = '# Made by "ringway proxy"; to run it: ringway serve -c FILE';

/** One scalar on one line, which means its very text: nothing of the environment comes into it. */
function scalar(text: string): string {
  const literal = text.replaceAll("${", () => "$${");
  // A colon in front needs no quotes, but looks as if it did.
  return /\p{Cc}|^:/u.test(literal)
    ? JSON.stringify(literal)
    : stringify(literal, { lineWidth: 0 }).trimEnd();
}

/** @throws UsageError for what a configuration may have, and this may not. */
export function makeProxyConfig(given: ProxyArguments): ProxyConfig {
  const { listen, servers, protocol, balance, check, workers, socket } = given;
  demand("--protocol", protocol, (text) => PROTOCOLS.includes(text), PROTOCOLS.join(" or "));
  demand("--check", check, (text) => /^(tcp$|\/)/.test(text), "tcp or a path such as /healthz");
  const option = (indent: string, key: string, argument: string, text?: string): Line[] =>
    text === undefined ? [] : [{
      text: `${indent}${key}: ${/^[0-9]+$/.test(text) ? text : scalar(text)}`,
      source: { argument, key },
    }];
  const lines: Line[] = [
    { text: HEADER },
    ...option("", "workers", "--workers", workers),
    ...socket === undefined ? [] : [{ text: "admin:" }],
    ...option("  ", "bind", "--socket", socket === undefined ? undefined : `unix:${socket}`),
    { text: "listeners:" },
    { text: "  proxy:" },
    ...option("    ", "bind", "LISTEN", listen),
    ...option("    ", "protocol", "--protocol", protocol),
    { text: "    backend: servers" },
    { text: "backends:" },
    { text: "  servers:" },
    { text: "    servers:" },
    ...servers.map((server): Line => ({
      text: `      - ${scalar(server)}`,
      source: { argument: "SERVER", key: "server" },
    })),
    ...option("    ", "balance", "--balance", balance),
    ...option("    ", "health_check", "--check", check),
  ];
  return { text: lines.map(({ text }) => `${text}\n`).join(""), lines };
}

function demand(
  name: string,
  text: string | undefined,
  isGood: (text: string) => boolean,
  form: string,
): void {
  if (text === undefined || isGood(text)) return;
  throw new UsageError(`${name} must be ${form}, found ${quoteText(text)}`);
}

/** What was found, told of the argument that it is about: `LISTEN must be an address, ...`. */
export function explainArgument({ lines }: ProxyConfig, diagnostic: Diagnostic): string {
  const { message, hint, line } = diagnostic;
  const source = lines[line - 1]?.source;
  // Nothing else can be wrong, for nothing else is the person's.
  const { argument, key } = source ?? { argument: "these arguments", key: "" };
  const subject = `${key} `;
  const text = message.startsWith(subject)
    ? `${argument} ${message.slice(subject.length)}`
    : `${argument}: ${message}`;
  const advice = argument === "SERVER" && /=[0-9]+"/.test(message)
    ? "weights are for a configuration: add --print, and go on from there"
    : hint;
  const isOfFile = advice === undefined || /\bline [0-9]/.test(advice);
  return isOfFile ? text : `${text}; ${advice}`;
}
