/**
 * Whom a check asks, and what comes of it. An outcome is a value, never an exception: whatever a
 * server does is an answer to the question whether it works.
 */
export interface ProbeTarget {
  /** IP literal without brackets; "" with a unix socket. */
  readonly host: string;
  /** 0 with a unix socket. */
  readonly port: number;
  /** Absolute, or null. */
  readonly unixPath: string | null;
}

export interface ProbeOutcome {
  readonly isOk: boolean;
  /** For people, short, fit for a terminal whatever the server said; without the duration. */
  readonly text: string;
  /**
   * The failure is this machine's: it is out of files, memory or local ports, or it was told to
   * stop. It says nothing about the server: if it counted, running out of files would take all
   * servers down at once.
   */
  readonly isOurs: boolean;
}

export interface AgentOutcome extends ProbeOutcome {
  /** What the agent said, without the end of line; null: nothing of use. */
  readonly line: string | null;
}

export function passed(text: string): ProbeOutcome {
  return { isOk: true, text, isOurs: false };
}

/** The server did not do what it should. */
export function failed(text: string): ProbeOutcome {
  return { isOk: false, text, isOurs: false };
}

/** The question could not be asked, or was withdrawn. */
export function notAsked(text: string): ProbeOutcome {
  return { isOk: false, text, isOurs: true };
}
