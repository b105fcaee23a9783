// A page of Markdown as it is to be read, made by VS Code's own renderer, which the extension for Markdown lends. Not its
// preview: that takes the keyboard away when it opens, and shows nothing of what is no document.

import { randomBytes } from "node:crypto";
import * as vscode from "vscode";

/** The extension that has the renderer and its style. It can be switched off; then the text is shown as it is. */
const RENDERER = "vscode.markdown-language-features";

/** Puts what comes into the page, and asks for it when the page is there, also anew. */
const SCRIPT = `
const page = document.querySelector("main");
addEventListener("message", ({ data }) => (page.innerHTML = data));
acquireVsCodeApi().postMessage("ready");
`;

/** One page, in a tab of its own. */
export class MarkdownPage implements vscode.Disposable {
  private readonly panel: vscode.WebviewPanel;
  private text = "";
  private rendered = "";
  /** A rendering under way; what comes meanwhile is rendered after it, and only the last of it. */
  private isRendering = false;
  private isClosed = false;

  constructor(title: string, onClose: () => void) {
    const style = vscode.extensions.getExtension(RENDERER)?.extensionUri;
    this.panel = vscode.window.createWebviewPanel(
      "infill.page",
      title,
      { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true },
      { enableScripts: true, enableFindWidget: true, localResourceRoots: style === undefined ? [] : [style] },
    );
    this.panel.onDidDispose(() => {
      this.isClosed = true;
      onClose();
    });
    this.panel.webview.onDidReceiveMessage(() => this.send());
    this.panel.webview.html = this.frame(style);
  }

  /** Brings the page to the front of its tabs; the editor keeps the keyboard. */
  reveal(): void {
    this.panel.reveal(undefined, true);
  }

  /** Makes this the text. */
  write(text: string): void {
    this.text = text;
    if (!this.isRendering) {
      void this.render();
    }
  }

  dispose(): void {
    this.panel.dispose();
  }

  private async render(): Promise<void> {
    this.isRendering = true;
    let text;
    do {
      text = this.text;
      this.rendered = await html(text);
      this.send();
    } while (text !== this.text);
    this.isRendering = false;
  }

  private send(): void {
    if (!this.isClosed) {
      void this.panel.webview.postMessage(this.rendered);
    }
  }

  /** The page without its text. No image and no script of the text is loaded: nothing leaves the machine. */
  private frame(style: vscode.Uri | undefined): string {
    const { webview } = this.panel;
    const nonce = randomBytes(16).toString("hex");
    const sheets = style === undefined ? [] : ["markdown.css", "highlight.css"];
    const links = sheets.map((name) => {
      const uri = webview.asWebviewUri(vscode.Uri.joinPath(style ?? vscode.Uri.file("/"), "media", name));
      return `<link rel="stylesheet" href="${uri.toString()}">`;
    });
    const policy = `default-src 'none'; style-src ${webview.cspSource} 'unsafe-inline'; script-src 'nonce-${nonce}'`;
    return `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}">${links.join("")}</head>
<body class="vscode-body"><main></main><script nonce="${nonce}">${SCRIPT}</script></body>
</html>`;
  }
}

async function html(text: string): Promise<string> {
  try {
    return await vscode.commands.executeCommand<string>("markdown.api.render", text);
  } catch {
    const signs: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
    return `<pre style="white-space: pre-wrap">${text.replaceAll(/[&<>]/g, (sign) => signs[sign] ?? sign)}</pre>`;
  }
}
