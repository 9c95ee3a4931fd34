/**
 * What keeps a backend working when servers do not, in the file: limits and queue, ejection of
 * servers that fail, the circuit breaker, moving connections to servers that have come back.
 *
 * Ejection is on from the first day, for it does nothing while connects succeed; a breaker refuses
 * connections, so somebody has to want it.
 */
import * as v from "valibot";
import * as limits from "./config_limits.ts";
import { must, type Problem, writtenOf } from "./problem.ts";
import {
  byType,
  type Field,
  flag,
  hintNoLimit,
  meantFlag,
  section,
  wholeNumber,
} from "./schema_field.ts";
import { duration, percentage, shareRate } from "./unit_field.ts";
import { VOCABULARY } from "./vocabulary.ts";

const OUTLIER_DETECTION_LONG = section(
  {
    errors: v.optional(
      wholeNumber(1, limits.ERRORS_MAX, "Errors in a row after which a server is ejected."),
      5,
    ),
    window: v.optional(
      duration(limits.WINDOW_MS_MIN, "The time within which these errors must fall."),
      "10s",
    ),
    eject: v.optional(
      duration(limits.WINDOW_MS_MIN, "How long the first time; of the n-th, n times as long."),
      "10s",
    ),
    max_eject: v.optional(
      duration(
        limits.WINDOW_MS_MIN,
        "How long at most; without it 5m, or as long as eject where that is longer.",
      ),
    ),
    max_ejected: v.optional(
      percentage("The share of servers that may be ejected at a time.", {
        zero: "write outlier_detection: false",
      }),
      "50%",
    ),
  },
  VOCABULARY.outlierDetection,
  "When a server whose connections fail is ejected, and for how long.",
);

/** True, which is the map with its defaults, false or the map; gives its values or null. */
function switchable<Values>(long: Field<Values>, keys: string, description: string) {
  const switched = v.pipe(
    flag(description) as Field<boolean>,
    v.transform((isOn) => isOn ? v.parse(long, {}) : null),
  );
  return byType({ boolean: switched, object: long }, (input): Problem => {
    const meant = meantFlag(input);
    const hint = meant === null ? undefined : `write ${meant}`;
    return must(`true, false or a map of ${keys}`, input, hint);
  }, description);
}

export const OUTLIER_DETECTION = switchable(
  OUTLIER_DETECTION_LONG,
  "errors, window, eject, max_eject, max_ejected",
  "Whether servers whose connections fail get none for a while.",
);

const CIRCUIT_BREAKER_LONG = section(
  {
    errors: v.optional(
      percentage("The share of connects that fail from which on all are refused.", {
        zero: "write circuit_breaker: false",
      }),
      "50%",
    ),
    window: v.optional(
      duration(limits.WINDOW_MS_MIN, "The time over which connects are counted."),
      "10s",
    ),
    connections: v.optional(
      wholeNumber(
        1,
        limits.CONNECTIONS_MAX,
        "Connects within the window before anything is judged.",
      ),
      20,
    ),
    open: v.optional(
      duration(limits.WINDOW_MS_MIN, "How long all connections are refused."),
      "10s",
    ),
    trials: v.optional(
      wholeNumber(
        1,
        limits.TRIALS_MAX,
        "Connections at a time that try afterwards; when so many succeed it closes.",
      ),
      3,
    ),
  },
  VOCABULARY.circuitBreaker,
  "When the backend as a whole is given up, and how it is tried again.",
);

export const CIRCUIT_BREAKER = switchable(
  CIRCUIT_BREAKER_LONG,
  "errors, window, connections, open, trials",
  "Whether connections are refused at once while most connects fail.",
);

/** @param what of which it is a limit. */
export function serverConnections(what: string) {
  return v.optional(wholeNumber(1, limits.CONNECTIONS_MAX, what, hintNoLimit));
}

export const BACKEND_LIMITS = section(
  {
    connections: serverConnections(
      "Open connections to all servers of the backend, over all workers; more wait.",
    ),
    pending: v.optional(
      wholeNumber(
        0,
        limits.CONNECTIONS_MAX,
        "Connections that may wait for a place at a server, over all workers; more are refused.",
      ),
      limits.PENDING_DEFAULT,
    ),
    queue_timeout: v.optional(
      duration(1, "How long a connection may wait for a place; then it is refused."),
      "5s",
    ),
  },
  VOCABULARY.backendLimits,
  "What the servers together may take.",
  (input) =>
    typeof input === "number" ? `{ connections: ${input} }` : "{ connections: 1000, pending: 128 }",
);

export const REBALANCE = section(
  {
    budget: shareRate(
      "The share of open connections that may be ended per second, minute or hour.",
    ),
  },
  VOCABULARY.rebalance,
  "Ends connections of servers that have more than their share after another one has joined, so " +
    "that their clients connect anew.",
  (input) => {
    const written = writtenOf(input);
    return `{ budget: ${/^[0-9.]+%\/[smh]$/.test(written) ? written : "1%/m"} }`;
  },
);
