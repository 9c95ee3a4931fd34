/**
 * What a check of a DNS server asks, as it is written: `example.com`, or `example.com NS`.
 *
 * The types are those whose answer says something about a server; a name is as in a query, so it
 * may begin with an underscore, be an address written backwards, or be "." for the root.
 */
import { quoteText } from "../base/quoted_text.ts";
import { must, type Problem } from "./problem.ts";

export const DNS_TYPES = ["A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"] as const;

type Parsed =
  /** The name in lower case and without a dot at its end; "." is the root. */
  | { readonly ok: true; readonly name: string; readonly type: string }
  | { readonly ok: false; readonly problem: Problem };

const LABEL = /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/;
const NAME_LENGTH_MAX = 253;

export function parseDnsQuestion(text: string): Parsed {
  const [name, type = "A", ...rest] = text.trim().split(/[ \t]+/);
  if (rest.length > 0 || name === "") {
    const hint = rest.length > 0 ? hintOrder(text) : undefined;
    return { ok: false, problem: must('a question such as "example.com NS"', text, hint) };
  }
  if (!DNS_TYPES.some((known) => known === type)) return refuseType(name, type, text);
  const bare = name === "." ? name : name.replace(/\.$/, "").toLowerCase();
  const isName = bare === "." ||
    bare.length <= NAME_LENGTH_MAX && bare.split(".").every((label) => LABEL.test(label));
  if (isName && text === text.trim()) return { ok: true, name: bare, type };
  const isForeign = /[^ -~]/.test(name);
  const hint = isForeign ? "write it as it is asked for: xn--..." : undefined;
  return { ok: false, problem: must(`a name that can be asked for`, text, hint) };
}

/** As in a zone file: `example.com IN NS`. */
function hintOrder(text: string): string | undefined {
  const parts = text.trim().split(/[ \t]+/);
  const isClass = parts.length === 3 && /^in$/i.test(parts[1]);
  return isClass ? `write ${quoteText(`${parts[0]} ${parts[2].toUpperCase()}`)}` : undefined;
}

function refuseType(name: string, type: string, text: string): Parsed {
  const known = DNS_TYPES.find((each) => each === type.toUpperCase());
  const swapped = DNS_TYPES.find((each) => each === name.toUpperCase());
  const hint = known !== undefined
    ? `write ${quoteText(`${name} ${known}`)}`
    : swapped !== undefined
    ? `write ${quoteText(`${type} ${swapped}`)}`
    : `types: ${DNS_TYPES.join(", ")}`;
  return { ok: false, problem: must("a name and one of the known types", text, hint) };
}
