// What the extension knows of the server's state, from the server's own words and from its process. The status bar and
// the menu show it; nothing here knows of either.

import * as vscode from "vscode";

/** The states of the server's `infill/status`, and those of its process. */
export type State = "starting" | "loading" | "ready" | "thinking" | "silent" | "failed" | "stopped";

/** What the server is doing. */
export interface Status {
  state: State;
  /** In a few words, for a person. */
  message: string;
  /** The code of the reason, when the last request stayed silent. */
  reason?: string | undefined;
  /** How much of the loading is done. */
  percent?: number | undefined;
}

/** The state, which tells those who ask when it has changed. */
export class ServerState implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<Status>();
  private current: Status = { state: "starting", message: "starting" };

  /** Fires after each change. */
  readonly onDidChange = this.changed.event;

  get status(): Status {
    return this.current;
  }

  set(status: Status): void {
    const { percent } = this.current;
    // The server says how far it is in messages of another kind.
    this.current = status.state === "loading" && percent !== undefined ? { percent, ...status } : status;
    this.changed.fire(this.current);
  }

  setPercent(percent: number): void {
    this.current = { ...this.current, percent };
    this.changed.fire(this.current);
  }

  dispose(): void {
    this.changed.dispose();
  }
}
