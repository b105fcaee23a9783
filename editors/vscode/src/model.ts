// Choosing a model: the catalogue of the server program with sizes, speeds and licences, or a file.

import * as vscode from "vscode";
import { runProgram } from "./program.js";
import type { Server } from "./server.js";
import { SECTION, write } from "./settings.js";

/** A model of the catalogue, as `infill-ls model list --json` prints it. */
interface CatalogueModel {
  name: string;
  title: string;
  bytes: number;
  licence: string;
  installed: boolean;
  supported: boolean;
  default: boolean;
  /** Tokens a second on this machine, where that was measured. */
  speed: { prefill_per_second: number; decode_per_second: number | null } | null;
}

/** Lets the user choose; the server is started anew with the choice and fetches what is not there. */
export async function chooseModel(server: Server): Promise<void> {
  const { path } = await server.program();
  const { output, errors, code } = await runProgram(path, ["model", "list", "--json"]);
  if (code !== 0) {
    void vscode.window.showErrorMessage(`infill-ls: the models cannot be listed: ${errors.trim()}`);
    return;
  }
  const current = vscode.workspace.getConfiguration(SECTION).get<string | null>("model", null);
  const choice = await vscode.window.showQuickPick(items(JSON.parse(output) as CatalogueModel[], current), {
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
  const supported = catalogue.filter((model) => model.supported);
  const models = supported.map((model): ModelItem => {
    const isCurrent = current === null ? model.default : current === model.name;
    const state = model.installed ? "on this machine" : "is fetched when chosen";
    const sign = isCurrent ? "check" : model.installed ? "package" : "cloud-download";
    return {
      label: `$(${sign}) ${model.title}`,
      description: `${size(model.bytes)}, ${speed(model)}`,
      detail: `${isCurrent ? "in use, " : ""}${model.default ? "the default, " : ""}${state}, licence ${model.licence}, ${model.name}`,
      model: { name: model.name, isDefault: model.default },
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

function size(bytes: number): string {
  const megabytes = bytes / 1e6;
  return megabytes < 999.5 ? `${megabytes.toFixed(0)} MB` : `${(megabytes / 1e3).toFixed(1)} GB`;
}

/** What counts is how fast a model reads what is typed, and then how fast it writes. */
function speed({ speed }: CatalogueModel): string {
  if (speed === null) {
    return "speed not measured";
  }
  const { prefill_per_second: read, decode_per_second: written } = speed;
  return `reads ${read.toFixed(0)}${written === null ? "" : `, writes ${written.toFixed(0)}`} tokens/s here`;
}
