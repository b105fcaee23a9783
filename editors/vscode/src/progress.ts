// The server's progress: fetching and loading the model, with a notification that can be cancelled when it takes long,
// and work that a person asked for, such as writing a function, which can be cancelled from its first moment.
//
// vscode-languageclient shows all of it in the status bar, where nothing can be cancelled; so it is done here.

import * as vscode from "vscode";
import type {
  ProgressToken,
  WorkDoneProgressBegin,
  WorkDoneProgressEnd,
  WorkDoneProgressReport,
} from "vscode-languageclient/node";

/** A download that is over sooner needs no notification. */
const PATIENCE_MS = 1000;

/** What the progress messages are handed on to. */
export interface ProgressListener {
  /** The model is being fetched or loaded, this much of it. */
  onLoading(percent: number): void;
  /** The user does not want to wait for the model. */
  onCancelLoading(): void;
  /** The user does not want to wait for other work. */
  onCancelWork(token: ProgressToken): void;
}

type Message = WorkDoneProgressBegin | WorkDoneProgressReport | WorkDoneProgressEnd;

/** All progress under way. */
export class Progresses implements vscode.Disposable {
  private readonly shown = new Map<ProgressToken, Shown>();

  constructor(private readonly listener: ProgressListener) {}

  /** Takes one message of the server. */
  take(token: ProgressToken, message: Message): void {
    switch (message.kind) {
      case "begin":
        this.shown.set(token, this.begin(token, message));
        break;
      case "report":
        this.shown.get(token)?.report(message);
        break;
      case "end":
        this.end(token);
        break;
    }
  }

  /** Ends what is shown: the server is gone. */
  endAll(): void {
    for (const token of [...this.shown.keys()]) {
      this.end(token);
    }
  }

  dispose(): void {
    this.endAll();
  }

  private begin(token: ProgressToken, message: WorkDoneProgressBegin): Shown {
    const { listener } = this;
    // Only the loading of the model knows how much there is to do.
    return message.percentage === undefined
      ? new Shown(message.title, () => listener.onCancelWork(token))
      : new Shown(
          "infill-ls",
          () => listener.onCancelLoading(),
          (percent) => listener.onLoading(percent),
        );
  }

  private end(token: ProgressToken): void {
    this.shown.get(token)?.end();
    this.shown.delete(token);
  }
}

/** One progress: nothing at first, and a notification when it takes longer. */
class Shown {
  private timer: NodeJS.Timeout | undefined;
  private readonly over: Promise<void>;
  private resolve: () => void = () => undefined;
  private notification: vscode.Progress<{ message?: string; increment?: number }> | undefined;
  private percent = 0;
  private told = 0;
  private message = "";

  constructor(
    private readonly title: string,
    private readonly onCancel: () => void,
    private readonly onPercent?: (percent: number) => void,
  ) {
    this.over = new Promise((resolve) => (this.resolve = resolve));
    if (onPercent === undefined) {
      this.show();
    }
  }

  report({ message, percentage }: WorkDoneProgressReport): void {
    this.message = message ?? this.message;
    if (percentage !== undefined) {
      this.percent = percentage;
      this.onPercent?.(percentage);
      // Without a percentage the model is only being loaded from the disk.
      this.timer ??= setTimeout(() => {
        this.show();
      }, PATIENCE_MS);
    }
    this.tell();
  }

  end(): void {
    clearTimeout(this.timer);
    this.resolve();
  }

  private show(): void {
    const { title } = this;
    const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
    void vscode.window.withProgress(options, (notification, cancel) => {
      this.notification = notification;
      cancel.onCancellationRequested(this.onCancel);
      this.tell();
      return this.over;
    });
  }

  private tell(): void {
    const increment = this.percent - this.told;
    const measured = this.onPercent !== undefined && this.percent > 0;
    const message = measured ? `${this.message}: ${this.percent} %` : this.message;
    this.notification?.report({ message, ...(measured ? { increment } : {}) });
    this.told = this.notification === undefined ? this.told : this.percent;
  }
}
