// A language server that never has anything to show, after each change for another reason of those that are its argument.

interface Message {
  id?: number | string;
  method?: string;
}

const reasons = JSON.parse(process.argv[2] ?? "[]") as { reason: string; message: string }[];
let changes = 0;

function send(message: object): void {
  const body = JSON.stringify({ jsonrpc: "2.0", ...message });
  process.stdout.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

function say(state: string, message: string, reason?: string): void {
  send({ method: "infill/status", params: { state, message, reason } });
}

function answer({ id, method }: Message): void {
  if (method === "exit") {
    process.exit();
  } else if (method === "textDocument/didChange") {
    changes += 1;
  } else if (method === "initialized") {
    say("ready", "scripted");
  } else if (method === "initialize") {
    send({ id, result: { capabilities: { textDocumentSync: 2, inlineCompletionProvider: true } } });
  } else if (method === "textDocument/inlineCompletion") {
    const { reason = "", message = "" } = reasons[Math.min(changes, reasons.length) - 1] ?? {};
    send({ id, result: null });
    say("silent", message, reason);
  } else if (id !== undefined && method !== undefined) {
    send({ id, result: null });
  }
}

let bytes = Buffer.alloc(0);
process.stdin.on("data", (chunk: Buffer) => {
  bytes = Buffer.concat([bytes, chunk]);
  for (;;) {
    const end = bytes.indexOf("\r\n\r\n");
    const length = Number(/Content-Length: (\d+)/i.exec(bytes.subarray(0, Math.max(end, 0)).toString())?.[1]);
    if (end < 0 || bytes.length < end + 4 + length) {
      return;
    }
    answer(JSON.parse(bytes.subarray(end + 4, end + 4 + length).toString()) as Message);
    bytes = bytes.subarray(end + 4 + length);
  }
});
process.stdin.on("end", () => process.exit());
