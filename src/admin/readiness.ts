/**
 * Asks the admin socket whether the program is ready, in a request written by hand: this is asked
 * every few seconds for as long as a container lives, and a whole HTTP client takes longer to load
 * than the question to be answered.
 */
import { explainNobody } from "./admin_client.ts";
import { READY_PATH } from "./api.ts";

const REQUEST = `GET ${READY_PATH} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`;
/** An answer has a few hundred bytes; who sends more than this is not the program. */
const ANSWER_BYTES_MAX = 16 * 1024;

/**
 * Null when it is ready, else why not.
 * @throws Error that says why there is no answer from `path`, and what to do.
 */
export async function askReadiness(path: string): Promise<string | null> {
  let connection: Deno.UnixConn;
  try {
    connection = await Deno.connect({ transport: "unix", path });
  } catch (cause) {
    throw explainNobody(path, cause);
  }
  try {
    return readAnswer(await converse(connection), path);
  } finally {
    connection.close();
  }
}

/** Sends the request; everything that comes until the other side ends. */
async function converse(connection: Deno.Conn): Promise<string> {
  await connection.write(new TextEncoder().encode(REQUEST));
  const decoder = new TextDecoder();
  const bytes = new Uint8Array(ANSWER_BYTES_MAX);
  let text = "";
  for (let length = 0; length < ANSWER_BYTES_MAX;) {
    const count = await connection.read(bytes);
    if (count === null) break;
    length += count;
    text += decoder.decode(bytes.subarray(0, count), { stream: true });
  }
  return text;
}

function readAnswer(answer: string, path: string): string | null {
  const status = /^HTTP\/1\.[01] ([0-9]{3}) /.exec(answer)?.[1];
  const end = answer.indexOf("\r\n\r\n");
  if (status === undefined || end < 0) throw new Error(`no answer of HTTP from "${path}"`);
  if (status === "200") return null;
  return answer.slice(end).trim() || `status ${status}`;
}
