/**
 * How one server stands: who keeps it from being up and why, and so in which state it is and what
 * share of its weight it gets.
 *
 * Each cause that can keep a server from being up (CAUSES) has a claim of its own here, which it
 * makes and withdraws without a look at the others. The state is read from the claims: the first
 * one decides. So nothing has to be remembered when one cause covers another, and when it goes
 * what it covered is in force again.
 *
 * Beside the state two things are read from the claims:
 *
 * - A server works while nothing but a drain is claimed. It starts slowly from the moment when it
 *   works again, seen or not: one that was restarted during a drain is cold when the drain ends,
 *   one that was only drained is not.
 * - It is down while probe or agent say so, also behind a drain. Its connections are of no use from
 *   that moment on, and if that is wanted they are to be closed then, once.
 *
 * Nothing is decided here about other servers; that is for the backend (backend_health.ts).
 */
import type { EjectionMember } from "./ejection_bounds.ts";
import { type Cause, CAUSES, type ServerState } from "./server_state.ts";
import { SHARE_FULL, slowStartShare, wholeShare } from "./slow_start.ts";

export interface HealthMember {
  readonly name: string;
  /** 0..256. */
  readonly weight: number;
  readonly backup: boolean;
}

interface Claim {
  readonly state: Exclude<ServerState, "up">;
  readonly reason: string;
}

export class ServerStanding implements EjectionMember {
  readonly isBackup: boolean;
  /** 0..256. */
  weight: number;
  /** What its agent asks for, 0..100. */
  percent = 100;
  /** How often what is open to it was to be closed. */
  closings = 0;
  ejections = 0;
  /** When what is open is closed, of a drain; Infinity: there is no such time. */
  drainEndsMs = Infinity;
  readonly #configuredWeight: number;
  readonly #slowStartMs: number;
  readonly #closesOnDown: boolean;
  readonly #claims: (Claim | null)[] = CAUSES.map(() => null);
  #state: ServerState = "up";
  #reason = "";
  #sinceMs: number;
  #share = SHARE_FULL;
  #isWorking = true;
  #isDown = false;
  /** It has not been up yet, and nothing but that has been said against it. */
  #isStarting = false;
  #workingSinceMs = -Infinity;
  /** What workers were last told. */
  #toldWeight: number;
  #toldClosings = 0;

  /** @param initial down: until the first word of a probe, and that is not the server's doing. */
  constructor(
    member: HealthMember,
    rules: { readonly slowStartMs: number; readonly closesOnDown: boolean },
    initial: "up" | "down",
    nowMs: number,
  ) {
    this.isBackup = member.backup;
    this.weight = member.weight;
    this.#toldWeight = member.weight;
    this.#configuredWeight = member.weight;
    this.#slowStartMs = rules.slowStartMs;
    this.#closesOnDown = rules.closesOnDown;
    this.#sinceMs = nowMs;
    if (initial === "up") return;
    this.#state = "down";
    this.#reason = "not probed yet";
    this.#claims[CAUSES.indexOf("probe")] = { state: "down", reason: this.#reason };
    this.#isWorking = false;
    this.#isDown = true;
    this.#isStarting = true;
  }

  get state(): ServerState {
    return this.#state;
  }

  /** Why it is in that state; "" while it has been up from the start. */
  get reason(): string {
    return this.#reason;
  }

  get sinceMs(): number {
    return this.#sinceMs;
  }

  /** 0..SHARE_FULL, what slow start and agent leave of the weight. */
  get share(): number {
    return this.#share;
  }

  get isWorking(): boolean {
    return this.#isWorking;
  }

  get isWeighty(): boolean {
    return this.weight > 0 && this.percent > 0;
  }

  get isOverridden(): boolean {
    return this.has("operator") || this.weight !== this.#configuredWeight;
  }

  has(cause: Cause): boolean {
    return this.#claims[CAUSES.indexOf(cause)] !== null;
  }

  /** In force with the next `settle`; in place of what this cause has claimed before. */
  claim(cause: Cause, state: Claim["state"], reason: string): void {
    this.#claims[CAUSES.indexOf(cause)] = { state, reason };
    if (state !== "drain") this.#isStarting = false;
  }

  /** Whether there was a claim to withdraw. */
  withdraw(cause: Cause): boolean {
    const had = this.has(cause);
    this.#claims[CAUSES.indexOf(cause)] = null;
    return had;
  }

  /**
   * Makes state, share and the rest what the claims and the time make them.
   *
   * @param upReason why it is up, if it becomes so.
   * @returns whether anything has changed that workers choose by.
   */
  settle(upReason: string, nowMs: number): boolean {
    const claim = this.#claims.find((claim) => claim !== null) ?? null;
    const state = claim?.state ?? "up";
    const hasChanged = state !== this.#state;
    if (hasChanged) this.#sinceMs = nowMs;
    if (claim !== null) this.#reason = claim.reason;
    else if (hasChanged) this.#reason = upReason;
    this.#state = state;

    const isWorking = this.#claims.every((claim) => claim === null || claim.state === "drain");
    if (isWorking && !this.#isWorking) {
      // When the program starts all are cold alike, and none is there to take over.
      if (!this.#isStarting) this.#workingSinceMs = nowMs;
      this.#isStarting = false;
    }
    this.#isWorking = isWorking;

    const isDown = this.has("probe") || this.has("agent_health");
    if (isDown && !this.#isDown && this.#closesOnDown) this.closings++;
    this.#isDown = isDown;

    const slow = slowStartShare(nowMs - this.#workingSinceMs, this.#slowStartMs);
    const share = wholeShare(slow, this.percent);
    const isNews = hasChanged || share !== this.#share || this.weight !== this.#toldWeight ||
      this.closings !== this.#toldClosings;
    this.#share = share;
    this.#toldWeight = this.weight;
    this.#toldClosings = this.closings;
    return isNews;
  }
}
