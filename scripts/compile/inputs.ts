/**
 * Knows whether an executable in dist/ was made from what the tree is now. By content, not by time
 * stamp, as shim_build.ts does it, and for the same reasons.
 *
 * The record of each executable stands in the cache and also holds its facts, so that what is
 * written about all of dist/ needs not make them again.
 */
import type { Facts } from "../../ffi/parts.ts";
import { hashBytes } from "../hash.ts";

/** All that goes in. Tests and what only they use are not read, nor is what a build makes. */
export const INPUTS = [
  "src",
  "ffi",
  "shim",
  "scripts",
  "config",
  "deno.json",
  ".deno.lock",
  "LICENSE",
];
const IGNORED = /_test\.ts$|\/test_[a-z_]+\.ts$|^scripts\/bench/;

export interface Record {
  readonly inputs: string;
  readonly sha256: string;
  readonly facts: Facts;
}

/** @param more what else decides: the commit, the kind of runtime */
export async function hashInputs(root: string, more: string): Promise<string> {
  const rows = [more, JSON.stringify(Deno.version)];
  for (const path of INPUTS.flatMap((input) => listFiles(root, input))) {
    rows.push(path, await hashBytes(Deno.readFileSync(`${root}/${path}`)));
  }
  return await hashBytes(new TextEncoder().encode(rows.join("\n")));
}

function listFiles(root: string, path: string): string[] {
  if (IGNORED.test(path)) return [];
  if (!Deno.statSync(`${root}/${path}`).isDirectory) return [path];
  return Array.from(Deno.readDirSync(`${root}/${path}`), ({ name }) => `${path}/${name}`)
    .sort()
    .flatMap((each) => listFiles(root, each));
}

/** @param name of the executable in dist/ */
export async function isCompiled(root: string, name: string, inputs: string): Promise<boolean> {
  const record = readRecord(root, name);
  if (record === null || record.inputs !== inputs) return false;
  try {
    return await hashBytes(Deno.readFileSync(`${root}/dist/${name}`)) === record.sha256;
  } catch {
    return false;
  }
}

export function writeRecord(root: string, name: string, record: Record): void {
  Deno.writeTextFileSync(recordPath(root, name), `${JSON.stringify(record)}\n`);
}

/** Of the executables that are in dist/, by name. */
export function records(root: string): ({ readonly name: string } & Record)[] {
  return Array.from(Deno.readDirSync(`${root}/dist`), ({ name }) => name).sort().flatMap((name) => {
    const record = readRecord(root, name);
    return record === null ? [] : [{ name, ...record }];
  });
}

function recordPath(root: string, name: string): string {
  return `${root}/.cache/compile/${name}.json`;
}

function readRecord(root: string, name: string): Record | null {
  try {
    return JSON.parse(Deno.readTextFileSync(recordPath(root, name)));
  } catch {
    return null;
  }
}
