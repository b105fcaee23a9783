// What is seen in the window: the text, the grey text, our item in the status bar, notifications.

import type { Locator, Page } from "playwright-core";
import { Failure, waitFor } from "./room.ts";

/** The item in the status bar when the server waits for a request. */
export const READY = /^(sparkle infill|circle-slash infill: [a-z-]+)$/;

/** Our item in the status bar. */
const STATUS_ITEM = ".statusbar-item[id*='infill-ls']";

/** A function of the page that returns the grey text: the part in the line, then the lines below. */
const GHOST_TEXT = `() => {
  const text = (element) => (element.textContent ?? "").replaceAll("\\u00a0", " ").replaceAll("\\u200b", "");
  const within = [...document.querySelectorAll(".monaco-editor [class*=ghost-text-decoration]")];
  const below = [...document.querySelectorAll(".monaco-editor .suggest-preview-text .view-line")];
  const top = (line) => parseFloat(line.style.top);
  below.sort((a, b) => top(a) - top(b));
  return [within.map(text).join(""), ...below.map(text)].join("\\n").trimEnd();
}`;

/** Evaluated in a frame: the text of the page of Markdown in it, if there is one. */
const PAGE_TEXT = `document.querySelector("body.vscode-body > main")?.innerText`;

/** Eyes on a window. */
export class Screen {
  readonly page: Page;

  // Written out, since Node runs TypeScript only as far as its types can be blanked out.
  constructor(page: Page) {
    this.page = page;
  }

  /** Returns the line of the file as it is on the screen, without grey text. */
  async line(number: number): Promise<string> {
    return (await this.lines())[number - 1] ?? "";
  }

  /** Returns the lines of the editor with the keyboard, without grey text. */
  async lines(): Promise<string[]> {
    return this.linesIn(".editor-group-container.active");
  }

  /** Returns the lines of the editor beside that. */
  async linesBeside(): Promise<string[]> {
    return this.linesIn(".editor-group-container:not(.active)");
  }

  private async linesIn(group: string): Promise<string[]> {
    return this.page.evaluate((within) => {
      // The further lines of grey text are lines too, but not among the text's.
      const lines = [...document.querySelectorAll<HTMLElement>(`${within} .editor-instance .view-lines > .view-line`)];
      const top = (line: HTMLElement) => parseFloat(line.style.top);
      const words = (line: HTMLElement) =>
        [...line.querySelectorAll("span > span")].filter((word) => !word.className.includes("ghost-text"));
      return lines
        .sort((a, b) => top(a) - top(b))
        .map((line) =>
          words(line)
            .map((word) => word.textContent)
            .join("")
            .replaceAll("\u00a0", " "),
        );
    }, group);
  }

  /** Waits until a line of the file (from 1) reads like this. */
  async expectLine(number: number, wanted: string): Promise<void> {
    let line = "";
    await waitFor(`line ${number} to be ${JSON.stringify(wanted)}`, async () => {
      line = await this.line(number);
      return line === wanted;
    }).catch((error: unknown) => {
      throw new Failure(`${String(error)}; it is ${JSON.stringify(line)}`);
    });
  }

  /** Returns the grey text on the screen, its lines put together. */
  async ghostText(): Promise<string> {
    return this.page.evaluate(`(${GHOST_TEXT})()`);
  }

  /** Waits until there is grey text and returns it. */
  async suggestion(limit = 30_000): Promise<string> {
    return waitFor("ghost text", () => this.ghostText(), limit);
  }

  /** Takes down what grey text is drawn from now on, frame by frame. */
  async watchGhostText(): Promise<void> {
    await this.page.evaluate(`(() => {
      const state = (window.infillSeen = { texts: [] });
      const text = ${GHOST_TEXT};
      const look = () => {
        const now = text();
        if (state.texts.at(-1) !== now) {
          state.texts.push(now);
        }
        requestAnimationFrame(look);
      };
      look();
    })()`);
  }

  /** Returns the different grey texts that were drawn, in order. */
  async seenGhostText(): Promise<string[]> {
    return this.page.evaluate("window.infillSeen.texts");
  }

