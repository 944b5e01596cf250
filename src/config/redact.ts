import type { Issue } from "../model/mod.ts";

/** Shortest value that is hidden: shorter ones are no secrets, and hiding them would tear ordinary words apart. */
const SECRET_CHARS_MIN = 3;

/** The environment with a memory of what was asked for, so that no value that came from it is ever shown. */
export interface WatchedEnvironment {
  readonly get: (name: string) => string | undefined;
  /** Issues in whose messages every value that was given out is replaced by `${NAME}`. */
  readonly redact: (issues: readonly Issue[]) => readonly Issue[];
}

/** Watches an environment for the time of one load. */
export function watchEnvironment(environment: (name: string) => string | undefined): WatchedEnvironment {
  const given = new Map<string, string>();
  return {
    get(name) {
      const value = environment(name);
      if (value !== undefined && value.length >= SECRET_CHARS_MIN) given.set(name, value);
      return value;
    },
    redact(issues) {
      const secrets = [...given].sort(([, a], [, b]) => b.length - a.length);
      const hide = (message: string) =>
        secrets.reduce((text, [name, value]) => replaceSecret(text, value, `\${${name}}`), message);
      return secrets.length === 0 ? issues : issues.map((issue) => ({ ...issue, message: hide(issue.message) }));
    },
  };
}

/** Replaces a value as it is, and as it stands inside quotes. */
function replaceSecret(text: string, value: string, name: string): string {
  const quoted = JSON.stringify(value).slice(1, -1);
  const plain = text.replaceAll(value, () => name);
  return quoted === value ? plain : plain.replaceAll(quoted, () => name);
}
