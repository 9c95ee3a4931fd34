/** `ringway completion`: what completes the command line in a shell; see completion/. */
import { quoteText } from "../base/quoted_text.ts";
import { findNearest } from "../base/text_distance.ts";
import { UsageError } from "./command_line.ts";
import { bashCompletion } from "./completion/bash.ts";
import { fishCompletion } from "./completion/fish.ts";
import { zshCompletion } from "./completion/zsh.ts";

const SHELLS: ReadonlyMap<string, () => string> = new Map([
  ["bash", bashCompletion],
  ["zsh", zshCompletion],
  ["fish", fishCompletion],
]);

/** @throws UsageError for a shell that there is nothing for. */
export function renderCompletion(shell: string): string {
  const render = SHELLS.get(shell);
  if (render !== undefined) return render();
  const near = findNearest(shell, SHELLS.keys());
  const hint = near === null ? "" : `; did you mean "${near}"?`;
  throw new UsageError(
    `there is completion for ${[...SHELLS.keys()].join(", ")}, not for ${quoteText(shell)}${hint}`,
  );
}
