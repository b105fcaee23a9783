// Pausing: in this window until it is resumed or closed, or for a language until its setting is changed. A paused window
// still answers who asks with a key.

import * as vscode from "vscode";
import { disabledLanguages, write } from "./settings.js";

/** Whether suggestions are paused in this window. */
export class Pause implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<boolean>();
  private paused = false;

  /** Fires after each change. */
  readonly onDidChange = this.changed.event;

  get isPaused(): boolean {
    return this.paused;
  }

  set(paused: boolean): void {
    this.paused = paused;
    this.changed.fire(paused);
    if (paused) {
      // What is on the screen would otherwise stay there and take Tab.
      void vscode.commands.executeCommand("editor.action.inlineSuggest.hide");
    }
  }

  dispose(): void {
    this.changed.dispose();
  }
}

/** Returns the language of the editor in front. */
export function currentLanguage(): string | undefined {
  return vscode.window.activeTextEditor?.document.languageId;
}

/** Returns whether a language is left alone. */
export function isDisabled(language: string | undefined): boolean {
  return language !== undefined && disabledLanguages().includes(language);
}

/** Leaves a language alone from now on, or no longer. */
export async function toggleLanguage(language: string | undefined): Promise<void> {
  if (language === undefined) {
    void vscode.window.showInformationMessage("infill-ls: open a file first; the language is the file's.");
    return;
  }
  const languages = disabledLanguages();
  const rest = languages.filter((other) => other !== language);
  await write("disabled_languages", rest.length < languages.length ? rest : [...languages, language]);
}
