/**
 * What is shipped beside the executable as text: the manual page, completions, the systemd unit. A
 * function of the sources alone, so that two builds of one commit are equal.
 */
import { renderCompletion } from "../../src/cli/completion.ts";
import { renderManPage } from "../../src/cli/man_page.ts";

export interface DistText {
  /** In dist/; folders in it are made. */
  readonly path: string;
  readonly text: string;
}

const UNIT_PATH = `${import.meta.dirname}/../../config/systemd/ringway.service`;

/** By path. Names are those under which each is found in its place: zsh wants "_ringway". */
export function distTexts(): DistText[] {
  return [
    { path: "completions/_ringway", text: renderCompletion("zsh") },
    { path: "completions/ringway.bash", text: renderCompletion("bash") },
    { path: "completions/ringway.fish", text: renderCompletion("fish") },
    { path: "ringway.1", text: renderManPage() },
    { path: "ringway.service", text: Deno.readTextFileSync(UNIT_PATH) },
  ];
}
