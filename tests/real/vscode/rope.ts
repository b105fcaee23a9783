// The long test: random typing, deleting, accepting and undoing, and after each step three texts must be the same: the one
// on the screen, the one that the server was told, and the one that the server has; and at the end the one on the disk. A
// recorder between the two takes down what the server was told, and asks it what it has.

import { createHash } from "node:crypto";
import { recorded, startRecorder } from "./recorded.ts";
import { Failure, waitFor } from "./room.ts";
import { READY } from "./screen.ts";
import type { Start, Workbench } from "./workbench.ts";

const STEPS = 200;

const START = `class Stack:
    def __init__(self):
        self.items = []

    def push(self, item):
        self.items.append(item)

    def pop(self):
        return self.items.pop()
`;

/** What is typed: the beginnings of lines that somebody would write in that class. */
const BEGINNINGS = [
  "def ",
  "return self",
  "self.items",
  "if self",
  "for item in ",
  "x = ",
  "print(",
  "# ",
  "é = ",
  "🙂",
];

/** A generator of random numbers that can be started again with the same numbers. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Two hundred random steps, accepting quickly after typing among them: no character too many, none lost. */
export async function randomEdits(start: Start): Promise<void> {
  const seed = Number(process.env.INFILL_LS_TEST_SEED ?? 1);
  const random = randomNumbers(seed);
  const { program, record } = startRecorder(true);
  const code = await start({
    files: { "stack.py": START },
    // Every line must be on the screen to be compared.
    height: 4000,
    machineSettings: { "infill-ls.server.path": program },
    // What the model writes is of no account here, so all of it is shown.
    settings: {
      "infill-ls.completion.min_probability": 0,
      "infill-ls.completion.min_mean_probability": 0,
      // What fits is not scrolled then, and so all of it is on the screen.
      "editor.scrollBeyondLastLine": false,
    },
  });
  await code.openFile("stack.py");
  await code.waitForStatus(READY);
  const done: string[] = [];
  const accepted = { count: 0 };
  for (let step = 0; step < STEPS; step += 1) {
    done.push(await oneStep(code, random, accepted));
    await expectSame(code, record, `seed ${seed}, after ${done.slice(-5).join(", ")} (step ${step})`);
  }
  await code.picture("after-all");
  const onDisk = await code.saved("stack.py");
  const told = lastText(record);
  if (onDisk !== told) {
    throw new Failure(`on the disk ${JSON.stringify(onDisk)}, the server was told ${JSON.stringify(told)}`);
  }
  console.log(`${STEPS} steps with seed ${seed}, ${accepted.count} times ghost text was accepted`);
  if (accepted.count < 10 || lastSum(record) === "") {
    throw new Failure("too little was accepted for this to say anything");
  }
}

async function oneStep(
  code: Workbench,
  random: (below: number) => number,
  accepted: { count: number },
): Promise<string> {
  const accept = async (key: string, patience: number) => {
    const ghost = await code.suggestion(patience).catch(() => "");
    await code.press(ghost === "" ? "End" : key);
    accepted.count += ghost === "" ? 0 : 1;
    return ghost === "" ? "nothing to accept" : key;
  };
  switch (random(10)) {
    case 0:
    case 1: {
      const lines = await code.lines();
      await code.goToEndOfLine(1 + random(lines.length));
      await code.press("Enter");
      return "a new line";
    }
    case 2:
    case 3:
    case 4: {
      const text = BEGINNINGS[random(BEGINNINGS.length)] ?? "";
      // In the middle of what is there the model has little to say.
      if (random(4) > 0) {
        await code.press("End", "Enter");
      }
      await code.type(text, random(2) * 20);
      return `typed ${JSON.stringify(text)}`;
    }
    case 5:
      return accept("Tab", 1500);
    case 6:
      // At once, with whatever is on the screen: what was typed last may not have come to the server yet.
      await code.type("s", 0);
      return accept("Tab", 0);
    case 7:
      return accept("Control+ArrowRight", 1500);
    case 8:
      await code.press("Backspace", "Backspace");
      return "two characters deleted";
    default:
      await code.press("Control+z");
      return "undone";
  }
}

/** Fails unless the screen shows what the server was told, and the server has it. */
async function expectSame(code: Workbench, record: string, when: string): Promise<void> {
  let screen = "";
  let told = "";
  let known = "";
  const same = async () => {
    screen = (await code.lines()).join("\n");
    told = lastText(record);
    known = lastSum(record);
    return screen === told && (known === "" || known === sum(told));
  };
  await waitFor("the texts to be the same", same, 10_000).catch(() => {
    const server = known === "" || known === sum(told) ? "it has that" : "it has something else";
    throw new Failure(`${when}: on the screen\n${screen}\nand the server was told\n${told}\nand ${server}`);
  });
}

function lastText(record: string): string {
  return recorded(record).findLast((line) => line.text?.endsWith("stack.py"))?.value ?? START;
}

/** Returns the sum of the text that the server has; nothing before the first change. */
function lastSum(record: string): string {
  return recorded(record).findLast((line) => line.rope?.endsWith("stack.py"))?.sha256 ?? "";
}

function sum(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
