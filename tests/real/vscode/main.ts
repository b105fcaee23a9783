// Runs one of the tests in VS Code, or lists them: node main.ts NAME | --list
// tests/real/vscode.py calls this, so that they stand beside the tests in the other editors.

import * as actions from "./actions.ts";
import * as editing from "./editing.ts";
import * as latency from "./latency.ts";
import * as pages from "./pages.ts";
import * as places from "./places.ts";
import * as rope from "./rope.ts";
import * as states from "./states.ts";
import { Workbench, type Start } from "./workbench.ts";

type Test = (start: Start) => Promise<void>;

const TESTS = new Map(
  Object.entries<Test>({ ...actions, ...editing, ...states, ...pages, ...places, ...latency, ...rope }).map(
    ([name, test]) => [spell(name), test],
  ),
);

/** acceptWord is vscode_accept_word in the list, as the other editors' tests are spelt. */
function spell(name: string): string {
  return `vscode_${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
}

async function run(name: string, test: Test): Promise<void> {
  const started: Workbench[] = [];
  try {
    await test(async (options) => {
      const workbench = await Workbench.start({ name, ...options });
      started.push(workbench);
      return workbench;
    });
  } catch (error) {
    process.exitCode = 1;
    console.log(error instanceof Error ? (error.stack ?? error.message) : error);
    for (const workbench of started) {
      console.log(await workbench.describe().catch(String));
    }
  } finally {
    await Promise.all(started.map((workbench) => workbench.close()));
  }
}

const [name = "--list"] = process.argv.slice(2);
const test = TESTS.get(name);
if (name === "--list") {
  console.log([...TESTS.keys()].join("\n"));
} else if (test === undefined) {
  console.log(`there is no test ${name}`);
  process.exitCode = 2;
} else {
  await run(name, test);
}
