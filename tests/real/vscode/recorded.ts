// The server behind the recorder: how it is started, and what the recorder took down.

import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY, scratch, serverBinary } from "./room.ts";

/** A line of the recorder. */
export interface Recorded {
  /** The document that a text was told of, and the text. */
  text?: string;
  value?: string;
  /** The number of a request for ghost text that came, or was answered, at this time in ms. */
  asked?: number;
  answered?: number;
  at?: number;
  items?: string[];
}

/** Returns what was taken down so far. */
export function recorded(record: string): Recorded[] {
  const lines = readFileSync(record, "utf8").split("\n");
  return lines.slice(0, -1).map((line) => JSON.parse(line) as Recorded);
}

/** Writes a program that runs the server behind the recorder. */
export function startRecorder(): { program: string; record: string } {
  const folder = scratch("recorder");
  const [program, record] = [join(folder, "recorded-infill-ls"), join(folder, "record.jsonl")];
  const words = [process.execPath, join(REPOSITORY, "tests/real/vscode/recorder.ts"), serverBinary(), record];
  writeFileSync(record, "");
  writeFileSync(program, `#!/bin/sh\nexec ${words.map((word) => `'${word}'`).join(" ")} "$@"\n`);
  chmodSync(program, 0o755);
  return { program, record };
}
