/** Collects what a program writes, by line, while it runs; tests look at it and wait for lines. */
export async function followLines(
  stream: ReadableStream<Uint8Array>,
  lines: string[],
): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const pieces = (rest + text).split("\n");
    rest = pieces.pop()!;
    lines.push(...pieces);
  }
  if (rest !== "") lines.push(rest);
}
