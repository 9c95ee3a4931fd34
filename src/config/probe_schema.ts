/**
 * The kinds of health checks in the file, and what an HTTP request of one consists of.
 *
 * A check is written once and sent for years, so whatever a server would refuse or misread is
 * refused here: paths with blanks, headers that end early, statuses that do not exist.
 */
import * as v from "valibot";
import { quoteText } from "../base/quoted_text.ts";
import { isHostName, parseIp } from "../net/address.ts";
import * as limits from "./config_limits.ts";
import { parseDnsQuestion } from "./dns_question.ts";
import { decodeEscapes } from "./escaped_text.ts";
import { must, type Problem, QUOTE_HINT, writtenOf } from "./problem.ts";
import {
  type ByType,
  byType,
  type Field,
  list,
  say,
  section,
  text,
  wholeNumber,
} from "./schema_field.ts";
import { VOCABULARY } from "./vocabulary.ts";

function explainEscaped(written: string, empty: string): Problem | null {
  if (written === "") return { kind: "value", message: "must not be empty", hint: empty };
  const decoded = decodeEscapes(written);
  return decoded.ok ? null : decoded.problem;
}

const LEAVE_OUT = "leave the key out for none";

/**
 * Text with escapes; as it is written, for the bytes are made with the configuration.
 *
 * @param empty what to do instead of leaving it empty.
 */
export function escapedText(
  description: string,
  examples: readonly string[] = ["PING", "PING\\r\\n"],
  empty = LEAVE_OUT,
) {
  const judge = (written: string) => explainEscaped(written, empty);
  return text(judge, "[\\s\\S]", examples, description);
}

const EXPECTED = "What the answer must contain, with escapes \\r \\n \\t \\\\ \\xHH.";

/** True, or a map of more than that; false would be another way to leave the key out. */
function trueOr<T>(
  other: Readonly<Record<string, Field<T>>>,
  form: string,
  description: string,
): Field<T | true> & ByType {
  const judge = (input: unknown) => {
    const hint = input === false ? "leave the key out" : undefined;
    return must(`true or ${form}`, input, hint);
  };
  const yes = v.pipe(v.literal(true, say(judge)), v.description("Nothing more than that."));
  const alternatives: Record<string, Field<T | true>> = { boolean: yes as Field<true>, ...other };
  return byType(alternatives, judge, description);
}

const TCP_EXCHANGE = section(
  {
    send: v.optional(
      escapedText("What is sent on connecting, with escapes \\r \\n \\t \\\\ \\xHH."),
    ),
    expect: v.optional(escapedText(EXPECTED, ["+PONG"])),
  },
  VOCABULARY.tcpExchange,
  "What is sent, and what must come back.",
  "{ send: 'PING\\r\\n', expect: PONG }",
);

export const TCP = trueOr(
  { object: TCP_EXCHANGE },
  "a map of send, expect",
  "Connects: that the server accepts is enough, or what it answers is looked at.",
);

export const UDP = section(
  {
    send: escapedText(
      "The datagram that is sent, with escapes \\r \\n \\t \\\\ \\xHH.",
      ["ping", "\\x00\\x01"],
      "write what the server answers",
    ),
    expect: v.optional(escapedText(EXPECTED, ["pong"])),
  },
  VOCABULARY.udpExchange,
  "Sends a datagram, and waits for one that comes back.",
  "{ send: ping, expect: pong }",
);

const SERVICE_PATTERN = "^[!-~]{1,255}$";

function explainService(service: string): Problem | null {
  if (new RegExp(SERVICE_PATTERN).test(service)) return null;
  return service === ""
    ? must("true or the name of a service", service, "write true for the server as a whole")
    : must("the name of a service without blanks", service);
}

const SERVICE = text(
  explainService,
  SERVICE_PATTERN,
  ["my.package.Service"],
  "The service that is asked about.",
);

export const GRPC = trueOr(
  { string: SERVICE as Field<string> },
  "the name of a service",
  "Calls grpc.health.v1.Health/Check, about one service or the server as a whole.",
);

export const DNS = text(
  (question) => {
    const parsed = parseDnsQuestion(question);
    return parsed.ok ? null : parsed.problem;
  },
  "^\\S+( [A-Z]+)?$",
  ["example.com", "example.com NS"],
  "Asks for this name, and accepts what is answered without an error; TYPE is A without it.",
);

