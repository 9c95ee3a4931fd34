/**
 * Patterns for the server names that clients ask for (SNI, RFC 6066): an exact host name, or
 * `*.example.com` for the names of one or more labels in front of `example.com`.
 *
 * A ClientHello holds host names only: no IP address, no port, no trailing dot, and letters beyond
 * ASCII in their encoded form. A pattern with one of these would never match, so it is refused
 * with the form that does.
 */
import { quoteText } from "../base/quoted_text.ts";
import { isHostName, parseIp } from "../net/address.ts";
import { must, type Problem } from "./problem.ts";

const WILDCARD = "*.";
const EXAMPLES = '"www.example.com" or "*.example.com"';

/** Rough form, for editors. */
export const SNI_PATTERN = "^(\\*\\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$";

/** What is wrong with a pattern; null for nothing. */
export function explainSniPattern(text: string): Problem | null {
  if (isSniPattern(text)) return null;
  return must(`a server name such as ${EXAMPLES}`, text, explainSlip(text));
}

function isSniPattern(text: string): boolean {
  const name = withoutWildcard(text);
  return isHostName(name) && !name.endsWith(".");
}

function withoutWildcard(text: string): string {
  return text.startsWith(WILDCARD) ? text.slice(WILDCARD.length) : text;
}

function explainSlip(text: string): string | undefined {
  if (text === "*") return "the listener's backend gets what no route takes; remove this route";
  const corrected = correct(text);
  if (corrected !== null) return corrected;
  if (/^~|[\\^$|()+?]/.test(text)) return `regular expressions are not read; write ${EXAMPLES}`;
  if (parseIp(text.replace(/^\[(.*)\]$/, "$1")) !== null) {
    return "who connects to an IP address sends no server name";
  }
  if (text.includes("/")) return "a tls listener sees server names only, no paths";
  if (text.includes("*")) return '"*." stands for whole labels, and in front only';
  return undefined;
}

/** What to write for a text that holds the right name, or null. */
function correct(text: string): string | null {
  const called = /^HostSNI\(\s*[`'"]([^`'"]*)[`'"]\s*\)$/i.exec(text)?.[1];
  const name = encodeName(
    (called ?? text).trim()
      .replace(/^[A-Za-z][A-Za-z0-9+.-]*:\/\//, "")
      .replace(/:[0-9]+$/, "")
      .replace(/\.$/, ""),
  );
  const behindDot = name.replace(/^\./, "");
  if (name !== behindDot && isSniPattern(behindDot)) {
    return `write [${quoteText(behindDot)}, ${quoteText(`*.${behindDot}`)}]`;
  }
  return name !== text && isSniPattern(name) ? `write ${quoteText(name)}` : null;
}

/** With letters beyond ASCII as DNS has them: `bücher.example` is `xn--bcher-kva.example`. */
function encodeName(text: string): string {
  if (!/^[\p{L}\p{N}\p{M}.*_-]{1,253}$/u.test(text) || /^[ -~]*$/.test(text)) return text;
  try {
    const { hostname } = new URL(`http://${withoutWildcard(text)}`);
    return text.startsWith(WILDCARD) ? `${WILDCARD}${hostname}` : hostname;
  } catch {
    return text;
  }
}

/** The patterns that match all that `pattern` does: itself, and wildcards of what is behind it. */
export function sniPatternsCovering(pattern: string): string[] {
  const covering = [pattern];
  const name = withoutWildcard(pattern);
  for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) {
    covering.push(`*${name.slice(dot)}`);
  }
  return covering;
}
