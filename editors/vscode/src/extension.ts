// The extension's beginning and end: makes its parts, names its commands, and starts the server. What each part does is
// in its own file.

import * as vscode from "vscode";
import { runCodeAction } from "./actions.js";
import { GrowingPages } from "./growing.js";
import { showMenu } from "./menu.js";
import { chooseModel } from "./model.js";
import { AFTER_ACTION, afterAction } from "./offered.js";
import { Pages } from "./pages.js";
import { Pause, currentLanguage, toggleLanguage } from "./pause.js";
import { showDoctor, showStatistics } from "./report.js";
import { Server } from "./server.js";
import { ServerState } from "./state.js";
import { StatusItem } from "./status.js";
import { ask, editAsTold } from "./told.js";

let server: Server | undefined;

export function activate(context: vscode.ExtensionContext): void {
  const state = new ServerState();
  const pause = new Pause();
  const pages = new Pages();
  const growing = new GrowingPages(pages);
  const started = new Server(context, state, pause, growing);
  server = started;
  context.subscriptions.push(
    new StatusItem(state, pause),
    started,
    growing,
    pages,
    pause,
    state,
    vscode.workspace.onDidChangeConfiguration((change) => started.settingsChanged(change)),
  );
  const commands: Record<string, () => unknown> = {
    "infill.menu": () => showMenu(state, pause),
    "infill.pause": () => pause.set(true),
    "infill.resume": () => pause.set(false),
    "infill.toggleLanguage": () => toggleLanguage(currentLanguage()),
    "infill.chooseModel": () => chooseModel(started),
    "infill.start": () => started.start(),
    "infill.restart": () => started.restart(),
    "infill.showLog": () => started.log.show(),
    "infill.doctor": () => showDoctor(started, pages),
    "infill.statistics": () => showStatistics(started, pages),
    "infill.codeAction": () => runCodeAction(started),
    "infill.editAsTold": () => editAsTold(started),
    "infill.ask": () => ask(started),
    "infill.firstSteps": () =>
      vscode.commands.executeCommand("workbench.action.openWalkthrough", `${context.extension.id}#firstSteps`),
    "infill.tryIt": () => tryIt(),
    [AFTER_ACTION]: () => afterAction(),
  };
  for (const [name, run] of Object.entries(commands)) {
    context.subscriptions.push(vscode.commands.registerCommand(name, () => telling(started, run)));
  }
  // Not awaited: the first start fetches the model, and the commands must work meanwhile.
  void started.start();
}

/** VS Code waits for this, so that the server has written its last lines when the window closes. */
export async function deactivate(): Promise<void> {
  await server?.stop("the window is closed");
}

/** Runs a command and tells the user when it fails. */
async function telling(started: Server, run: () => unknown): Promise<void> {
  try {
    await run();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    started.log.error(message);
    void vscode.window.showErrorMessage(`infill-ls: ${message}`);
  }
}

const [BEFORE, AFTER] = [
  `# Type on at the cursor, and press Tab when grey text appears.


def area(width, height):
    return width * height


def perimeter(width, height):
    return`,
  `


print(area(3, 4), perimeter(3, 4))
`,
];

/** Opens a file without a name to try it in, with the cursor where something is to be written. */
async function tryIt(): Promise<void> {
  const document = await vscode.workspace.openTextDocument({ language: "python", content: BEFORE + AFTER });
  const editor = await vscode.window.showTextDocument(document);
  const cursor = document.positionAt(BEFORE.length);
  editor.selection = new vscode.Selection(cursor, cursor);
}
