// Servers that do as they are told, for what the real one does only now and then.

import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Failure, REPOSITORY, scratch } from "./room.ts";

/** Writes a program that runs a server of this folder with an argument, and returns its path. */
export function scriptedServer(name: string, argument: string): string {
  const program = join(scratch("scripted"), "scripted-infill-ls");
  const words = [process.execPath, join(import.meta.dirname, name), argument];
  const quoted = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  writeFileSync(program, `#!/bin/sh\nexec ${quoted.join(" ")}\n`);
  chmodSync(program, 0o755);
  return program;
}

/** Returns the reasons for silence that the real server knows, with their sentences, from where they are written. */
export function silences(): { reason: string; message: string }[] {
  const source = readFileSync(join(REPOSITORY, "src/complete/reason.rs"), "utf8");
  const words = source.matchAll(/\(\s*"([a-z-]+)",\s*"([^"]+)",?\s*\)/g);
  const found = [...words].map(([, reason = "", message = ""]) => ({ reason, message }));
  const count = Number(/ALL: \[Self; (\d+)\]/.exec(source)?.[1]);
  if (found.length !== count) {
    throw new Failure(`of ${count} reasons ${found.length} were found in the source`);
  }
  return found;
}
