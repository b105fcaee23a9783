// A language server that has nothing to suggest, and after each change sends the notifications that its argument lists for it.

interface Message {
  id?: number | string;
  method?: string;
}

/** For the first change, the second, and so on. */
const notifications = JSON.parse(process.argv[2] ?? "[]") as { method: string; params: object }[][];
let changes = 0;

function send(message: object): void {
  const body = JSON.stringify({ jsonrpc: "2.0", ...message });
  process.stdout.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

function answer({ id, method }: Message): void {
  if (method === "exit") {
    process.exit();
  } else if (method === "textDocument/didChange") {
    changes += 1;
    notifications[changes - 1]?.forEach(send);
  } else if (method === "initialized") {
    send({ method: "infill/status", params: { state: "ready", message: "scripted" } });
  } else if (method === "initialize") {
    send({ id, result: { capabilities: { textDocumentSync: 2, inlineCompletionProvider: true } } });
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
