// The doctor's report and the statistics, as read-only pages. What is in them is the server's; nothing leaves the machine.

import * as vscode from "vscode";
import { ErrorCodes, ResponseError } from "vscode-languageclient/node";
import type { Pages } from "./pages.js";
import { runProgram } from "./program.js";
import type { Server } from "./server.js";
import { SECTION } from "./settings.js";
import type { Status } from "./state.js";

/** What of the answer to `infill/doctor` is shown here. */
export interface DoctorReport {
  version: string;
  status: Status;
  counters: Record<string, number | boolean>;
  requests: { shown: number; silent: Record<string, number>; recent: RequestRecord[] };
  documents: { uri: string; version: number; bytes: number; sha256: string }[];
  settings: unknown;
}

/** One answered request. */
export interface RequestRecord {
  method: string;
  language: string;
  outcome: string;
  ms: number;
  tokens: number;
}

/** Shows what works on this machine, how fast, and what the server of this window says. */
export async function showDoctor(server: Server, pages: Pages): Promise<void> {
  const { path, from } = await server.program();
  const options = {
    location: vscode.ProgressLocation.Notification,
    title: "infill-ls: the doctor measures for a moment",
    cancellable: true,
  };
  await vscode.window.withProgress(options, async (_progress, cancel) => {
    const { output, errors } = await runProgram(path, ["doctor", ...startArguments()], cancel);
    if (cancel.isCancellationRequested) {
      return;
    }
    const report = await askServer(server);
    const settings = report === undefined ? "" : `\nsettings in force here\n${indented(report.settings)}\n`;
    await pages.show("infill-ls doctor", `${output}${errors}\nprogram    ${path} (from ${from})\n${settings}`);
  });
}

/** Shows what became of suggestions, of all windows since the first day, and of the requests of this window. */
export async function showStatistics(server: Server, pages: Pages): Promise<void> {
  const report = await askServer(server);
  if (report === undefined) {
    void vscode.window.showInformationMessage("infill-ls: the server does not run, so there is nothing to count.");
    return;
  }
  const outcomes = await askOutcomes(server);
  await pages.show("infill-ls statistics", `${outcomes}${statistics(report)}`);
}

async function askServer(server: Server): Promise<DoctorReport | undefined> {
  return server.connection?.sendRequest<DoctorReport>("infill/doctor");
}

/** Returns what happened to suggestions, as the server words it. */
async function askOutcomes(server: Server): Promise<string> {
  try {
    const stats = await server.connection?.sendRequest<{ text: string }>("infill/stats");
    return stats === undefined ? "" : `${stats.text}\n`;
  } catch (error) {
    if (error instanceof ResponseError && error.code === ErrorCodes.MethodNotFound) {
      // A server on PATH may be older than this extension.
      return "";
    }
    throw error;
  }
}

/** Returns the statistics as a page of text. */
export function statistics({ version, requests, counters, documents }: DoctorReport): string {
  const { shown, silent, recent } = requests;
  const reasons = Object.entries(silent).sort(([, a], [, b]) => b - a);
  const all = reasons.reduce((sum, [, count]) => sum + count, shown);
  const share = all === 0 ? "" : ` (${Math.round((100 * shown) / all)} %)`;
  const times = recent.filter(({ outcome }) => outcome === "shown").map(({ ms }) => ms);
  return [
    `infill-ls ${version}, requests since this window started its server, ${documents.length} documents open`,
    "",
    row("requests", all),
    row("shown", `${shown}${share}`),
    ...reasons.map(([reason, count]) => row(`silent: ${reason}`, count)),
    ...(times.length === 0
      ? []
      : [row("time to a suggestion", `${median(times)} ms (median of the last ${times.length})`)]),
    "",
    "What the engine computed:",
    ...Object.entries(counters).map(([name, value]) => row(name.replaceAll("_", " "), String(value))),
    "",
    "The last requests, newest first:",
    ...[...recent]
      .reverse()
      .map(
        ({ method, language, outcome, ms, tokens }) =>
          `  ${method.replace("textDocument/", "").padEnd(18)} ${language.padEnd(12)} ${outcome.padEnd(16)} ${String(ms).padStart(6)} ms ${String(tokens).padStart(4)} tokens`,
      ),
    "",
  ].join("\n");
}

function row(name: string, value: number | string): string {
  return `  ${name.padEnd(28)} ${value}`;
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** The settings that the doctor must know to look at what this window uses. */
function startArguments(): string[] {
  const settings = vscode.workspace.getConfiguration(SECTION);
  return ["model", "threads", "context"].flatMap((name) => {
    const value = settings.get<string | number | null>(name, null);
    return value === null ? [] : [`--${name}`, String(value)];
  });
}

function indented(value: unknown): string {
  return JSON.stringify(value, undefined, 2).replace(/^/gm, "           ");
}
