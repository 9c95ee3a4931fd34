/**
 * Users and groups of this machine, by name or number, as /etc/passwd and /etc/group have them.
 *
 * The files are read, not the C library asked: that would load whatever nsswitch.conf names, and a
 * container without these files still has numbers. Accounts of a directory service are for the
 * same reason not found; their numbers are.
 */
import { type ReadText, readText } from "./file_text.ts";

export interface UserAccount {
  readonly uid: number;
  /** Null: a number that is in no file. */
  readonly gid: number | null;
}

/** The row in which `text` is the name, or the number, which stands third. */
function rowOf(
  text: string,
  what: string,
  file: string,
  read: ReadText,
): readonly string[] | null {
  const column = /^[0-9]+$/.test(text) ? 2 : 0;
  // A container without one: then only numbers are known.
  const rows = (read(file) ?? "").split("\n").map((line) => line.split(":")).filter((row) =>
    row.length > 2
  );
  const row = rows.find((cells) => cells[column] === text);
  if (row !== undefined) return row;
  if (column === 2) return null;
  throw new Error(`there is no ${what} "${text}" in ${file}; write the number`);
}

/** @param read the text of a file, "" without one. @throws Error for a name that is unknown. */
export function findUser(text: string, read: ReadText = readText): UserAccount {
  const row = rowOf(text, "user", "/etc/passwd", read);
  if (row === null) return { uid: Number(text), gid: null };
  return { uid: Number(row[2]), gid: Number(row[3]) };
}

/** @returns the number of the group. @throws Error for a name that is unknown. */
export function findGroup(text: string, read: ReadText = readText): number {
  return Number(rowOf(text, "group", "/etc/group", read)?.[2] ?? text);
}
