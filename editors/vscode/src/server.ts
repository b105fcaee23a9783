// The server's process and the connection to it: start, stop, restart, and what it is told when settings change.

import * as vscode from "vscode";
import {
  LanguageClient,
  RevealOutputChannelOn,
  WorkDoneProgressCancelNotification,
  type ErrorHandler,
  type LanguageClientOptions,
} from "vscode-languageclient/node";
import { findBinary, type Binary } from "./binary.js";
import { Crashes } from "./crashes.js";
import { SELECTOR, middleware } from "./documents.js";
import type { GrowingPages } from "./growing.js";
import type { Pause } from "./pause.js";
import { Progresses } from "./progress.js";
import { SECTION, needsRestart, serverSettings, startSettings } from "./settings.js";
import type { ServerState, Status } from "./state.js";

/** A server that can be started and stopped. */
export class Server implements vscode.Disposable {
  /** The log of the extension, of the server, and of what they say to each other. */
  readonly log = vscode.window.createOutputChannel("infill-ls", { log: true });
  private readonly progresses: Progresses;
  private readonly crashes: ErrorHandler;
  private client: LanguageClient | undefined;
  private binary: Binary | undefined;
  /** Starts and stops follow one another; a second start beside a first would leave a process behind. */
  private turn: Promise<void> = Promise.resolve();

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly state: ServerState,
    private readonly pause: Pause,
    private readonly growing: GrowingPages,
  ) {
    this.progresses = new Progresses({
      onLoading: (percent) => this.state.setPercent(percent),
      onCancelLoading: () => {
        void this.stop("the download was stopped; Start goes on with it");
      },
      onCancelWork: (token) => {
        void this.client?.sendNotification(WorkDoneProgressCancelNotification.type, { token });
      },
    });
    this.crashes = new Crashes(
      (restarts) => this.onCrash(restarts),
      () => this.log.show(),
      () => void this.start(),
    );
  }

  /** Starts the server, or says why it cannot be started. */
  start(): Promise<void> {
    return this.next(() => this.run());
  }

  /** Stops the server and says why in the status. */
  stop(why: string): Promise<void> {
    return this.next(async () => {
      await this.end();
      this.state.set({ state: "stopped", message: why });
    });
  }

  async restart(): Promise<void> {
    await this.next(() => this.end());
    await this.start();
  }

  /** Tells the server of changed settings. */
  async settingsChanged(change: vscode.ConfigurationChangeEvent): Promise<void> {
    if (!change.affectsConfiguration(SECTION)) {
      return;
    }
    if (needsRestart(this.context.extension, change)) {
      await this.restart();
    } else {
      const settings = { [SECTION]: serverSettings(this.context.extension) };
      await this.client?.sendNotification("workspace/didChangeConfiguration", { settings });
    }
  }

  /** Returns the connection, if there is one. */
  get connection(): LanguageClient | undefined {
    return this.client?.isRunning() === true ? this.client : undefined;
  }

  /** Returns the program that runs, or would be run. */
  async program(): Promise<Binary> {
    return this.binary ?? (await findBinary(startSettings().path, this.context.extensionPath));
  }

  dispose(): void {
    void this.end();
    this.progresses.dispose();
    this.log.dispose();
  }

  private next(step: () => Promise<void>): Promise<void> {
    this.turn = this.turn
      .then(step)
      .catch((error: unknown) => this.fail(error instanceof Error ? error.message : String(error)));
    return this.turn;
  }

  private async run(): Promise<void> {
    if (this.client !== undefined) {
      return;
    }
    this.state.set({ state: "starting", message: "starting" });
    const { path, environment } = startSettings();
    const binary = await findBinary(path, this.context.extensionPath);
    this.binary = binary;
    this.log.info(`Starting ${binary.path} (from ${binary.from})`);
    const program = { command: binary.path, args: ["serve"], options: { env: { ...process.env, ...environment } } };
    const client = new LanguageClient("infill-ls", "infill-ls", program, this.options());
    client.onNotification("infill/status", (status: Status) => this.state.set(status));
    this.growing.register(client);
    this.client = client;
    await client.start();
  }

  private options(): LanguageClientOptions {
    return {
      documentSelector: SELECTOR,
      outputChannel: this.log,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      initializationOptions: () => serverSettings(this.context.extension),
      errorHandler: this.crashes,
      initializationFailedHandler: () => false,
      middleware: middleware(this.pause, this.progresses),
    };
  }

  private async end(): Promise<void> {
    const { client } = this;
    this.client = undefined;
    this.binary = undefined;
    this.progresses.endAll();
    // A client whose process has crashed for good cannot be stopped, and has nothing to stop.
    if (client?.needsStop() === true) {
      await client.stop();
    }
  }

  private onCrash(restarts: boolean): void {
    this.progresses.endAll();
    if (restarts) {
      this.state.set({ state: "starting", message: "starting again" });
    } else {
      this.client = undefined;
      this.state.set({ state: "failed", message: "the server stopped too often; its log says more" });
    }
  }

  private fail(message: string): void {
    this.client = undefined;
    this.state.set({ state: "failed", message });
    this.log.error(message);
    void vscode.window.showErrorMessage(`infill-ls: ${message}`, "Show Log", "Open Settings").then((choice) => {
      if (choice === "Show Log") {
        this.log.show();
      } else if (choice === "Open Settings") {
        void vscode.commands.executeCommand("workbench.action.openSettings", `${SECTION}.server`);
      }
    });
  }
}
