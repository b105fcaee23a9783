// What the server does in the user's own words: code changed as an instruction says, and questions answered.

import * as vscode from "vscode";
import {
  CodeActionResolveRequest,
  ExecuteCommandRequest,
  LSPErrorCodes,
  ResponseError,
  type LanguageClient,
} from "vscode-languageclient/node";
import { SELECTOR } from "./documents.js";
import type { Server } from "./server.js";

/** Changes the selected code, or what stands at the cursor, as the user says; the change is looked at before it is made. */
export async function editAsTold(server: Server): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const client = connection(server);
  if (client === undefined) {
    return;
  }
  if (editor === undefined || vscode.languages.match(SELECTOR, editor.document) === 0) {
    void vscode.window.showInformationMessage("infill-ls: open a file first.");
    return;
  }
  const { document, selection } = editor;
  const instruction = await words({
    title: selection.isEmpty ? "infill-ls: edit what stands at the cursor" : "infill-ls: edit the selection",
    placeHolder: "What is to be changed, such as: use a list comprehension",
  });
  if (instruction === undefined) {
    return;
  }
  const converter = client.code2ProtocolConverter;
  const action = await unlessTold(
    client.sendRequest(CodeActionResolveRequest.type, {
      title: "Edit as told",
      data: {
        textDocument: converter.asVersionedTextDocumentIdentifier(document),
        range: converter.asRange(selection),
        task: "edit",
        instruction,
      },
    }),
  );
  if (action?.edit !== undefined) {
    // Its changes ask to be confirmed, so VS Code shows them, each with a box to tick.
    await vscode.workspace.applyEdit(await client.protocol2CodeConverter.asWorkspaceEdit(action.edit));
  }
}

/** Answers a question about the file in front, or, where there is none, about programming. */
export async function ask(server: Server): Promise<void> {
  const client = connection(server);
  if (client === undefined) {
    return;
  }
  const document = vscode.window.activeTextEditor?.document;
  const about = document !== undefined && vscode.languages.match(SELECTOR, document) > 0 ? document : undefined;
  const question = await words({
    title:
      about === undefined ? "infill-ls: ask" : `infill-ls: ask about ${vscode.workspace.asRelativePath(about.uri)}`,
    placeHolder: "Such as: when is an empty list returned?",
  });
  if (question === undefined) {
    return;
  }
  const textDocument = about && client.code2ProtocolConverter.asTextDocumentIdentifier(about);
  // The server opens the answer.
  await unlessTold(
    client.sendRequest(ExecuteCommandRequest.type, {
      command: "infill-ls.ask",
      arguments: [{ question, textDocument }],
    }),
  );
}

/** Returns the connection, or says that there is none. */
function connection(server: Server): LanguageClient | undefined {
  if (server.connection === undefined) {
    void vscode.window.showInformationMessage("infill-ls: the server does not run.");
  }
  return server.connection;
}

/** Returns what the user types, if anything. */
async function words(options: vscode.InputBoxOptions): Promise<string | undefined> {
  // It stays when the user looks something up in the file.
  const typed = (await vscode.window.showInputBox({ ...options, ignoreFocusOut: true }))?.trim();
  return typed === "" ? undefined : typed;
}

/** Returns the answer, or nothing where the server has told the user by itself why there is none. */
async function unlessTold<T>(request: Promise<T>): Promise<T | undefined> {
  const told: number[] = [
    LSPErrorCodes.RequestFailed,
    LSPErrorCodes.RequestCancelled,
    LSPErrorCodes.ServerCancelled,
    LSPErrorCodes.ContentModified,
  ];
  try {
    return await request;
  } catch (error) {
    if (error instanceof ResponseError && told.includes(error.code)) {
      return undefined;
    }
    throw error;
  }
}
