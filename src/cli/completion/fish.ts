/**
 * Completion for fish (3.0 or newer): a line for each verb and each option. Its own function tells
 * which verb it is, because a word of that name may also be an argument ("ringway help server").
 */
import { type Candidates, listCandidates, type VerbCandidates } from "./candidates.ts";

/** In single quotes; of what stands in them fish reads only these two. */
function quote(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}

/** -F: files are completed although "complete -f" has said that none are. */
function value(candidates: Candidates | null): string {
  if (candidates === null) return "";
  if (candidates === "files") return " -rF";
  return candidates.length === 0 ? " -x" : ` -xa ${quote(candidates.join(" "))}`;
}

function verbLines({ name, summary, options, positionals }: VerbCandidates): string[] {
  const when = `complete -c ringway -n ${quote(`__ringway_verb ${name}`)}`;
  const first = `complete -c ringway -n ${quote(`__ringway_first ${name}`)}`;
  const takes = positionals === "files"
    ? [`${when} -F`]
    : positionals.length === 0
    ? []
    : [`${first} -a ${quote(positionals.join(" "))}`];
  return [
    `complete -c ringway -n __ringway_bare -a ${name} -d ${quote(summary)}`,
    ...takes,
    ...options.map((option) => {
      const short = option.short === undefined ? "" : ` -s ${option.short}`;
      return `${when} -l ${option.name}${short}${value(option.value)} -d ${quote(option.help)}`;
    }),
  ];
}

export function fishCompletion(): string {
  return `# Completion of ringway for fish, made by: ringway completion fish
function __ringway_bare
    test (count (commandline -opc)) -eq 1
end
function __ringway_verb
    set -l words (commandline -opc)
    test (count $words) -gt 1; and test $words[2] = $argv[1]
end
function __ringway_first
    test (count (commandline -opc)) -eq 2; and __ringway_verb $argv[1]
end
complete -c ringway -f
${listCandidates().flatMap(verbLines).join("\n")}
`;
}
