/**
 * What the doctor says of one thing that it has looked at: what was found and, unless that is all
 * right, what mends it. A note costs something or may surprise; what fails keeps us from running.
 */
export type FindingState = "ok" | "note" | "fail";

export interface Finding {
  /** What was looked at, in a word or two; each once in a report. */
  readonly topic: string;
  readonly state: FindingState;
  readonly found: string;
  /** Null exactly when the state is ok. */
  readonly remedy: string | null;
}

export function ok(topic: string, found: string): Finding {
  return { topic, state: "ok", found, remedy: null };
}

export function note(topic: string, found: string, remedy: string): Finding {
  return { topic, state: "note", found, remedy };
}

export function fail(topic: string, found: string, remedy: string): Finding {
  return { topic, state: "fail", found, remedy };
}

/** The worst of them. */
export function worstState(findings: readonly Finding[]): FindingState {
  const states = findings.map(({ state }) => state);
  return states.includes("fail") ? "fail" : states.includes("note") ? "note" : "ok";
}
