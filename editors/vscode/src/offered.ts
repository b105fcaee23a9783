// What follows when a code action of the server was carried out. VS Code gets an action's edit when it is chosen, but has
// forgotten by then what a command's arguments are; so each gets a command when it is offered, and one without arguments.

import * as vscode from "vscode";
import type { Middleware } from "vscode-languageclient/node";

/** The command behind each action. */
export const AFTER_ACTION = "infill.afterAction";

/** The server's command that opens a document which an action has written. */
const OPEN = "infill-ls.open";

/** A code action with the server's data, as the client has it. */
type Offered = vscode.CodeAction & { data?: unknown };

/** What the action that was chosen writes into another file. */
let written: vscode.Uri | undefined;

/** Returns what stands between VS Code and the server's code actions. */
export function offeredActions(): Pick<Middleware, "provideCodeActions" | "resolveCodeAction"> {
  return {
    provideCodeActions: async (document, range, context, token, next) => {
      const actions = (await next(document, range, context, token)) ?? [];
      for (const action of actions as Offered[]) {
        // One with a command has no edit to wait for.
        if (action.data !== undefined && action.command === undefined) {
          action.command = { title: action.title, command: AFTER_ACTION };
        }
      }
      return actions;
    },
    resolveCodeAction: async (item, token, next) => {
      const { command } = item;
      const resolved = await next(item, token);
      if (resolved === undefined || resolved === null || command?.command !== AFTER_ACTION) {
        return resolved;
      }
      const values = (resolved.command?.command === OPEN ? resolved.command.arguments : undefined) as
        { uri: string }[] | undefined;
      written = values?.[0] && vscode.Uri.parse(values[0].uri);
      resolved.command = command;
      return resolved;
    },
  };
}

/** Opens what the action has written into another file, and takes off the screen what was suggested for the text before. */
export async function afterAction(): Promise<void> {
  const uri = written;
  written = undefined;
  await vscode.commands.executeCommand("editor.action.inlineSuggest.hide");
  if (uri !== undefined) {
    await vscode.window.showTextDocument(uri, { preview: false });
  }
}
