/**
 * Completion for bash (4.0 or newer), without the package bash-completion: one function with two
 * tables in it, what may follow an option, and what else a verb takes.
 */
import { type Candidates, listCandidates, spellings, type VerbCandidates } from "./candidates.ts";

/** The assignment that has the function complete these. */
function assign(candidates: Candidates): string {
  return candidates === "files" ? "files=1" : `words="${candidates.join(" ")}"`;
}

/** Cases of `VERB OPTION`: what follows an option that takes a value. */
function valueCases({ name, options }: VerbCandidates): string[] {
  return options.flatMap((option) => {
    if (option.value === null) return [];
    const patterns = spellings(option).map((spelling) => `"${name} ${spelling}"`).join(" | ");
    return [`    ${patterns}) ${assign(option.value)} ;;`];
  });
}

/** The case of a verb: its options, and what it takes besides. */
function verbCase({ name, options, positionals }: VerbCandidates): string {
  const spelt = options.flatMap(spellings).join(" ");
  return `        ${name}) options="${spelt}" ${assign(positionals)} ;;`;
}

export function bashCompletion(): string {
  const verbs = listCandidates();
  return `# Completion of ringway for bash, made by: ringway completion bash
_ringway() {
  local word="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD - 1]}"
  local verb="\${COMP_WORDS[1]}" words="" options="" files=""
  # "=" parts words in bash: in --format=j the last two are "=" and "j".
  if [[ $word == "=" ]]; then
    word=""
  elif [[ $previous == "=" ]]; then
    previous="\${COMP_WORDS[COMP_CWORD - 2]}"
  fi
  if ((COMP_CWORD == 1)); then
    words="${verbs.map(({ name }) => name).join(" ")}"
  else
    case "$verb $previous" in
${verbs.flatMap(valueCases).join("\n")}
    *)
      case "$verb" in
${verbs.map(verbCase).join("\n")}
      esac
      # Words stand right behind the verb only; where nothing else may follow, options may.
      ((COMP_CWORD == 2)) || words=""
      [[ $word == -* || -z $words$files ]] && words="$options" files=""
      ;;
    esac
  fi
  COMPREPLY=()
  if [[ $files ]]; then
    # Quotes and slashes are readline's to add; it says no when nobody completes anything.
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  elif [[ $words ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
  fi
}
complete -F _ringway ringway
`;
}
