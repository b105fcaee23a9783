// VS Code in a real browser: code-server with the extension, and Chromium, from their start to their end.

import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer, type AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { Keyboard } from "./keyboard.ts";
import { PICTURES, TOOLS, readText, scratch, waitFor } from "./room.ts";

/** What serves the workbench, and installs extensions. */
export const CODE_SERVER = join(TOOLS, "node_modules/code-server/out/node/entry.js");

const { chromium } = createRequire(join(TOOLS, "package.json"))("playwright-core") as typeof import("playwright-core");

/** How a workbench is started. */
export interface Options {
  /** The name of the test, for its folders and pictures. */
  name: string;
  /** Files of the folder that is opened, by their paths. */
  files: Record<string, string>;
  /** The user's settings, over those that keep the pictures quiet. */
  settings?: Record<string, unknown>;
  /** Settings of the machine that code-server runs on, which paths of programs belong to. */
  machineSettings?: Record<string, unknown>;
  /** Environment of code-server, and so of the extension and the server. */
  env?: Record<string, string>;
  /** The size of the window, where more than usual is to be seen. */
  width?: number;
  height?: number;
  /** The folder of the installed extensions, if not that with ours. */
  extensions?: string;
  /** A file of the folder to open instead of the folder, such as a workspace of several folders. */
  workspace?: string;
}

/** Settings that keep out of the pictures what is not ours. */
const QUIET = {
  "workbench.startupEditor": "none",
  "workbench.colorTheme": "Default Dark Modern",
  "workbench.tips.enabled": false,
  "workbench.reduceMotion": "on",
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "security.workspace.trust.enabled": false,
  "telemetry.telemetryLevel": "off",
  "chat.disableAIFeatures": true,
  "chat.commandCenter.enabled": false,
  "window.commandCenter": false,
  "editor.minimap.enabled": false,
  "editor.fontSize": 16,
  "files.autoSave": "off",
  "update.mode": "none",
  "git.enabled": false,
  "git.openRepositoryInParentFolders": "never",
};

interface Parts {
  page: Page;
  folder: string;
  userData: string;
  options: Options;
  browser: Browser;
  server: ChildProcess;
}

/** Starts the workbench of a test. */
export type Start = (options: Omit<Options, "name">) => Promise<Workbench>;

/** A running VS Code. */
export class Workbench extends Keyboard {
  readonly folder: string;
  readonly userData: string;
  private readonly options: Options;
  private readonly browser: Browser;
  private readonly server: ChildProcess;
  private pictures = 0;

  private constructor(parts: Parts) {
    super(parts.page);
    this.folder = parts.folder;
    this.userData = parts.userData;
    this.options = parts.options;
    this.browser = parts.browser;
    this.server = parts.server;
  }

