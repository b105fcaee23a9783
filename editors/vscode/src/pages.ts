// Read-only pages of text: the doctor's report, the statistics, and code that the server wrote to be read.

import * as vscode from "vscode";

const SCHEME = "infill-ls";

/** The pages that are open. */
export class Pages implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly texts = new Map<string, string>();
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  /** Last: VS Code looks at once whether there is an event to listen to. */
  private readonly registration = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.toString()) ?? "This page is from an earlier session; ask for it again.\n";
  }

  /** Shows a page, anew if it is open already. */
  async show(name: string, text: string): Promise<void> {
    await vscode.window.showTextDocument(this.update(name, text), { preview: true });
  }

  /** Shows a page beside the editor in front, which keeps the keyboard. */
  async showBeside(name: string, text: string): Promise<void> {
    const options = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true, preview: false };
    await vscode.window.showTextDocument(this.update(name, text), options);
  }

  /** Changes a page's text, wherever it is open. */
  update(name: string, text: string): vscode.Uri {
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${name}` });
    this.texts.set(uri.toString(), text);
    this.changed.fire(uri);
    return uri;
  }

  dispose(): void {
    vscode.Disposable.from(this.registration, this.changed).dispose();
  }
}
