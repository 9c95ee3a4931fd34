/**
 * When a server that has closed its listener is really away: the kernel takes connections for it a
 * little longer, and resets them.
 */
import { until } from "./until.ts";

/** Waits until nobody listens there any more. */
export async function untilRefusing(hostname: string, port: number): Promise<void> {
  await until(`${hostname}:${port} refuses`, () => refuses(hostname, port));
}

async function refuses(hostname: string, port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname, port })).close();
    return false;
  } catch (failure) {
    return failure instanceof Deno.errors.ConnectionRefused;
  }
}
