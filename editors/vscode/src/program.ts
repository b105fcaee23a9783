// Runs a subcommand of the server program to its end, for what is not asked over the connection: the catalogue of
// models, and the doctor.

import { execFile } from "node:child_process";
import type { CancellationToken } from "vscode";
import { startSettings } from "./settings.js";

/** What a subcommand printed. */
export interface Outcome {
  output: string;
  errors: string;
  /** 0 when all is well. */
  code: number;
}

/** Runs the program and returns what it printed, whatever its exit code; fails when it cannot be run. */
export function runProgram(path: string, args: string[], cancel?: CancellationToken): Promise<Outcome> {
  const { environment } = startSettings();
  const options = { env: { ...process.env, ...environment }, maxBuffer: 10 * 1024 * 1024 };
  return new Promise((resolve, reject) => {
    const child = execFile(path, args, options, (error, output, errors) => {
      const code = error === null ? 0 : (error.code ?? 1);
      // A word instead of a number is the system's: the program could not be run.
      if (typeof code === "string") {
        reject(new Error(`${path} cannot be run: ${code}`));
      } else {
        resolve({ output, errors, code });
      }
    });
    cancel?.onCancellationRequested(() => child.kill());
  });
}
