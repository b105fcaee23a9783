// Choosing a model: the catalogue of the server program with sizes and licences, or a file.

import * as vscode from "vscode";
import { runProgram } from "./program.js";
import type { Server } from "./server.js";
import { SECTION, write } from "./settings.js";

/** A model of the catalogue, as `infill-ls model list` prints it. */
export interface CatalogueModel {
  name: string;
  size: string;
  licence: string;
  architecture: string;
  state: string;
}

/** Lets the user choose; the server is started anew with the choice and fetches what is not there. */
export async function chooseModel(server: Server): Promise<void> {
  const { path } = await server.program();
  const { output, errors, code } = await runProgram(path, ["model", "list"]);
  if (code !== 0) {
    void vscode.window.showErrorMessage(`infill-ls: the models cannot be listed: ${errors.trim()}`);
    return;
  }
  const current = vscode.workspace.getConfiguration(SECTION).get<string | null>("model", null);
  const choice = await vscode.window.showQuickPick(items(parseCatalogue(output), current), {
    title: "infill-ls: the model that writes the suggestions",
    placeHolder: "A larger model is better and slower. What is not on this machine yet is fetched.",
    matchOnDescription: true,
    matchOnDetail: true,
  });
  const model = choice?.model ?? (choice === undefined ? undefined : await chooseFile());
  if (model !== undefined) {
    await write("model", model.isDefault ? null : model.name);
  }
}

interface Chosen {
  name: string;
  isDefault: boolean;
}

interface ModelItem extends vscode.QuickPickItem {
  /** Missing in the item that asks for a file. */
  model?: Chosen;
}

function items(catalogue: CatalogueModel[], current: string | null): ModelItem[] {
  const supported = catalogue.filter(({ state }) => !state.startsWith("not supported"));
  const models = supported.map(({ name, size, licence, state }): ModelItem => {
    const isDefault = state.includes("(default)");
    const isCurrent = current === null ? isDefault : current === name;
    return {
      label: `$(${isCurrent ? "check" : state.startsWith("installed") ? "package" : "cloud-download"}) ${name}`,
      description: size,
      detail: `${isCurrent ? "in use, " : ""}${state}, licence ${licence}`,
      model: { name, isDefault },
    };
  });
  return [...models, { label: "$(file) A file…", description: "GGUF, with infill tokens" }];
}

async function chooseFile(): Promise<Chosen | undefined> {
  const files = await vscode.window.showOpenDialog({
    title: "A model with infill tokens",
    filters: { GGUF: ["gguf"] },
  });
  const file = files?.[0];
  return file === undefined ? undefined : { name: file.fsPath, isDefault: false };
}

/** Reads the table of `infill-ls model list`: its columns begin where their headings do. */
export function parseCatalogue(table: string): CatalogueModel[] {
  const [head = "", ...lines] = table.split(/\r?\n/).filter((line) => line.trim() !== "");
  const starts = ["NAME", "SIZE", "LICENCE", "ARCHITECTURE", "STATE"].map((heading) => head.indexOf(heading));
  return lines.map((line) => {
    const cell = (column: number) => line.slice(starts[column], starts[column + 1]).trim();
    return { name: cell(0), size: cell(1), licence: cell(2), architecture: cell(3), state: cell(4) };
  });
}