  /**
   * Presses a key and returns when it came to the page, and when the frame with the next grey text was drawn, in ms. Both
   * are the page's own times, so that the way from here to there does not count.
   */
  async timeToGhostText(key: string): Promise<{ pressed: number; shown: number }> {
    await this.page.evaluate(`(() => {
      const times = (window.infillTimes = {});
      const text = ${GHOST_TEXT};
      addEventListener("keydown", () => (times.pressed = Date.now()), { capture: true, once: true });
      const look = () => {
        if (times.pressed !== undefined && text() !== "") {
          times.shown = Date.now();
        } else {
          requestAnimationFrame(look);
        }
      };
      look();
    })()`);
    await this.page.keyboard.press(key);
    await this.page.waitForFunction("window.infillTimes.shown !== undefined", undefined, { timeout: 8000 });
    return this.page.evaluate("window.infillTimes");
  }

  /** Returns the texts of the pages of Markdown that are in front, as they are to be read. */
  async pages(): Promise<string[]> {
    // A frame may be going away.
    const read = this.page.frames().map((frame) => frame.evaluate(PAGE_TEXT).catch(() => undefined));
    return (await Promise.all(read)).filter((text) => typeof text === "string");
  }

  /** Waits until a page of Markdown in front has these words, and returns its text. */
  async expectPage(wanted: string | RegExp, limit = 90_000): Promise<string> {
    return waitFor(
      `a page with ${wanted}`,
      async () => (await this.pages()).find((text) => text.search(wanted) >= 0),
      limit,
    );
  }

  /** Waits until no notification of work is there that could be cancelled. */
  async waitForWork(limit = 90_000): Promise<void> {
    const isWork = (text: string) => text.includes("Source: infill-ls") && text.includes("Cancel");
    await waitFor("the work to end", async () => !(await this.notifications()).some(isWork), limit);
  }

  /** Closes a tab, wherever the keyboard is. */
  async closeTab(title: string): Promise<void> {
    const tab = this.page.locator(".tab", { hasText: title });
    // Where it is narrow its button is hidden.
    await tab.click({ button: "middle" });
    await tab.waitFor({ state: "detached" });
  }

  /** Returns the titles of all tabs. */
  async tabs(): Promise<string[]> {
    // The extension of a file's name is a part of its own.
    const titles = await this.page.locator(".tab .monaco-icon-label").allInnerTexts();
    return titles.map((title) => title.replaceAll("\n", ""));
  }

  /** Returns our item in the status bar. */
  statusItem(): Locator {
    return this.page.locator(STATUS_ITEM);
  }

  /** Returns the text of our item in the status bar, with the names of its signs. */
  async status(): Promise<string> {
    return this.page.evaluate((selector) => {
      const item = document.querySelector(selector);
      const signs = [...(item?.querySelectorAll(".codicon") ?? [])].map(
        (sign) => [...sign.classList].find((name) => name.startsWith("codicon-"))?.slice(8) ?? "",
      );
      return [...signs, item?.textContent.trim() ?? ""].join(" ");
    }, STATUS_ITEM);
  }

  /** Returns what our item says to who cannot see it, which is the sentence of its tooltip. */
  async statusSentence(): Promise<string> {
    const item = this.statusItem();
    const inner = item.locator("[aria-label]").first();
    return (await item.getAttribute("aria-label")) ?? (await inner.getAttribute("aria-label")) ?? "";
  }

  /** Waits until our item in the status bar says this. */
  async waitForStatus(wanted: RegExp, limit = 60_000): Promise<string> {
    return waitFor(
      `the status ${wanted}`,
      async () => {
        const status = await this.status();
        return wanted.test(status) ? status : undefined;
      },
      limit,
    );
  }

  /** Returns the notifications on the screen. */
  async notifications(): Promise<string[]> {
    return this.page.locator(".notifications-toasts .notification-list-item").allInnerTexts();
  }

  /** Waits for a notification that says this. */
  async notification(wanted: RegExp, limit = 30_000): Promise<string> {
    return waitFor(
      `a notification ${wanted}`,
      async () => (await this.notifications()).find((text) => wanted.test(text)),
      limit,
    );
  }
}
