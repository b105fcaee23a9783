// What happens when the server's process ends by itself: it is started again, a bounded number of times, and the user is
// told each time. Not about ends that the user asked for.

import * as vscode from "vscode";
import {
  CloseAction,
  ErrorAction,
  type CloseHandlerResult,
  type ErrorHandler,
  type ErrorHandlerResult,
} from "vscode-languageclient/node";

/** So many restarts in so many minutes are help; more are a server that cannot work. */
const MOST = 4;
const MINUTES = 3;

/** Decides about restarts. */
export class Crashes implements ErrorHandler {
  private times: number[] = [];

  /**
   * @param onCrash is called after each crash, with whether the server is started again
   * @param log shows the log
   * @param restart starts the server when the user asks for it
   */
  constructor(
    private readonly onCrash: (restarts: boolean) => void,
    private readonly log: () => void,
    private readonly restart: () => void,
  ) {}

  /** A message that cannot be read or written: the process's end says more than a single one of them. */
  error(): ErrorHandlerResult {
    return { action: ErrorAction.Continue };
  }

  closed(): CloseHandlerResult {
    const now = Date.now();
    this.times = [...this.times.filter((time) => now - time < MINUTES * 60_000), now];
    const restarts = this.times.length <= MOST;
    this.onCrash(restarts);
    if (restarts) {
      this.tell(`The server stopped by itself and is started again (${this.times.length} of ${MOST}).`, []);
      return {
        action: CloseAction.Restart,
        handled: true,
        message: "The server stopped by itself; starting it again.",
      };
    }
    this.times = [];
    this.tell(`The server stopped ${MOST + 1} times in ${MINUTES} minutes and is left alone now.`, ["Start Again"]);
    return { action: CloseAction.DoNotRestart, handled: true, message: "The server stopped too often." };
  }

  private tell(message: string, offers: string[]): void {
    void vscode.window.showWarningMessage(`infill-ls: ${message}`, "Show Log", ...offers).then((choice) => {
      if (choice === "Show Log") {
        this.log();
      } else if (choice === "Start Again") {
        this.restart();
      }
    });
  }
}
