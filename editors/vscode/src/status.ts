// The status-bar item: what the server is doing, in a sign and a word, and why it is silent. A click opens the menu.

import * as vscode from "vscode";
import { currentLanguage, isDisabled, type Pause } from "./pause.js";
import type { ServerState, Status } from "./state.js";

/** Thinking that is over sooner is not shown: a sign that comes and goes at every key is worse than none. */
const THINKING_AFTER_MS = 150;

/** Silences that only say that somebody types. */
const QUIET = new Set(["cancelled", "overtaken"]);

/** What the item shows. */
interface Look {
  icon: string;
  text: string;
  /** A sentence for the tooltip. */
  about: string;
  background?: "error" | "warning";
}

/** The item. */
export class StatusItem implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem("infill-ls", vscode.StatusBarAlignment.Right, 100);
  private readonly subscriptions: vscode.Disposable[];
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly state: ServerState,
    private readonly pause: Pause,
  ) {
    this.item.name = "infill-ls";
    this.item.command = "infill.menu";
    const show = () => this.show();
    this.subscriptions = [
      state.onDidChange(show),
      pause.onDidChange(show),
      vscode.window.onDidChangeActiveTextEditor(show),
      vscode.workspace.onDidChangeConfiguration(show),
    ];
    this.draw();
    this.item.show();
  }

  dispose(): void {
    clearTimeout(this.timer);
    vscode.Disposable.from(...this.subscriptions, this.item).dispose();
  }

  private show(): void {
    clearTimeout(this.timer);
    if (this.state.status.state === "thinking") {
      this.timer = setTimeout(() => this.draw(), THINKING_AFTER_MS);
    } else {
      this.draw();
    }
  }

  private draw(): void {
    const { icon, text, about, background } = look(this.state.status, this.pause.isPaused, currentLanguage());
    this.item.text = `$(${icon}) infill${text === "" ? "" : `: ${text}`}`;
    this.item.tooltip = new vscode.MarkdownString(`**infill-ls** — ${escape(about)}\n\nClick for the menu.`);
    this.item.accessibilityInformation = { label: `infill-ls: ${about}` };
    this.item.backgroundColor =
      background === undefined ? undefined : new vscode.ThemeColor(`statusBarItem.${background}Background`);
  }
}

/** Returns what is shown for a state. */
export function look(status: Status, paused: boolean, language: string | undefined): Look {
  const { state, message, reason, percent } = status;
  switch (state) {
    case "failed":
      return { icon: "error", text: "error", about: message, background: "error" };
    case "stopped":
      return { icon: "debug-stop", text: "stopped", about: message, background: "warning" };
    case "starting":
      return { icon: "loading~spin", text: "starting", about: message };
    case "loading":
      return { icon: "loading~spin", text: percent === undefined ? "loading" : `${percent} %`, about: message };
    case "ready":
    case "thinking":
    case "silent":
      break;
  }
  if (paused) {
    return { icon: "debug-pause", text: "paused", about: "paused in this window; the menu resumes" };
  }
  if (isDisabled(language)) {
    return { icon: "circle-slash", text: "off here", about: `switched off for ${language ?? "this language"}` };
  }
  switch (state) {
    case "thinking":
      return { icon: "loading~spin", text: "", about: "thinking" };
    case "silent":
      return QUIET.has(reason ?? "")
        ? { icon: "sparkle", text: "", about: `ready; ${message}` }
        : { icon: "circle-slash", text: reason ?? "silent", about: `nothing to show: ${message}` };
    case "ready":
      return { icon: "sparkle", text: "", about: `ready (${message})` };
  }
}

function escape(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+\-.!<>|]/g, "\\$&");
}
