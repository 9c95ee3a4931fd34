/**
 * What the probes of one server show so far: takes in results, and says each time what they amount
 * to and why.
 */
import type { HealthCheckConfig } from "../config/config.ts";
import { plural } from "../base/plural.ts";
import { RiseFall } from "../health/rise_fall.ts";
import type { CheckReport } from "./check_report.ts";
import type { CheckResult, CheckSubscriber } from "./prober.ts";

export interface ProbeVerdict {
  readonly isUp: boolean;
  /** This is the first probe that says anything about the server. */
  readonly isFirst: boolean;
  /** Whether this probe turned it. */
  readonly changed: boolean;
  /** What speaks against the verdict, or has turned it: "2 of 3 probes failed"; "": nothing. */
  readonly streak: string;
}

export class ProbeRecord implements CheckSubscriber {
  readonly #check: Pick<HealthCheckConfig, "rise" | "fall">;
  readonly #verdict: RiseFall;
  readonly #tell: (verdict: ProbeVerdict, report: CheckReport) => void;
  #isFirst = true;

  constructor(
    check: Pick<HealthCheckConfig, "rise" | "fall" | "initial">,
    tell: (verdict: ProbeVerdict, report: CheckReport) => void,
  ) {
    this.#check = check;
    this.#verdict = new RiseFall(check.rise, check.fall, check.initial);
    this.#tell = tell;
  }

  onResult(result: CheckResult): void {
    const { isOk, isOurs } = result.outcome;
    const isFirst = this.#isFirst && !isOurs;
    const changed = !isOurs && this.#verdict.record(isOk);
    if (isFirst) this.#isFirst = false;
    const streak = isOurs ? "" : this.#describeStreak(isOk, changed);
    this.#tell({ isUp: this.#verdict.isUp, isFirst, changed, streak }, reportOf(result));
  }

  isMoving(): boolean {
    return this.#verdict.isMoving;
  }

  #describeStreak(isOk: boolean, changed: boolean): string {
    const { rise, fall } = this.#check;
    const needed = isOk ? rise : fall;
    const count = changed ? needed : this.#verdict.streak;
    if (count === 0) return "";
    return `${count} of ${plural(needed, "probe")} ${isOk ? "succeeded" : "failed"}`;
  }
}

/** @param text in place of that of the outcome. */
export function reportOf(result: CheckResult, isOk?: boolean, text?: string): CheckReport {
  const { outcome, atMs, durationMs } = result;
  const said = outcome.isOurs ? `not counted: ${outcome.text}` : outcome.text;
  return { isOk: isOk ?? outcome.isOk, text: text ?? said, atMs, durationMs };
}
