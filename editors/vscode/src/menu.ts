// The menu of the status-bar item: what is going on, and everything that can be done about it.

import * as vscode from "vscode";
import { currentLanguage, isDisabled, type Pause } from "./pause.js";
import { SECTION } from "./settings.js";
import { look } from "./status.js";
import type { ServerState } from "./state.js";

interface Entry extends vscode.QuickPickItem {
  command?: string;
  argument?: string;
  /** Who pauses wants to type on; the click on the item has taken the focus away. */
  backToEditor?: boolean;
}

/** Shows the menu and does what is chosen. */
export async function showMenu(state: ServerState, pause: Pause): Promise<void> {
  const language = currentLanguage();
  const { icon, about } = look(state.status, pause.isPaused, language);
  const choice = await vscode.window.showQuickPick<Entry>(entries(state, pause, language), {
    title: "infill-ls",
    placeHolder: `${icon === "error" ? "Error: " : ""}${about}`,
  });
  if (choice?.command !== undefined) {
    await vscode.commands.executeCommand(choice.command, ...(choice.argument === undefined ? [] : [choice.argument]));
  }
  if (choice?.backToEditor === true) {
    await vscode.commands.executeCommand("workbench.action.focusActiveEditorGroup");
  }
}

function entries(state: ServerState, pause: Pause, language: string | undefined): Entry[] {
  const runs = state.status.state !== "stopped" && state.status.state !== "failed";
  return [
    ...(runs ? pauseEntries(pause, language) : []),
    separator("The model"),
    { label: "$(server) Choose a Model…", command: "infill.chooseModel" },
    runs
      ? { label: "$(debug-restart) Start the Server Anew", command: "infill.restart" }
      : { label: "$(play) Start the Server", command: "infill.start" },
    separator("Why, and how fast"),
    { label: "$(pulse) Doctor", description: "what works, how fast", command: "infill.doctor" },
    { label: "$(graph) Statistics", description: "what became of the suggestions", command: "infill.statistics" },
    { label: "$(output) Show the Log", command: "infill.showLog" },
    separator("More"),
    { label: "$(lightbulb) Code Actions at the Cursor…", command: "infill.codeAction" },
    { label: "$(edit) Edit as Told…", command: "infill.editAsTold" },
    { label: "$(comment-discussion) Ask…", command: "infill.ask" },
    { label: "$(gear) Settings", command: "workbench.action.openSettings", argument: SECTION },
    { label: "$(book) First Steps", command: "infill.firstSteps" },
  ];
}

function pauseEntries(pause: Pause, language: string | undefined): Entry[] {
  const window = pause.isPaused
    ? { label: "$(play) Resume", command: "infill.resume", backToEditor: true }
    : { label: "$(debug-pause) Pause", description: "in this window", command: "infill.pause", backToEditor: true };
  if (language === undefined) {
    return [window];
  }
  const off = isDisabled(language);
  return [
    window,
    {
      label: off ? `$(check) Switch On for ${language}` : `$(circle-slash) Switch Off for ${language}`,
      description: "in the settings, for all windows",
      command: "infill.toggleLanguage",
      backToEditor: true,
    },
  ];
}

function separator(label: string): Entry {
  return { label, kind: vscode.QuickPickItemKind.Separator };
}
