import type { Command } from "commander";

/** Shells with completions. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

/** A shell with completions. */
export type Shell = typeof SHELLS[number];

/** A command, for completions. */
interface KnownCommand {
  /** Words of the command, such as `journal ls`; empty for the program itself. */
  readonly path: string;
  readonly about: string;
  readonly parts: readonly { readonly name: string; readonly about: string }[];
  readonly options: readonly {
    readonly flags: readonly string[];
    readonly about: string;
    readonly takesValue: boolean;
    readonly choices: readonly string[];
  }[];
}

/** Returns the completions of a program's commands and options for a shell. Values are completed with files. */
export function completionScript(program: Command, shell: Shell): string {
  const commands = [...knownCommands(program, "")];
  switch (shell) {
    case "bash":
      return bashScript(program.name(), commands);
    case "zsh":
      // zsh runs completions of bash by a module of its own.
      return `#compdef ${program.name()}\nautoload -U +X bashcompinit && bashcompinit\n${
        bashScript(program.name(), commands)
      }`;
    case "fish":
      return fishScript(program.name(), commands);
  }
}

function* knownCommands(command: Command, path: string): Iterable<KnownCommand> {
  const shown = command.createHelp().visibleCommands(command).filter((part) => part.name() !== "help");
  yield {
    path,
    about: firstLine(command.description()),
    parts: shown.map((part) => ({ name: part.name(), about: firstLine(part.description()) })),
    options: command.createHelp().visibleOptions(command).map((option) => ({
      flags: [option.short, option.long].flatMap((flag) => flag ?? []),
      about: firstLine(option.description),
      takesValue: option.required || option.optional,
      choices: option.argChoices ?? [],
    })),
  };
  for (const part of shown) yield* knownCommands(part, path === "" ? part.name() : `${path} ${part.name()}`);
}

function bashScript(program: string, commands: readonly KnownCommand[]): string {
  const name = `_${program.replaceAll(/\W/g, "_")}`;
  const words = commands.map(({ path, parts, options }) => {
    const offered = [...parts.map((part) => part.name), ...options.flatMap(({ flags }) => flags)];
    return `    ${quoted(path)}) words=${quoted(offered.join(" "))} ;;`;
  });
  const values = commands.flatMap(({ path, options }) =>
    options.flatMap(({ flags, takesValue, choices }) => {
      if (!takesValue) return [];
      const act = choices.length > 0 ? `words=${quoted(choices.join(" "))}` : "files=1";
      return flags.map((flag) => `    ${quoted(`${path} ${flag}`)}) ${act}; value=1 ;;`);
    })
  );
  const known = commands.flatMap(({ path }) => path === "" ? [] : [quoted(path)]).join("|");
  return `# Completions of ${program} for bash.
${name}() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous="" path="" next words="" files="" value="" index
  [ "$COMP_CWORD" -gt 0 ] && previous=\${COMP_WORDS[COMP_CWORD-1]}
  for ((index = 1; index < COMP_CWORD; index++)); do
    next="\${path:+$path }\${COMP_WORDS[index]}"
    case "$next" in
      ${known}) path=$next ;;
    esac
  done
  case "$path $previous" in
${values.join("\n")}
  esac
  if [ -z "$value" ]; then
    case "$path" in
${words.join("\n")}
    esac
    case "$current" in
      -*) ;;
      *) [ -n "$path" ] && files=1 ;;
    esac
  fi
  COMPREPLY=()
  while IFS= read -r next; do COMPREPLY+=("$next"); done < <(compgen -W "$words" -- "$current")
  if [ -n "$files" ]; then
    while IFS= read -r next; do COMPREPLY+=("$next"); done < <(compgen -f -- "$current")
  fi
}
complete -o filenames -F ${name} ${program}
`;
}

function fishScript(program: string, commands: readonly KnownCommand[]): string {
  const lines = commands.flatMap(({ path, parts, options }) => {
    const names = path === "" ? [] : path.split(" ");
    const isHere = [
      ...names.map((name) => `__fish_seen_subcommand_from ${name}`),
      ...(parts.length === 0 ? [] : [`not __fish_seen_subcommand_from ${parts.map(({ name }) => name).join(" ")}`]),
    ].join("; and ");
    const when = isHere === "" ? "" : ` -n ${quoted(isHere)}`;
    return [
      ...parts.map(({ name, about }) => `complete -c ${program} -f${when} -a ${name} -d ${quoted(about)}`),
      ...options.map(({ flags, about, takesValue, choices }) => {
        const spelt = flags.map((flag) => flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`);
        const value = choices.length > 0 ? ` -x -a ${quoted(choices.join(" "))}` : takesValue ? " -r" : "";
        return `complete -c ${program}${when} ${spelt.join(" ")}${value} -d ${quoted(about)}`;
      }),
    ];
  });
  return `# Completions of ${program} for fish.\n${lines.join("\n")}\n`;
}

/** Returns a text in single quotes, which all these shells read alike. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function firstLine(text: string): string {
  return text.split(/[\n;]|: |\. /, 1)[0].trim();
}
