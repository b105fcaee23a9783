// Asks for ghost text as soon as a key has changed the text. VS Code asks 50 ms later, in case another key comes (what would
// change that is a proposed API, which no published extension may use), and is given the answer that is on its way by then.

import * as vscode from "vscode";
import type { Middleware } from "vscode-languageclient/node";

/** VS Code has asked by then, or does not ask, for which it may have many reasons. */
const UNWANTED_AFTER_MS = 250;

/** What VS Code writes where the first of the two is typed, with the cursor between them. */
const CLOSED_BY_ITSELF = new Set(["()", "[]", "{}", "<>", '""', "''", "``"]);

/** Asks the server. */
type Ask = Parameters<NonNullable<Middleware["provideInlineCompletionItems"]>>[4];
type Answer = ReturnType<Ask>;

interface Asked {
  document: vscode.TextDocument;
  version: number;
  position: vscode.Position;
  answer: Answer;
  source: vscode.CancellationTokenSource;
  unwanted: NodeJS.Timeout;
}

/** The request that is ahead of VS Code's, if there is one. */
export class EarlyRequest {
  private asked: Asked | undefined;
  private ask: Ask | undefined;

  /** Asks where the cursor of the editor in front stands behind what was just typed. The server has been told of it. */
  changed({ document, contentChanges, reason }: vscode.TextDocumentChangeEvent): void {
    this.drop();
    const [change, ...more] = contentChanges;
    const isTyped = change !== undefined && change.text !== "" && more.length === 0 && reason === undefined;
    const editor = vscode.window.activeTextEditor;
    if (!isTyped || this.ask === undefined || editor?.document !== document || editor.selections.length !== 1) {
      return;
    }
    if (vscode.workspace.getConfiguration("editor", document).get("inlineSuggest.enabled") === false) {
      return;
    }
    const position = cursorBehind(change);
    const source = new vscode.CancellationTokenSource();
    const context = { triggerKind: vscode.InlineCompletionTriggerKind.Automatic, selectedCompletionInfo: undefined };
    const answer = this.ask(document, position, context, source.token);
    // An error is VS Code's to hear of, where it asks.
    Promise.resolve(answer).catch(() => undefined);
    const unwanted = setTimeout(() => this.drop(), UNWANTED_AFTER_MS);
    this.asked = { document, version: document.version, position, answer, source, unwanted };
  }

  /** Answers VS Code: with what was asked for already, if it is the same. */
  answer(
    document: vscode.TextDocument,
    position: vscode.Position,
    context: vscode.InlineCompletionContext,
    token: vscode.CancellationToken,
    ask: Ask,
  ): Answer {
    this.ask = ask;
    const { asked } = this;
    const isTheSame =
      asked?.document === document &&
      asked.version === document.version &&
      asked.position.isEqual(position) &&
      context.triggerKind === vscode.InlineCompletionTriggerKind.Automatic &&
      context.selectedCompletionInfo === undefined;
    if (!isTheSame) {
      this.drop();
      return ask(document, position, context, token);
    }
    // From here on it is VS Code's, which takes it back when another key comes.
    this.asked = undefined;
    clearTimeout(asked.unwanted);
    token.onCancellationRequested(() => asked.source.cancel());
    return asked.answer;
  }

  /** Takes the request back. */
  drop(): void {
    clearTimeout(this.asked?.unwanted);
    this.asked?.source.cancel();
    this.asked = undefined;
  }
}

/** Returns where the cursor stands after a change that a key has made. */
function cursorBehind({ range, text }: vscode.TextDocumentContentChangeEvent): vscode.Position {
  const typed = CLOSED_BY_ITSELF.has(text) ? text.slice(0, 1) : text;
  const lines = typed.split("\n");
  const last = lines.at(-1) ?? "";
  const { line, character } = range.start;
  return new vscode.Position(line + lines.length - 1, lines.length === 1 ? character + last.length : last.length);
}
