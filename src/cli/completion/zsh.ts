/**
 * Completion for zsh: verbs by _describe, the rest by _arguments. The file works in a folder of
 * $fpath, where zsh loads it by its first line, and when it is sourced.
 */
import {
  type Candidates,
  listCandidates,
  type OptionCandidates,
  type VerbCandidates,
} from "./candidates.ts";

/** In single quotes, as one word of the shell. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Help as a part of a specification, where ":" and brackets mean something. */
function plain(text: string): string {
  return text.replace(/[\\:[\]]/g, "\\$&");
}

/** What completes: files, words, or nothing, which is a blank. */
function action(candidates: Candidates): string {
  if (candidates === "files") return "_files";
  return candidates.length === 0 ? " " : `(${candidates.join(" ")})`;
}

function optionSpec(option: OptionCandidates): string {
  const { name, short, help, value, noun } = option;
  const argument = value === null ? "" : `:${plain(noun)}:${action(value)}`;
  const rest = `[${plain(help)}]${argument}`;
  // "=": the value may stand in the same word; "+" is the same for a short one.
  const [long, brief] = value === null ? [`--${name}`, `-${short}`] : [`--${name}=`, `-${short}+`];
  if (short === undefined) return quote(`${long}${rest}`);
  return `${quote(`(--${name} -${short})`)}{${long},${brief}}${quote(rest)}`;
}

function verbCase({ name, options, positionals }: VerbCandidates): string {
  const specs = options.map(optionSpec);
  const takes = positionals === "files" || positionals.length > 0;
  if (takes) specs.push(quote(`1:argument:${action(positionals)}`));
  return `    ${name})\n      _arguments -s ${specs.join(" \\\n        ")}\n      ;;`;
}

export function zshCompletion(): string {
  const verbs = listCandidates();
  const described = verbs.map(({ name, summary }) => `    ${quote(`${name}:${plain(summary)}`)}`);
  return `#compdef ringway
# Completion of ringway for zsh, made by: ringway completion zsh
_ringway() {
  local -a verbs=(
${described.join("\n")}
  )
  if ((CURRENT == 2)); then
    _describe command verbs
    return
  fi
  local verb=$words[2]
  # _arguments shall see the verb as the command.
  shift words
  ((CURRENT--))
  case $verb in
${verbs.map(verbCase).join("\n")}
  esac
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _ringway "$@"
else
  compdef _ringway ringway
fi
`;
}
