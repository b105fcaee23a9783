#!/usr/bin/env node
// Stands between the extension and the server, changes nothing, and writes down what was said: for each document the text
// that the server has been told, and when each request for ghost text came and was answered.
//
//     recorder.ts SERVER RECORD serve
//
// A line of RECORD is one JSON object: { text: uri, version, value } or { asked: id, at } or { answered: id, at, items }.

import { spawn } from "node:child_process";
import { appendFileSync } from "node:fs";
import type { Readable } from "node:stream";

interface Position {
  line: number;
  character: number;
}

interface Message {
  id?: number | string;
  method?: string;
  params?: {
    textDocument?: { uri: string; version: number; text: string };
    contentChanges?: {
      range?: { start: Position; end: Position };
      text: string;
    }[];
  };
  result?: { items?: { insertText: string }[] } | null;
}

const [server = "", record = "", ...args] = process.argv.slice(2);
const texts = new Map<string, string>();
const asked = new Set<number | string>();
const child = spawn(server, args, { stdio: ["pipe", "pipe", "inherit"] });

function write(line: object): void {
  appendFileSync(record, `${JSON.stringify(line)}\n`);
}

/** Returns the index of a position in UTF-16 units; `ends` are where the lines begin. */
function index(text: string, { line, character }: Position): number {
  let start = 0;
  for (let number = 0; number < line; number += 1) {
    start = text.indexOf("\n", start) + 1;
  }
  return start + character;
}

function fromClient({ id, method, params }: Message): void {
  if (params?.textDocument === undefined) {
    return;
  }
  const { uri, version, text } = params.textDocument;
  if (method === "textDocument/didOpen") {
    texts.set(uri, text);
  } else if (method === "textDocument/didChange") {
    let value = texts.get(uri) ?? "";
    for (const { range, text: inserted } of params.contentChanges ?? []) {
      const [from, to] = range === undefined ? [0, value.length] : [index(value, range.start), index(value, range.end)];
      value = value.slice(0, from) + inserted + value.slice(to);
    }
    texts.set(uri, value);
    write({ text: uri, version, value });
  } else if (method === "textDocument/inlineCompletion" && id !== undefined) {
    asked.add(id);
    write({ asked: id, at: Date.now() });
  }
}

function fromServer({ id, method, result }: Message): void {
  if (method === undefined && id !== undefined && asked.delete(id)) {
    write({
      answered: id,
      at: Date.now(),
      items: result?.items?.map((item) => item.insertText) ?? [],
    });
  }
}

/** Calls with each message of a stream of them. */
function read(stream: Readable, take: (message: Message) => void): void {
  let bytes = Buffer.alloc(0);
  stream.on("data", (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    for (;;) {
      const end = bytes.indexOf("\r\n\r\n");
      const length = Number(/Content-Length: (\d+)/i.exec(bytes.subarray(0, Math.max(end, 0)).toString())?.[1]);
      if (end < 0 || bytes.length < end + 4 + length) {
        return;
      }
      take(JSON.parse(bytes.subarray(end + 4, end + 4 + length).toString()) as Message);
      bytes = bytes.subarray(end + 4 + length);
    }
  });
}

process.stdin.pipe(child.stdin);
child.stdout.pipe(process.stdout);
read(process.stdin, fromClient);
read(child.stdout, fromServer);
child.on("exit", (code) => process.exit(code ?? 1));
