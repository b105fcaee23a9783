// What is done in the window: keys, and what several keys are together, such as opening a file or running a command.

import { READY, Screen } from "./screen.ts";
import { Failure, waitFor } from "./room.ts";

const QUICK_INPUT = ".quick-input-widget input";

/** Hands on the keyboard, and eyes on the window. */
export class Keyboard extends Screen {
  async press(...keys: string[]): Promise<void> {
    for (const key of keys) {
      await this.page.keyboard.press(key);
    }
  }

  /** Types as a person does, one key after the other. */
  async type(text: string, delay = 30): Promise<void> {
    await this.page.keyboard.type(text, { delay });
  }

  /** Opens a file of the folder by its name. */
  async openFile(name: string): Promise<void> {
    await this.open(name);
    await this.page.waitForSelector(".monaco-editor.focused");
  }

  /** Opens a notebook and goes into its first cell. */
  async openNotebook(name: string): Promise<void> {
    await this.open(name);
    await this.page.locator(".notebookOverlay .cell .view-lines").first().click();
    await this.page.waitForSelector(".notebookOverlay .monaco-editor.focused");
  }

  private async open(name: string): Promise<void> {
    await this.press("Control+p");
    await this.page.waitForSelector(QUICK_INPUT, { state: "visible" });
    await this.type(name, 0);
    const row = this.page.locator(".quick-input-list .monaco-list-row.focused");
    await waitFor(`the file ${name}`, async () => (await row.allTextContents()).join().includes(name));
    await this.press("Enter");
    await this.page.waitForSelector(`.tab.active[data-resource-name="${name}"]`);
  }

  /** Opens the file, waits for the model, goes to the end of the line (from 1) and types. */
  async typeAt(name: string, line: number, text: string): Promise<void> {
    await this.openFile(name);
    await this.waitForStatus(READY);
    await this.goToEndOfLine(line);
    await this.type(text);
  }

  /** Types on until there is grey text: VS Code asks for none in the first moments of an editor. */
  async typeUntilSuggestion(text: string): Promise<{ typed: string; ghost: string }> {
    for (let typed = 1; typed < text.length; typed += 1) {
      await this.type(text.charAt(typed - 1));
      const ghost = await this.suggestion(2000).catch(() => "");
      if (ghost !== "") {
        return { typed: text.slice(0, typed), ghost };
      }
    }
    throw new Failure(`${JSON.stringify(text)} was typed, and there is no grey text`);
  }

  /** Goes to the end of a line, counted from 1. */
  async goToEndOfLine(line: number): Promise<void> {
    await this.press("Control+g");
    await this.page.waitForSelector(QUICK_INPUT, { state: "visible" });
    await this.type(String(line), 0);
    await this.press("Enter");
    await this.page.waitForSelector(".quick-input-widget", { state: "hidden" });
    // The cursor is there before the keyboard is.
    await this.page.locator(".statusbar-item", { hasText: `Ln ${line},` }).waitFor();
    await this.page.waitForSelector(".monaco-editor.focused");
    await this.press("End");
  }

  /** Runs a command by its title in the palette. */
  async command(title: string): Promise<void> {
    await this.press("F1");
    await this.page.waitForSelector(QUICK_INPUT, { state: "visible" });
    await this.page.fill(QUICK_INPUT, `>${title}`);
    const row = this.page.locator(".quick-input-list .monaco-list-row.focused");
    await waitFor(`the command ${title}`, async () => (await row.textContent())?.includes(title));
    await this.press("Enter");
  }

  /** Chooses an entry of the menu behind our item, by its label and perhaps its description. */
  async chooseInMenu(label: string, description = ""): Promise<void> {
    await this.statusItem().click();
    const rows = this.page.locator(".quick-input-list .monaco-list-row", {
      hasText: label,
    });
    await rows.filter({ hasText: description }).first().click();
  }

  /** Presses a button of a notification. */
  async pressInNotification(label: string): Promise<void> {
    await this.page.locator(".notifications-toasts .monaco-button", { hasText: label }).first().click();
  }
}
