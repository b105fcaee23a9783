// The server's code actions from the palette. The light bulb shows them without any help; this is for who does not want
// those of other extensions between them, and says so when there is none.

import * as vscode from "vscode";
import { CodeActionRequest, CodeActionResolveRequest, type CodeAction, type Command } from "vscode-languageclient/node";
import type { Server } from "./server.js";

/** Lets the user choose among the code actions at the cursor, and carries it out. */
export async function runCodeAction(server: Server): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const client = server.connection;
  if (editor === undefined || client === undefined) {
    const why = editor === undefined ? "open a file first" : "the server does not run";
    void vscode.window.showInformationMessage(`infill-ls: ${why}.`);
    return;
  }
  const converter = client.code2ProtocolConverter;
  const actions = await client.sendRequest(CodeActionRequest.type, {
    textDocument: converter.asTextDocumentIdentifier(editor.document),
    range: converter.asRange(editor.selection),
    context: { diagnostics: [] },
  });
  const action = await choose(actions ?? []);
  if (action === undefined) {
    return;
  }
  if (isCommand(action)) {
    await execute(action);
    return;
  }
  const resolved = action.edit === undefined ? await client.sendRequest(CodeActionResolveRequest.type, action) : action;
  if (resolved.edit !== undefined) {
    await vscode.workspace.applyEdit(await client.protocol2CodeConverter.asWorkspaceEdit(resolved.edit));
  }
  if (resolved.command !== undefined) {
    await execute(resolved.command);
  }
}

async function choose(actions: (CodeAction | Command)[]): Promise<CodeAction | Command | undefined> {
  if (actions.length === 0) {
    void vscode.window.showInformationMessage(
      "infill-ls: nothing to do here. Put the cursor on a comment that describes a function, or select code.",
    );
    return undefined;
  }
  if (actions.length === 1) {
    return actions[0];
  }
  const items = actions.map((action) => ({ label: action.title, action }));
  const choice = await vscode.window.showQuickPick(items, { title: "infill-ls: code actions at the cursor" });
  return choice?.action;
}

async function execute({ command, arguments: values = [] }: Command): Promise<void> {
  await vscode.commands.executeCommand(command, ...(values as unknown[]));
}

function isCommand(action: CodeAction | Command): action is Command {
  return typeof action.command === "string";
}
