// Which documents the server hears of and is asked about, and what stands between VS Code's requests and the server.

import * as vscode from "vscode";
import type { Middleware, ProgressToken } from "vscode-languageclient/node";
import { EarlyRequest } from "./early.js";
import { offeredActions } from "./offered.js";
import type { Pause } from "./pause.js";
import type { Progresses } from "./progress.js";
import { isOn } from "./settings.js";

/**
 * Files, untitled files and the cells of notebooks. Others, such as the output panel or the message of a commit, are no
 * code, and the server has not seen them.
 */
export const SELECTOR = [{ scheme: "file" }, { scheme: "untitled" }, { scheme: "vscode-notebook-cell" }];

/** Returns what the client does with requests and progress on their way. */
export function middleware(pause: Pause, progresses: Progresses): Middleware {
  const early = new EarlyRequest();
  return {
    didChange: async (event, next) => {
      const { version } = event.document;
      await next(event);
      if (!pause.isPaused && event.document.version === version) {
        early.changed(event);
      }
    },
    provideInlineCompletionItems: (document, position, context, token, next) => {
      const asked = context.triggerKind === vscode.InlineCompletionTriggerKind.Invoke;
      const wanted = vscode.languages.match(SELECTOR, document) > 0 && (asked || !pause.isPaused);
      return wanted ? early.answer(document, position, context, token, next) : null;
    },
    // The server would refuse what is switched off, and the status would tell of that at every key.
    provideCompletionItem: (document, position, context, token, next) =>
      pause.isPaused || !isOn("items.enabled") ? null : next(document, position, context, token),
    ...offeredActions(),
    handleWorkDoneProgress: (token: ProgressToken, message) => progresses.take(token, message),
  };
}