export function explainPath(path: string): Problem | null {
  if (/^\/[!-"$-~]*$/.test(path)) return null;
  const url = /^https?:\/\/[^/\s]+(\/[!-"$-~]*)?$/i.exec(path);
  if (url !== null) {
    const isTls = /^https/i.test(path) ? ", which is requested without TLS" : "";
    return must('a path such as "/healthz"', path, `write ${url[1] ?? "/"}${isTls}`);
  }
  const request = /^(?:option +)?(?:httpchk +)?(?:[A-Za-z]+ +)?(\/\S*)/.exec(path);
  if (request !== null && request[1] !== path.split(/\s/)[0]) {
    return must("a path alone", path, `write ${request[1]}`);
  }
  if (path.includes("#")) return must('a path without "#"', path, "what follows it is never sent");
  if (!path.startsWith("/")) {
    const hint = /^[!-"$-~]+$/.test(path) ? `write /${path}` : undefined;
    return { kind: "value", message: `must begin with "/", found ${quoteText(path)}`, hint };
  }
  return must("a path of printable ASCII without blanks", path, "other bytes are written %HH");
}

export const PATH_PATTERN = '^/[!-"$-~]*$';

export const PATH = text(
  explainPath,
  PATH_PATTERN,
  ["/healthz", "/ready?full=1"],
  "Requests this path by HTTP/1.1.",
);

function explainMethod(method: string): Problem | null {
  if (/^(CONNECT|TRACE)$/i.test(method)) return must("a method that asks for a page", method);
  if (/^[A-Z]{1,20}$/.test(method)) return null;
  const hint = /^[A-Za-z]{1,20}$/.test(method) ? `write ${method.toUpperCase()}` : undefined;
  return must("in capitals such as GET", method, hint);
}

export const METHOD = text(
  explainMethod,
  "^[A-Z]{1,20}$",
  ["GET", "HEAD"],
  "The method of the request; for path.",
);

const HOST_FORM = /^(\[[0-9A-Fa-f:.]+\]|[^\s:[\]]+)(:[0-9]{1,5})?$/;

function explainHost(host: string): Problem | null {
  const [, name = "", port = ":1"] = HOST_FORM.exec(host) ?? [];
  const isAddress = parseIp(name.replace(/^\[|\]$/g, "")) !== null;
  const isPort = Number(port.slice(1)) >= 1 && Number(port.slice(1)) <= 65535;
  if ((isAddress || isHostName(name)) && isPort) return null;
  return must('a name or an address such as "app.internal"', host);
}

export const HOST = text(
  explainHost,
  "^[^\\s/]+$",
  ["app.internal", "app.internal:8080"],
  "The Host header; without it the server's address. For path.",
);

/** RFC 9110 5.6.2. */
const TOKEN_PATTERN = "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$";
/** Printable ASCII with blanks and tabs inside; RFC 9110 5.5. */
const VALUE_PATTERN = "^[!-~]([\\t -~]{0,510}[!-~])?$";

/** What the request has by itself, and would have twice. */
const OWN_HEADERS: Readonly<Record<string, string>> = {
  host: 'use "host" beside "path"',
  connection: "the check closes its connections itself",
  "content-length": "the request has no body",
  "transfer-encoding": "the request has no body",
};

function explainHeaderName(name: string): Problem | null {
  const own = OWN_HEADERS[name.toLowerCase()];
  const shown = `the header ${quoteText(name)}`;
  if (own !== undefined) {
    return { kind: "whole", message: `${shown} cannot be set here`, hint: own };
  }
  if (new RegExp(TOKEN_PATTERN).test(name)) return null;
  const hint = /[: ]$/.test(name) ? "without a colon or blank at its end" : undefined;
  return { kind: "whole", message: `${shown} is no name of a header`, hint };
}

function explainHeaderValue(input: unknown): Problem | null {
  if (typeof input !== "string") {
    return must("text", input, writtenOf(input) === "" ? undefined : QUOTE_HINT);
  }
  if (new RegExp(VALUE_PATTERN).test(input)) return null;
  if (input === "") return must("a value", input);
  if (/[\r\n]/.test(input)) return must("one line", input, "a header ends with its line");
  const trimmed = input.trim();
  const isBlank = trimmed !== input && new RegExp(VALUE_PATTERN).test(trimmed);
  const hint = isBlank ? `write ${quoteText(trimmed)}` : undefined;
  return must("at most 512 characters of ASCII, without blanks around", input, hint);
}

/** A header that is there before in another case, which is the same header. */
function findTwice(headers: object): string | undefined {
  const names = Object.keys(headers);
  const folded = names.map((name) => name.toLowerCase());
  return names.find((_, index) => folded.indexOf(folded[index]) < index);
}

const HEADER_NAME = v.pipe(
  v.string(),
  v.check(
    (name) => explainHeaderName(name) === null,
    say((name) => explainHeaderName(String(name))!),
  ),
  v.metadata({ pattern: TOKEN_PATTERN }),
);

const sayValue = say((input) => explainHeaderValue(input)!);
const HEADER_VALUE = v.pipe(
  v.string(sayValue),
  v.check((value) => explainHeaderValue(value) === null, sayValue),
  v.metadata({ pattern: VALUE_PATTERN }),
);

export const HEADERS = byType(
  {
    object: v.pipe(
      v.record(HEADER_NAME, HEADER_VALUE),
      v.maxEntries(
        limits.CHECK_HEADERS_MAX,
        say((input) => {
          const count = Object.keys(input as object).length;
          const message = `must hold at most ${limits.CHECK_HEADERS_MAX} headers, found ${count}`;
          return { kind: "value", message };
        }),
      ),
      v.check(
        (headers) => findTwice(headers) === undefined,
        say((headers) => {
          const twice = quoteText(findTwice(headers as object)!);
          return { kind: "value", message: `has the header ${twice} twice, in another case` };
        }),
      ),
      v.description("Further headers of the request, by name; for path."),
    ),
  },
  (input) => must("a map from names to values", input, 'write { user-agent: "check" }'),
);

const STATUS_MIN = 100;
const STATUS_MAX = 599;

/** Both ends belong to it; null for another form. */
export function parseStatusRange(range: string): readonly [first: number, last: number] | null {
  const match = /^([0-9]{3})-([0-9]{3})$/.exec(range);
  return match === null ? null : [Number(match[1]), Number(match[2])];
}

function explainStatusRange(written: string): Problem | null {
  const expected = `a status or a range such as "200-299", from ${STATUS_MIN} to ${STATUS_MAX}`;
  const range = parseStatusRange(written);
  if (range !== null) {
    const [first, last] = range;
    if (first < STATUS_MIN || last > STATUS_MAX) return must(expected, written);
    if (first <= last) return null;
    return must("a range upwards", written, `write ${quoteText(`${last}-${first}`)}`);
  }
  return must(expected, written, hintStatus(written));
}

function hintStatus(written: string): string | undefined {
  const klass = /^([1-5])(xx|\*\*|)$/i.exec(written);
  if (klass !== null) return `write ${quoteText(`${klass[1]}00-${klass[1]}99`)}`;
  const loose = /^([1-5][0-9]{2})\s*(?:-|\.\.\.?|\u2013|to)\s*([1-5][0-9]{2})$/.exec(written);
  if (loose !== null) return `write ${quoteText(`${loose[1]}-${loose[2]}`)}`;
  if (/^[1-5][0-9]{2}$/.test(written)) return `write ${written} without quotes`;
  const several = /^[0-9x-]+(\s*[,|]\s*[0-9x-]+)+$/i.test(written);
  return several ? `write [${written.split(/\s*[,|]\s*/).join(", ")}]` : undefined;
}

const STATUS_NUMBER = wholeNumber(
  STATUS_MIN,
  STATUS_MAX,
  "One status.",
  (input) =>
    typeof input === "number" && input >= 1 && input <= 5
      ? `write ${quoteText(`${input}00-${input}99`)}`
      : undefined,
);

const STATUS_RANGE = text(
  explainStatusRange,
  "^[1-5][0-9]{2}-[1-5][0-9]{2}$",
  ["200-299"],
  "The first and last of a range.",
);

const STATUS = byType(
  { number: STATUS_NUMBER as Field<number>, string: STATUS_RANGE as Field<string> },
  (input) => must('a status such as 200 or a range such as "200-299"', input),
  "A status, or a range of them.",
);

type Status = v.InferOutput<typeof STATUS>;

/** Gives a list whatever was written. */
export const STATUSES = byType(
  {
    number: v.pipe(STATUS_NUMBER as Field<number>, v.transform((status): Status[] => [status])),
    string: v.pipe(STATUS_RANGE as Field<string>, v.transform((range): Status[] => [range])),
    array: list(STATUS, "status", limits.STATUSES_MAX, "Any of these statuses."),
  },
  (input) => must('a status, a range such as "200-299" or a list of them', input),
  "The statuses that are good; without it 200-399. For path.",
);

const BODY_LENGTH_MAX = 1024;

export const BODY = text(
  (body) => {
    if (body === "") return { kind: "value", message: "must not be empty", hint: LEAVE_OUT };
    return body.length <= BODY_LENGTH_MAX
      ? null
      : must(`at most ${BODY_LENGTH_MAX} characters`, body);
  },
  "[\\s\\S]",
  ["ok"],
  "What the body must contain, as it is written here; for path.",
);
