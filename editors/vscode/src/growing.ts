// Pages that the server writes to be read, and that grow while it does: Markdown as it is to be read, code as code. Each is
// opened once, beside the editor; one that is closed meanwhile stays closed.

import * as vscode from "vscode";
import type { LanguageClient, StaticFeature } from "vscode-languageclient/node";
import { MarkdownPage } from "./markdown.js";
import type { Pages } from "./pages.js";

/** `infill/page`: a page as far as it is written. */
interface PageMessage {
  uri: string;
  title: string;
  text: string;
  done: boolean;
}

/** The pages that the server writes. */
export class GrowingPages implements vscode.Disposable {
  /** Those that are being written: what to do with more of their text. */
  private readonly growing = new Map<string, (text: string) => void>();
  /** Markdown pages that are open, whole or not. */
  private readonly open = new Map<string, MarkdownPage>();

  constructor(private readonly pages: Pages) {}

  /** Has a client tell the server that pages may grow, and show them. */
  register(client: LanguageClient): void {
    const feature: StaticFeature = {
      fillClientCapabilities: (capabilities) => {
        capabilities.experimental = { ...(capabilities.experimental as object | undefined), infillPage: true };
      },
      initialize: () => undefined,
      getState: () => ({ kind: "static" }),
      clear: () => this.growing.clear(),
    };
    client.registerFeature(feature);
    client.onNotification("infill/page", (message: PageMessage) => this.take(message));
  }

  /** Takes one message of the server. */
  private take({ uri, title, text, done }: PageMessage): void {
    const update = this.growing.get(uri);
    if (update === undefined) {
      this.growing.set(uri, this.begin(uri, title, text));
    } else {
      update(text);
    }
    if (done) {
      this.growing.delete(uri);
    }
  }

  /** Opens a page, or the one with the same name anew. Returns what takes more of its text. */
  private begin(uri: string, title: string, text: string): (text: string) => void {
    const name = vscode.Uri.parse(uri).path.split("/").at(-1) ?? title;
    if (!name.endsWith(".md")) {
      void this.pages.showBeside(name, text);
      return (more) => void this.pages.update(name, more);
    }
    const page = this.open.get(uri) ?? new MarkdownPage(title, () => this.open.delete(uri));
    this.open.set(uri, page);
    page.reveal();
    page.write(text);
    return (more) => page.write(more);
  }

  dispose(): void {
    for (const page of [...this.open.values()]) {
      page.dispose();
    }
  }
}
