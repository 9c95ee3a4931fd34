/**
 * Lines of the rules of health and balance that are broken on purpose, as somebody might by
 * mistake: the case of each has to notice (broken_rules_test.ts).
 */
import type { Edit } from "../slip.ts";
import type { CaseName } from "./backend_cases.ts";

export interface RuleSlip extends Edit {
  readonly what: string;
  readonly case: CaseName;
  /** Where it shows; 1 unless it takes a certain scene. */
  readonly seed?: number;
}

export const RULE_SLIPS: readonly RuleSlip[] = [
  {
    what: "the budget of retries is twice as large",
    case: "storm",
    file: "src/health/retry_budget.ts",
    from: "retries < share * connections",
    to: "retries < 2 * share * connections",
  },
  {
    what: "the budget of retries is saved up for two minutes",
    case: "storm",
    file: "src/health/retry_budget.ts",
    from: "export const RETRY_WINDOW_MS = 10_000;",
    to: "export const RETRY_WINDOW_MS = 120_000;",
  },
  {
    what: "one server more than allowed is ejected",
    case: "storm",
    seed: 2,
    file: "src/health/ejection_bounds.ts",
    from: "return Math.floor(ejectedMax * inUse + ROUNDING);",
    to: "return Math.floor(ejectedMax * inUse + ROUNDING) + 1;",
  },
  {
    what: "ejections go on when nobody else is up",
    case: "storm",
    seed: 3,
    file: "src/health/ejection_bounds.ts",
    from: "for (const isMeant of groups) {",
    to: "for (const isMeant of groups.slice(3)) {",
  },
  {
    what: "a server that resets is never ejected",
    case: "hours",
    file: "src/health/ejection.ts",
    from: "return counters.resetStreak[server] >= Math.max(",
    to: "return counters.resetStreak[server] >= 1e9 * Math.max(",
  },
  {
    what: "an ejection does not end by time",
    case: "hours",
    file: "src/health/backend_health.ts",
    from: "ejections.untilMs(server) > this.#nowMs",
    to: "ejections.untilMs(server) > 0",
  },
  {
    what: "a slow start begins half-way",
    case: "slow start",
    file: "src/health/slow_start.ts",
    from: "const FIRST_STEP = 2;",
    to: "const FIRST_STEP = 10;",
  },
  {
    what: "weights are too coarse for a slow start",
    case: "slow start",
    file: "src/balance/effective_weight.ts",
    from: "const factor = Math.floor(WEIGHT_MAX / largest);",
    to: "const factor = 1;",
  },
  {
    what: "panic begins at the threshold and not below it",
    case: "panic",
    seed: 3,
    file: "src/balance/tiers.ts",
    from: "available / counted < this.#panicThreshold;",
    to: "available / counted <= this.#panicThreshold;",
  },
  {
    what: "in a panic only healthy servers are tried",
    case: "panic",
    file: "src/balance/tiers.ts",
    from: "if (this.isPanicking) return 0;",
    to: "if (this.isPanicking && isAvailable) return 0;",
  },
  {
    what: "a half-open breaker lets everybody through",
    case: "breaker",
    file: "src/upstream/server_board.ts",
    from: "    this.cells[at]--;\n    return true;",
    to: "    return true;",
  },
  {
    what: "a breaker does not open again when a trial fails",
    case: "breaker",
    file: "src/health/circuit_breaker.ts",
    from: "if (failed > 0) {",
    to: "if (failed > 1e9) {",
  },
  {
    what: "all keys of a server that is out go to one other",
    case: "keys",
    file: "src/balance/consistent_hash.ts",
    from: "mixed = mixBits(hash + Math.imul(lookup, LOOKUP_STEP));",
    to: "mixed = mixBits(owner + Math.imul(lookup, LOOKUP_STEP));",
  },
  {
    what: "a full server gets one connection more",
    case: "bounded load",
    seed: 2,
    file: "src/balance/bounded_load.ts",
    from: "if (open[server] + 1 > bound) eligible[server] = 0;",
    to: "if (open[server] > bound) eligible[server] = 0;",
  },
  {
    what: "least_latency does not look at latencies",
    case: "latency",
    file: "src/balance/least_latency.ts",
    from: "return openOne * weights[other] * costOne < openOther * weights[one] * costOther;",
    to: "return openOne * weights[other] < openOther * weights[one];",
  },
  {
    what: "a worker sees its own connections only",
    case: "evenness",
    file: "src/upstream/places.ts",
    from: "this.#open[i] = this.#shared.sum(this.at(i) + SERVER_OPEN);",
    to: "this.#open[i] = this.#row[this.at(i) + SERVER_OPEN];",
  },
  {
    what: "round robin forgets weights",
    case: "hours",
    seed: 21,
    file: "src/balance/round_robin.ts",
    from: "running[server] += weight;",
    to: "running[server] += weightSum / (seen + 1);",
  },
  {
    what: "a retry goes to the server that has just failed",
    case: "hours",
    file: "src/upstream/backend.ts",
    from: "if (tried[triedAt + i] >= 0) eligible[tried[triedAt + i]] = 0;",
    to: "",
  },
];
