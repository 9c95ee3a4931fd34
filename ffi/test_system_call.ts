/**
 * Any system call by its number, for tests that show which ones a process has left. Only for them:
 * the program itself has the shim, whose functions say what they are for.
 */
const { syscall, __errno_location: errnoLocation } = Deno.dlopen("libc.so.6", {
  syscall: { parameters: ["i64", "i64", "i64", "i64"], result: "i64" },
  __errno_location: { parameters: [], result: "pointer" },
}).symbols;

/** The result, or the negated errno. */
export function systemCall(number: number, first = 0, second = 0, third = 0): number {
  const result = syscall(BigInt(number), BigInt(first), BigInt(second), BigInt(third));
  if (result >= 0n) return Number(result);
  return -new Deno.UnsafePointerView(errnoLocation()!).getInt32();
}
