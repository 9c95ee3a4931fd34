/**
 * The name or number of a user or group, as several keys have it: who owns a socket file, as whom
 * the program runs. Whether there is such an account is not asked here: that is for the machine
 * that the file is for, which need not be the one it is checked on.
 */
import * as v from "valibot";
import { must, type Problem, writtenOf } from "./problem.ts";
import { byType, type Field, text, wholeNumber } from "./schema_field.ts";

/** Of users and groups; also those that directories of a company make. */
const ACCOUNT_PATTERN = "^([A-Za-z_][A-Za-z0-9_.@-]{0,63}|[0-9]{1,10})$";
const ACCOUNT_ID_MAX = 2 ** 32 - 2;

/** Gives text: the name, or the digits of the number. */
export function account(noun: "user" | "group", description: string) {
  const judge = (input: unknown): Problem | null => {
    const written = writtenOf(input);
    const fits = new RegExp(ACCOUNT_PATTERN).test(written) &&
      !(/^[0-9]+$/.test(written) && Number(written) > ACCOUNT_ID_MAX);
    return fits ? null : must(`the name or number of a ${noun}`, input);
  };
  const named = text(
    judge,
    ACCOUNT_PATTERN,
    [noun === "user" ? "ringway" : "www-data"],
    description,
  );
  const numbered = v.pipe(wholeNumber(0, ACCOUNT_ID_MAX, description), v.transform(String));
  return byType(
    { string: named, number: numbered as Field<string> },
    (input) => must(`the name or number of a ${noun}`, input),
    description,
  );
}