  static async start(options: Options): Promise<Workbench> {
    const work = scratch(options.name);
    const folder = join(work, "project");
    mkdirSync(folder, { recursive: true });
    for (const [path, text] of Object.entries(options.files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const userData = join(work, "data");
    const settings = {
      User: { ...QUIET, ...options.settings },
      Machine: options.machineSettings ?? {},
    };
    for (const [place, values] of Object.entries(settings)) {
      mkdirSync(join(userData, place), { recursive: true });
      writeFileSync(join(userData, place, "settings.json"), JSON.stringify(values));
    }
    const port = await freePort();
    const log = createWriteStream(join(work, "code-server.log"));
    const server = spawn(process.execPath, codeServerArguments(work, port, options.extensions), {
      env: { ...process.env, HOME: work, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    server.stdout.pipe(log);
    server.stderr.pipe(log);
    const browser = await chromium.launch({
      executablePath: "/usr/bin/chromium",
      args: ["--no-sandbox"],
    });
    const page = await browser.newPage({
      viewport: { width: options.width ?? 1000, height: options.height ?? 620 },
    });
    const workbench = new Workbench({
      page,
      folder,
      userData,
      options,
      browser,
      server,
    });
    await workbench.show(port);
    return workbench;
  }

  private async show(port: number): Promise<void> {
    const { workspace } = this.options;
    const what = workspace === undefined ? `folder=${this.folder}` : `workspace=${join(this.folder, workspace)}`;
    const url = `http://127.0.0.1:${port}/?${what}`;
    await waitFor("code-server", async () => (await fetch(url).catch(() => undefined))?.ok, 60_000);
    await this.page.goto(url);
    await this.page.waitForSelector(".monaco-workbench .statusbar", {
      timeout: 60_000,
    });
  }

  /** Closes everything. */
  async close(): Promise<void> {
    await this.browser.close();
    this.server.kill();
  }

  /** Returns everything that helps to find out why a test failed. */
  async describe(): Promise<string> {
    const log = serverLog(this.userData);
    return [
      `picture: ${await this.picture("failed")}`,
      `status: ${await this.status()}`,
      `grey text: ${JSON.stringify(await this.ghostText())}`,
      `lines:\n${(await this.lines()).join("\n")}`,
      `notifications: ${JSON.stringify(await this.notifications())}`,
      `log:\n${log}`,
    ].join("\n");
  }

  /** Keeps a picture of the window. */
  async picture(name: string): Promise<string> {
    this.pictures += 1;
    mkdirSync(PICTURES, { recursive: true });
    const path = join(PICTURES, `${this.options.name}-${this.pictures}-${name}.png`);
    // What fades in is shown as it will be.
    await this.page.screenshot({ path, animations: "disabled" });
    return path;
  }

  /** Saves the file in front and returns what is on the disk then. */
  async saved(name: string): Promise<string> {
    await this.page.waitForSelector(".tab.active.dirty");
    await this.press("Control+s");
    await this.page.waitForSelector(".tab.active:not(.dirty)");
    return readFileSync(join(this.folder, name), "utf8");
  }

  /** Returns the process ids of the servers that this VS Code has started. */
  servers(): number[] {
    const parents = new Map<number, number>();
    for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
      const stat = readText(`/proc/${name}/stat`);
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
    }
    const isOurs = (pid: number | undefined): boolean =>
      pid !== undefined && pid > 1 && (pid === this.server.pid || isOurs(parents.get(pid)));
    const isServer = (pid: number) => readText(`/proc/${pid}/cmdline`).includes("infill-ls\0serve");
    return [...parents.keys()].filter((pid) => isServer(pid) && isOurs(pid));
  }

  /** Returns the user's settings as they are on the disk. */
  userSettings(): Record<string, unknown> {
    const text = readText(join(this.userData, "User/settings.json"));
    // VS Code may be writing.
    return text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
  }

  /** Changes the machine's settings as an editor of the file would. */
  writeMachineSettings(values: Record<string, unknown>): void {
    writeFileSync(join(this.userData, "Machine/settings.json"), JSON.stringify(values));
  }
}

function codeServerArguments(work: string, port: number, extensions = join(TOOLS, "extensions")): string[] {
  return [
    CODE_SERVER,
    ...["--auth", "none", "--bind-addr", `127.0.0.1:${port}`, "--config", join(work, "config.yaml")],
    ...["--user-data-dir", join(work, "data"), "--extensions-dir", extensions],
    ...["--disable-telemetry", "--disable-update-check", "--disable-getting-started-override"],
  ];
}

/** Returns the end of the extension's log. */
function serverLog(userData: string): string {
  const logs = join(userData, "logs");
  const paths = (readdirSync(logs, { recursive: true }) as string[]).filter((path) => path.endsWith("infill-ls.log"));
  return paths.map((path) => readFileSync(join(logs, path), "utf8").split("\n").slice(-30).join("\n")).join("\n");
}

function freePort(): Promise<number> {
  return new Promise((found) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => found(port));
    });
  });
}
