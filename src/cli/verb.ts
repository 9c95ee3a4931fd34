/**
 * What a verb of the command line is made of. The table of them all is verbs.ts; help, error
 * messages, completion and the manual page are made from it, and know nothing that is not here.
 */
export interface Option {
  readonly short?: string;
  /**
   * Name of its value in help; an option without one is a switch. FILE and PATH are completed with
   * files, words between "|" with those words.
   */
  readonly value?: string;
  /** Words that it may have, where they are too many for `value`. */
  readonly words?: readonly string[];
  readonly help: string;
  /** The only action that takes it. */
  readonly action?: string;
}

/** The second word of a verb that has several forms. */
export interface Action {
  readonly name: string;
  /** What follows it, each needed, as help shows it; and that as somebody would write it. */
  readonly positionals: readonly string[];
  readonly example: string;
  readonly help: string;
  /** What other programs call it; understood in the error, never accepted. */
  readonly elsewhere: readonly string[];
}

export interface Verb {
  readonly name: string;
  readonly summary: string;
  /**
   * Positional arguments as help shows them, "" for none, without the action; and how many may be
   * given at most. They are completed like values of options.
   */
  readonly positionals: string;
  readonly positionalsMax: number;
  /** How many must be given; and what somebody would write behind the verb. */
  readonly positionalsMin?: number;
  readonly example?: string;
  /** Its forms, if it has any: the first positional argument is the name of one. */
  readonly actions?: readonly Action[];
  readonly options: Readonly<Record<string, Option>>;
  /** What help says at the end. */
  readonly remark?: string;
  /** What other programs call it; understood in the error, never accepted. */
  readonly elsewhere: readonly string[];
}
